"""Fragments of a page: a map, a table, a chart. Each is readable without the script."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from ...media import page
from .. import style
from ..maps.choice import STATES
from ..maps.scene import Scene, outcome, sentences
from .data import packed, payload
from .drawing import drawing, kinds, patterns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HINT = "Click a node, or press Tab and the arrow keys. Enter shows {shows}{rounds}."
LEAST = (
    '<label>Assets at least <input type="range" class="ct-size" min="0" max="100" value="0" '
    'aria-valuetext="any"> <output>any</output></label>'
)
ROUNDS = "; [ and ] step through the rounds"
FONTS = "'DejaVu Sans', Verdana, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
LONG = 24  # longer words may be broken inside a table cell, in print
Hits = Iterable[tuple[float, float, float, float, str]]


def asset(name: str) -> str:
    """The script ("script.js") or the style sheet ("style.css"), once for each page."""
    return files(__package__).joinpath(name).read_text("utf-8")


def map_block(
    name: str, title: str, wide: Scene, slim: Scene | None = None, said: str = "", note: str = ""
) -> str:
    """A map with tools, legend and note.

    Parameters
    ----------
    name : the id of the figure, and the start of all ids in it.
    title : the title above the map.
    wide, slim : the same map for a screen and for a phone.
    said, note : the result in a sentence, and an explanation of the map; by default those of a map
        of a network.
    """
    said = said or outcome(wide)
    kind, data = packed(payload(wide))
    drawings = drawing(wide, name, "wide", said)
    drawings += "" if slim is None else drawing(slim, name, "slim", said)
    tools = _tools(name, wide)
    shows = "its name and outcome" if wide.coarse else "its balance sheet, claims and paths"
    hint = HINT.format(shows=shows, rounds=ROUNDS if wide.result is not None else "")
    note = page(note or " ".join(sentences(wide)))
    return (
        f'<figure class="ct ct-map" id="{page(name)}" data-ct="map">'
        f"<figcaption><strong>{page(title)}</strong> {page(said)}</figcaption>{tools}"
        f'<div class="ct-stage"><div class="ct-draw">{patterns(name)}{drawings}</div>'
        f'<div class="ct-panel" aria-live="polite" hidden><p>{hint}</p></div></div>'
        f'{legend(wide, name)}<p class="ct-note">{note}</p>'
        f'<script type="{kind}" class="ct-data">{data}</script></figure>'
    )


def _tools(name: str, drawn: Scene) -> str:
    """The controls of a map; hidden until the script is active."""
    found = page(name)
    few = kinds(drawn)
    boxes = "".join(
        f'<label><input type="checkbox" checked value="{page(word)}"> {page(word)}</label>'
        for word in (few if 1 < len(few) <= 12 else ())
    )
    boxes = f"<fieldset><legend>Kind</legend>{boxes}</fieldset>" if boxes else ""
    steps = (
        '<span class="ct-steps"><button type="button" class="ct-back" aria-label="one round back">'
        f'◀</button><label for="{found}-r">Round</label>'
        f'<input type="range" id="{found}-r" class="ct-round" min="0" max="0" value="0" step="1">'
        '<output></output><button type="button" class="ct-on" aria-label="one round on">▶</button>'
        "</span>"
    )
    return (
        f'<div class="ct-tools" hidden><label>Find <input type="search" list="{found}-n" '
        f'class="ct-find" placeholder="name"></label><datalist id="{found}-n"></datalist>'
        f"{boxes}{'' if drawn.coarse else LEAST}{steps if drawn.result is not None else ''}</div>"
    )


def legend(drawn: Scene, name: str) -> str:
    """The meaning of the shapes and colours on the map."""
    if drawn.result is None:
        words = [(f"k{min(k, 6)}", word) for k, word in enumerate(kinds(drawn)[:6])]
        words += [("k6", "other kinds")] if len(kinds(drawn)) > 6 else []
        shape = {"vault": "s-vault"}
        entries = [(f"{shape.get(word, 's-calm')} {look}", word) for look, word in words]
    else:
        seen = set(map(str, drawn.chosen.state[~drawn.unknown]))
        seen |= {"unknown"} if drawn.unknown.any() else set()
        entries = [(f"s-{key}", word) for key, word in STATES.items() if key in seen]
    return '<ul class="ct-legend">' + "".join(
        f'<li><svg viewBox="0 0 16 16" aria-hidden="true"><g class="m {look}">{_sign(look, name)}'
        f"</g></svg>{page(word)}</li>"
        for look, word in entries
    ) + "</ul>"  # fmt: skip


def _sign(look: str, name: str) -> str:
    if look.split()[0] in ("s-hit", "s-vault"):
        return '<rect class="d" x="3" y="3" width="10" height="10"/>'
    if look == "s-outside":
        return '<path class="d" d="M8 2l6 6l-6 6l-6 -6Z"/>'
    fill = f' style="fill:url(#{page(name)}-h)"' if look == "s-before" else ""
    cross = '<path class="x" d="M5.5 5.5l5 5m0 -5l-5 5"/>'
    return f'<circle class="d" cx="8" cy="8" r="6"{fill}/>{cross}'


def _long(text: str) -> str:
    return 'class="long" ' if max(map(len, text.split()), default=0) > LONG else ""


def table_block(
    name: str,
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    total: Sequence[str] = (),
    note: str = "",
    anchors: Sequence[str] = (),
) -> str:
    """A table of formatted texts that the script makes sortable and filterable.

    The first cell of a row is its header. If one of them is empty, because its row continues the
    row above, the script leaves the table unchanged. On a phone a row becomes a card with headings.
    `anchors` are ids of the rows. A cell with a word of more than 24 letters is `long`: in print it
    may break inside the word, all others break between words only.

    >>> table_block("T", "c", ["a"], [["<x>"]]).partition("<tbody>")[2]
    '<tr><th scope="row" data-h="a">&lt;x&gt;</th></tr></tbody></table></div>'
    >>> '<th class="long" scope="row"' in table_block("T", "c", ["a"], [["0x" + 40 * "f"]])
    True
    """
    look = ['class="number" ' if k in frozenset(numbers) else "" for k in range(len(head))]

    def cells(row: Sequence[str]) -> str:
        shown = [f'<th {_long(row[0])}scope="row" data-h="{page(head[0])}">{page(row[0])}</th>']
        shown += [
            f'<td {look[k] or _long(text)}data-h="{page(head[k])}">{page(text)}</td>'
            for k, text in enumerate(row[1:], start=1)
        ]
        return "".join(shown)

    top = "".join(f'<th {look[k]}scope="col">{page(text)}</th>' for k, text in enumerate(head))
    top = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    ids = [f' id="{page(one)}"' for one in anchors] or [""] * len(rows)
    body = "".join(f"<tr{own}>{cells(row)}</tr>" for own, row in zip(ids, rows, strict=True))
    foot = f"<tfoot><tr>{cells(total)}</tr></tfoot>" if total else ""
    below = f'<p class="ct-note">{page(note)}</p>' if note else ""
    live = ' data-ct="table"' if any(head) and all(row[0] for row in rows) else ""
    return (
        f'<div class="ct ct-table" id="{page(name)}"{live} tabindex="0" role="region" '
        f'aria-label="{page(caption)}"><table><caption>{page(caption)}</caption>{top}'
        f"<tbody>{body}</tbody>{foot}</table>{below}</div>"
    )


@dataclass(frozen=True)
class Chart:
    """A figure of axes with values on hover.

    Attributes
    ----------
    said : the result in words.
    draw : draws on new axes and returns them.
    hits : returns areas of the axes with a value: x0, y0, x1, y1 (data coordinates), text; a point
        has x0 = x1 and y0 = y1.
    """

    said: str
    draw: Callable[[], Axes]
    hits: Callable[[Axes], Hits]


def chart_block(name: str, chart: Chart) -> str:
    """A chart with its result in words above it."""
    return figure_block(axes_svg(chart.draw, name, chart.said, chart.hits), name, chart.said)


def figure_block(svg: str, name: str, caption: str = "") -> str:
    """A drawing of :func:`axes_svg` whose colours follow the page."""
    above = f"<figcaption>{page(caption)}</figcaption>" if caption else ""
    live = ' data-ct="chart"' if 'class="ct-hit"' in svg else ""
    return (
        f'<figure class="ct ct-chart" id="{page(name)}"{live}>{above}'
        f'<div class="ct-draw">{style.themed(svg)}</div></figure>'
    )


def axes_svg(
    draw: Callable[[], Axes],
    name: str,
    description: str,
    hits: Callable[[Axes], Hits] | None = None,
) -> str:
    """Draw axes as one `<svg>`; equal inputs give equal text.

    Parameters
    ----------
    draw : draws on new axes and returns them.
    name : part of every id in the drawing, so that one page can have several drawings.
    description : alternative text for readers who cannot see the figure.
    hits : areas with a value, see :class:`Chart`.
    """
    from matplotlib import pyplot as plt
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), plt.ioff():
        ax = draw()
        figure, buffer = ax.get_figure(root=True), io.StringIO()
        assert figure is not None
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        areas = _areas(ax, hits) if hits else ""
        filled = any(collection.get_array() is not None for collection in ax.collections)
        plt.close(figure)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{page(name)}-", text)
    text = re.sub(r"font-family: [^;\"]*", f"font-family: {FONTS}", text)
    paper = ' class="ct-paper"' if filled else ""
    label = f'<svg role="img" aria-label="{page(description)}"{paper} '
    return text.replace("<svg ", label, 1).replace("</svg>", f"{areas}</svg>").strip()


def _areas(ax: Axes, hits: Callable[[Axes], Hits]) -> str:
    """Invisible areas over the drawing, in points, y downwards."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    high, scale = figure.bbox.height, 72.0 / figure.dpi
    found = []
    for x0, y0, x1, y1, text in hits(ax):
        (a, b), (c, d) = ax.transData.transform([(x0, y0), (x1, y1)])
        left, top = min(a, c) * scale, (high - max(b, d)) * scale
        wide, tall = abs(c - a) * scale, abs(d - b) * scale
        if wide + tall < 1e-6:
            left, top, wide, tall = left - 5, top - 5, 10.0, 10.0
        found.append(
            f'<rect class="ct-hit" x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" '
            f'height="{tall:.1f}" fill="none" pointer-events="all">'
            f"<title>{page(text)}</title></rect>"
        )
    return f'<g class="ct-hits">{"".join(found)}</g>'
