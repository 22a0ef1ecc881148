# The page, the server and `gfm matte` on the processor, without PyTorch.
#
#     docker build -t gfm .
#     docker run --read-only -p 127.0.0.1:8000:8000 -e GFM_SERVE_TOKEN=... gfm
#     docker run --read-only --user "$(id -u):$(id -g)" -v "$PWD:/photos" gfm gfm matte /photos/photo.jpg --out /photos/mattes
#
# tests/test_core_install.py runs the steps below without docker.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gfm gfm
COPY rssn rssn
COPY data_tools data_tools
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
RUN python -m venv /opt/gfm
RUN /opt/gfm/bin/python -m pip install --no-cache-dir --only-binary :all: -c constraints.txt "$(echo /wheels/*.whl)[web]"

FROM python:3.11-slim
COPY --from=build /opt/gfm /opt/gfm
ENV PATH=/opt/gfm/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /work
USER 65534:65534
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-m", "gfm.serve.healthy"]
CMD ["gfm", "serve", "--host", "0.0.0.0", "--port", "8000"]
