"""Import of single modules of pymatting, without side effects on torch."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

_LOADING = threading.Lock()


def function(module: str, name: str, alone: bool = False) -> Callable[..., Any]:
    """A function of a module of pymatting.

    Compiled code starts numba's threads when it is imported, which sets the OpenMP threads of the
    whole process to the number of cores; here torch keeps its number.

    Args:
        module: Such as `alpha.estimate_alpha_cf`.
        name: Of the function.
        alone: Load the module from its file, without the rest of the package, which takes 0.4 s
            to load; for modules that import no other of pymatting.
    """
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    load = _load_alone if alone else import_module
    with _LOADING:
        try:
            loaded = load(f"pymatting.{module}")
        except RuntimeError:  # numba has no folder for its cache
            config: Any = import_module("numba.core.config")
            with TemporaryDirectory() as config.CACHE_DIR:  # needed by the import alone
                loaded = load(f"pymatting.{module}")
            config.CACHE_DIR = ""
    if torch:
        torch.set_num_threads(threads)
    found: Callable[..., Any] = getattr(loaded, name)
    return found


def _load_alone(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    package = find_spec("pymatting")  # without running it
    folder = Path(package.origin if package and package.origin else "").parent
    path = folder.joinpath(*name.split(".")[1:]).with_suffix(".py")
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        return import_module(name)  # in another way, or with an error that names it
    module = sys.modules[name] = module_from_spec(spec)  # numba looks up cached code there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
