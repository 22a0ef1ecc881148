"""Whether W&B can be used from this machine, found out in seconds."""

from __future__ import annotations

import http.client
import netrc
import os
import urllib.error
import urllib.request
import warnings
from urllib.parse import urlsplit

from rssn.errors import InputError

ANSWER_SECONDS = 5  # that W&B's server has to answer; then the run does without it


def choose_mode() -> str:
    """`WANDB_MODE` where it is set; else offline without a key, or without an answer.

    Raises:
        InputError: `WANDB_MODE` is online, and there is no key or no answer.
    """
    chosen = os.environ.get("WANDB_MODE")
    if chosen == "online":
        check_online("WANDB_MODE=online")
    if chosen:
        return chosen
    if not has_key():
        return "offline"
    if answers():
        return "online"
    warnings.warn(f"W&B: {_server()} does not answer; the run is kept offline", stacklevel=2)
    return "offline"


def check_online(what: str) -> None:
    """Find out in seconds what W&B's own client takes minutes for.

    Args:
        what: What was asked for, for the error.

    Raises:
        InputError: There is no key, or no answer.
    """
    if not has_key():
        raise InputError(f"{what}: there is no key for W&B; run `wandb login` first")
    if not answers():
        raise InputError(f"{what}: {_server()} does not answer; try again with a network")


def has_key() -> bool:
    """W&B can be logged in to without asking: by the environment, or by what `wandb login` left."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    try:
        known = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    return known.authenticators(urlsplit(_server()).netloc) is not None


def answers() -> bool:
    """W&B's server can be reached."""
    try:
        with urllib.request.urlopen(_server(), timeout=ANSWER_SECONDS):
            return True
    except urllib.error.HTTPError:  # an answer as well
        return True
    except (OSError, ValueError, http.client.HTTPException):
        return False


def _server() -> str:
    import wandb

    return str(wandb.setup().settings.base_url)
