"""iMatting's network, which is FBA's (Forte's thesis, section 5.2.1)."""

from __future__ import annotations

from gfm.models.fba.network import FBA


class IMatting(FBA):
    """FBA, whose two channels of known pixels and six of distances come from clicks.

    Note:
        The text counts nine input channels, without those of the known pixels; but training starts
        from FBA's weights, which have eleven. It prints a deviation of 25.2 px, which is 25.6.
    """

    system = "imatting"
