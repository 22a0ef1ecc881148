"""Steps of composing beside the paper's, which a route asks for by name in `more_steps`.

Each is a file with a subclass of `Step`, and a line in `MORE_STEPS`.
"""

from __future__ import annotations

from rssn.route.steps.harmonise import Harmonise
from rssn.route.steps.step import Step

MORE_STEPS: dict[str, type[Step]] = {
    # A route makes them in this order, and each draws from the stream of its place in it: add
    # others at the end, or builds change their bytes.
    "harmonise": Harmonise,
}

__all__ = ["MORE_STEPS", "Harmonise", "Step"]
