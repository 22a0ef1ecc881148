"""Tables of an inspection for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from rssn.inspection.rebuilding import Rebuilt


def statistics_table(report: Mapping[str, Any]) -> Table:
    """Statistics of a build, from the report of `rssn.inspection.command.inspect_build`."""
    found = report["statistics"]
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("samples", f"{found['samples']:,} in {report['shards']:,} shards")
    table.add_row("bytes", f"{report['bytes']:,}")
    for part in ("foreground", "background"):
        used = found[f"{part}s"]
        if used["count"]:
            times = _range(used["samples_of_each"])
            table.add_row(f"{part}s", f"{used['count']:,}, each {times} times")
        for licence, count in found[f"{part}_licences"].items():
            table.add_row(f"  licence {licence or 'not known'}", f"{count:,} samples")
    for side in ("shorter_side", "longer_side"):
        table.add_row(side.replace("_", " "), f"{_range(found[side])} px")
    table.add_section()
    if found["colour"]:
        _add_composition(table, found)
    for level, share in found["alpha"].items():
        table.add_row(f"alpha {level}", f"{share:.1%} of the pixels")
    table.add_section()
    failures = len(report["failures"])
    table.add_row("inputs left out by the build", f"{failures:,}" if failures else "none")
    return table


def rebuilt_table(rebuilt: Rebuilt) -> Table:
    """Members of a rebuilt sample."""
    table = Table("member", "bytes", "made again", title=rebuilt.key)
    for name, difference in rebuilt.differences().items():
        size = len(rebuilt.stored.get(name, b""))
        table.add_row(name, f"{size:,}", difference or "the same")
    return table


def _add_composition(table: Table, found: Mapping[str, Any]) -> None:
    steps = dict(found["steps"])
    windows = steps.pop("windows", {})
    for name, share in steps.items():
        table.add_row(name, _share(share))
    for size, share in windows.items():
        table.add_row(f"  blurred over {size} px", _share(share))
    colour = found["colour"].values()
    means = ", ".join(f"{each['mean']:.1f}" for each in colour)
    deviations = ", ".join(f"{each['deviation']:.1f}" for each in colour)
    table.add_row("colour (R, G, B)", f"mean {means}; deviation {deviations}")
    if (blend := found["blend_difference"]) is None:
        return
    told = f"{blend['mean']:.3f} on average, {blend['worst']} at most, of 255"
    table.add_row("composite from its parts", told)


def _share(share: Mapping[str, Any]) -> str:
    wanted = "" if share["wanted"] is None else f" (the route asks for {share['wanted']:.1%})"
    return f"{share['share']:.1%}{wanted}"


def _range(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return "no"
    low, middle, high = (f"{spread[name]:g}" for name in ("min", "median", "max"))
    return low if low == high else f"{low} to {high} (median {middle})"
