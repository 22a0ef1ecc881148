"""Pages of HTML with everything inside them."""

from __future__ import annotations

import base64
import html
from collections.abc import Collection, Sequence

from rssn.imaging.drawing import fitted
from rssn.imaging.images import Uint8Image
from rssn.imaging.writing import encode_rgb

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #2a7f62; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px; padding: 0 1rem }
h1 { margin-bottom: .2rem } h2 { margin-top: 2.2rem }
table { border-collapse: collapse } th, td { padding: .35rem .9rem; text-align: right }
th:first-child, td:first-child { text-align: left } tr { border-bottom: 1px solid var(--line) }
.best { font-weight: 700; color: var(--accent) }
figure { margin: 0 } figure img { width: 100%; display: block; border-radius: 4px }
figcaption, .note { font-size: .85rem; opacity: .75 }
"""


def document(title: str, parts: Sequence[str], style: str = "") -> str:
    """A page.

    Args:
        title: As text.
        parts: HTML of its body, below the title.
        style: CSS beyond that of all pages.
    """
    told, body = html.escape(title), "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{told}</title><style>{STYLE}{style}</style></head>\n"
        f"<body>\n<h1>{told}</h1>\n{body}\n</body></html>\n"
    )


def picture(image: Uint8Image, caption: str, alt: str, side: int) -> str:
    """A figure with a picture inside the page.

    Args:
        image: RGB (H, W, 3).
        caption: HTML below it.
        alt: Text in its place.
        side: Px that its longer side is shrunk to.
    """
    data = base64.b64encode(encode_rgb(fitted(image, side, side))).decode()
    return (
        f'<figure><img loading="lazy" alt="{html.escape(alt)}" '
        f'src="data:image/jpeg;base64,{data}"><figcaption>{caption}</figcaption></figure>'
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text: Collection[int] = ()) -> str:
    """A table of HTML cells; columns numbered in `text` hold text, not figures."""
    lines = []
    for kind, row in (("th", head), *(("td", row) for row in rows)):
        cells = (
            f"<{kind}{' class=text' if column in text else ''}>{cell}</{kind}>"
            for column, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"
