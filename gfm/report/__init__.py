"""`python -m gfm report`: one self-contained page that shows what a model does on photographs."""

from gfm.report.command import add_arguments, run

__all__ = ["add_arguments", "run"]
