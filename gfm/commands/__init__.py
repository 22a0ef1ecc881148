"""Commands of `python -m gfm`, one file per verb."""
