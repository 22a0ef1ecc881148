"""Parts of pymatting, without what importing it costs and does to the threads of torch."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

_LOADING = threading.Lock()


def function(module: str, name: str, alone: bool = False) -> Callable[..., Any]:
    """A function of a module of pymatting.

    Its compiled code starts numba's threads when it is imported, which sets the OpenMP threads of
    the whole process to the number of cores. A torch that was told to take one thread then takes
    all, and is ten times as slow where other processes have the cores.

    Args:
        module: Such as `alpha.estimate_alpha_cf`.
        name: Of the function.
        alone: Load the module from its file, without the rest of the package, whose compiled code
            takes 0.4 s to load; for modules that import no other of pymatting.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    with _LOADING:
        loaded = _load(f"pymatting.{module}", _load_alone if alone else import_module)
        found: Callable[..., Any] = getattr(loaded, name)
    if torch:
        torch.set_num_threads(threads)
    return found


def _load(name: str, load: Callable[[str], ModuleType]) -> ModuleType:
    try:
        return load(name)
    except RuntimeError:  # numba has no folder for its cache, as `rssn.imaging.compiled` says
        dispatcher: Any = import_module("numba.core.dispatcher").Dispatcher
        enable_caching = dispatcher.enable_caching
        dispatcher.enable_caching = lambda self: None
        try:
            return load(name)
        finally:
            dispatcher.enable_caching = enable_caching


def _load_alone(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    package = find_spec("pymatting")  # looks for it and runs nothing
    if package is None or package.origin is None:
        return import_module(name)  # which says what is missing
    path = Path(package.origin).parent.joinpath(*name.split(".")[1:]).with_suffix(".py")
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        return import_module(name)
    module = module_from_spec(spec)
    sys.modules[name] = module  # what numba cached is looked up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
