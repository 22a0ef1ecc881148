# make demo | test | test-all | lint | docs; each builds .venv first when it is missing or stale.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal -rs
DEMO := $(BIN)/python scripts/demo.py --out demo

.PHONY: demo test test-all test-slow lint format docs clean

demo: $(STAMP)  ## the whole path on built-in data, or on DATA=folder [MINUTES=n]
	$(DEMO) $(if $(DATA),--data "$(DATA)") $(if $(MINUTES),--minutes $(MINUTES))

test: $(STAMP)  ## the quick tests, in minutes
	$(PYTEST) -m "not slow and not integration and not gpu"

test-all: $(STAMP)  ## these, and those that train or start processes, servers and browsers
	$(PYTEST) -m "not slow and not gpu"

test-slow: $(STAMP)  ## the rest, which takes hours
	$(BIN)/python -m pytest -m "slow and not gpu"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --allow-untyped-calls --no-warn-return-any --no-warn-unused-ignores scripts
	$(BIN)/lint-imports --no-cache --no-logo

docs: $(STAMP)  ## pages and API reference, in build/docs; a warning is an error
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/docs

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11; name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV), once: 3.4 GB to fetch, 7 GB on disk. This takes minutes."
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) demo build
