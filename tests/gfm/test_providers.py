"""Providers of ONNX Runtime: chosen, asked for, missing, and failing; no device is needed."""

from __future__ import annotations

import logging

import numpy as np
import onnxruntime
import pytest

import gfm
from gfm.checkpoints.packaged import EXPORTED, find_packaged
from gfm.inference import loading
from gfm.runtimes.model import load_exported
from gfm.runtimes.providers import Provider, choose_provider
from rssn.imaging.errors import InputError

CPU, CUDA, OPENVINO = (f"{kind}ExecutionProvider" for kind in ("CPU", "CUDA", "OpenVINO"))
COREML = "CoreMLExecutionProvider"
LITE = find_packaged("lite", EXPORTED)
IMAGE = np.zeros((1, 3, 32, 32), np.float32)


@pytest.mark.parametrize(
    ("device", "available", "wanted"),
    [
        ("auto", [CPU], Provider(CPU)),
        ("auto", [COREML, CPU], Provider(CPU)),  # those that were not tried only by their name
        ("auto", ["TensorrtExecutionProvider", CUDA, CPU], Provider(CUDA, may_fall_back=True)),
        ("auto", [OPENVINO, CPU], Provider(OPENVINO, may_fall_back=True)),
        ("cpu", [CUDA, CPU], Provider(CPU)),
        ("cuda", [CUDA, CPU], Provider(CUDA)),
        ("cuda:1", [CUDA, CPU], Provider(CUDA, 1)),
        ("CoreML", [COREML, CPU], Provider(COREML)),
        (OPENVINO, [OPENVINO, CPU], Provider(OPENVINO)),
    ],
)
def test_provider_of_a_device(device, available, wanted):
    assert choose_provider(device, available) == wanted


def test_device_and_options_of_a_provider():
    assert Provider(CUDA, 1).device == "cuda:1" and Provider(CUDA, 1).options == {"device_id": "1"}
    assert Provider(OPENVINO).device == "openvino" and Provider(OPENVINO).options == {}


@pytest.mark.parametrize("device", ["cuda", "openvino", "gpu", "cuda:x", ""])
def test_missing_provider_is_an_error_and_no_silent_processor(device):
    there = [CUDA, CPU] if device == "cuda:x" else [COREML, CPU]
    with pytest.raises(InputError, match=rf"device='{device}': .*cpu"):
        choose_provider(device, there)


def test_asked_device_is_missing_here():
    with pytest.raises(InputError, match="device='openvino': "):
        load_exported(LITE, "openvino")


class Sessions:
    """Sessions of ONNX Runtime in which one provider is there, and fails in some way.

    Args:
        how: `start`: when the session is made; `silent`: it is left out without an error; `run`.
    """

    def __init__(self, how: str) -> None:
        self.how, self.taken = how, []
        self.real = onnxruntime.InferenceSession

    def __call__(self, model, options, providers, enable_fallback):
        assert enable_fallback == 0
        ((name, _),) = providers
        self.taken.append(name)
        if name == CPU:
            return self.real(model, options, providers=[CPU])
        if self.how == "start":
            raise RuntimeError("libcublas.so.12 is not there")
        session = self.real(model, options, providers=[CPU])
        if self.how == "run":
            session.get_providers = lambda: [name, CPU]

            def fail(outputs, given):
                raise RuntimeError("CUDA failure 2: out of memory")

            session.run = fail
        return session


@pytest.fixture(params=["start", "silent", "run"])
def sessions(request, monkeypatch):
    made = Sessions(request.param)
    monkeypatch.setattr(onnxruntime, "InferenceSession", made)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    return made


def test_failing_provider_that_was_asked_for_is_an_error(sessions):
    model = load_exported(LITE, "cuda")
    assert model.device == "cuda" and model.describe() == "cuda, ONNX Runtime"
    message = r"device='cuda': CUDAExecutionProvider .*'cpu'"
    with pytest.raises(InputError, match=message):
        model.run({"image": IMAGE}, ("focus",))
    assert sessions.taken == [CUDA]


def test_failing_provider_that_nobody_asked_for_gives_way_and_it_is_said_once(sessions, caplog):
    model = load_exported(LITE)
    assert model.device == "cuda"
    with caplog.at_level(logging.WARNING, "gfm"):
        made = [model.run({"image": IMAGE}, outputs) for outputs in (("focus",), ("glance",))]
    assert [each.shape[1] for (each,) in made] == [1, 3]
    assert sessions.taken == [CUDA, CPU, CPU] and model.device == "cpu"
    (message,) = (record.getMessage() for record in caplog.records if record.name == "gfm")
    assert message.startswith("CUDAExecutionProvider fails (")


def test_too_little_memory_is_of_the_photograph(monkeypatch):
    monkeypatch.setattr(onnxruntime, "InferenceSession", Refusing)
    model = load_exported(LITE, "cpu")
    with pytest.raises(MemoryError, match="bad allocation"):
        model.run({"image": IMAGE}, ("focus",))


class Refusing(onnxruntime.InferenceSession):
    def run(self, *given):
        raise RuntimeError("bad allocation")


@pytest.mark.parametrize(
    ("device", "driver", "available", "torch"),
    [
        ("cpu", True, [CUDA, CPU], False),
        ("auto", False, [CPU], False),
        ("auto", True, [CPU], True),  # a GPU that ONNX Runtime cannot use
        ("auto", True, [CUDA, CPU], False),
        ("cuda", True, [CPU], True),
        ("cuda:0", True, [CUDA, CPU], False),
        ("mps", False, [CPU], True),
        ("openvino", False, [OPENVINO, CPU], False),
    ],
)
def test_packaged_model_runs_where_the_device_is(device, driver, available, torch, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    monkeypatch.setattr(loading, "has_driver", lambda: driver)
    taken = []
    monkeypatch.setattr(loading, "load_exported", lambda *given: taken.append("onnx") or Fake())
    monkeypatch.setattr(
        "gfm.checkpoints.files.load_network", lambda *given: taken.append("torch") or Fake()
    )
    gfm.load_model("lite", device)
    assert taken == ["torch" if torch else "onnx"]


class Fake:
    def describe(self) -> str:
        return "a fake"


def test_what_runs_a_model_is_said(caplog):
    with caplog.at_level(logging.INFO, "gfm"):
        gfm.load_model("lite", "cpu")
    assert "lite runs on cpu, ONNX Runtime" in caplog.messages
