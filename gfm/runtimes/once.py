"""Things that are made once, whichever thread asks first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")


class OnceEach(Generic[Key]):
    """Makes one thing for each key.

    Args:
        make: Makes the thing of a key.
    """

    def __init__(self, make: Callable[[Key], Any]) -> None:
        self._make = make
        self._made: dict[Key, Any] = {}
        self._lock = Lock()

    def __call__(self, key: Key) -> Any:  # noqa: ANN401
        """The thing of a key."""
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(key)
            return self._made[key]
