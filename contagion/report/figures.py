"""Figures as inline SVG: text stays text; no fonts or other files are loaded from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..facts import Sentence
from ..plot.interactive.blocks import axes_svg
from .parts import Exhibit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..plot.interactive.blocks import Hits

LARGER = 1.15  # scale of the figures, so that 8-point letters are readable beside the text
WIDEST = 648.0  # largest width on the page, in points


def figure(
    name: str,
    title: str,
    draw: Callable[[], Axes],
    description: str,
    lead: str | Sentence = "",
    hits: Callable[[Axes], Hits] | None = None,
) -> Exhibit:
    """An exhibit with a figure.

    Parameters
    ----------
    name, title, lead : of the exhibit.
    draw : draws on new axes and returns them.
    description : alternative text for readers who cannot see the figure.
    hits : areas with a value on hover, see :class:`contagion.plot.interactive.blocks.Chart`.
    """
    svg = axes_svg(draw, name, description, hits)
    return Exhibit(name, title, lead, svg.replace("<svg ", f"<svg {_size(svg)}", 1))


def _size(text: str) -> str:
    """A style that keeps the letters of all figures equal, and shrinks a figure while readable.

    >>> _size('<svg width="400pt" height="300pt">')
    'style="max-width: 460pt; min-width: min(38rem, 460pt)" '
    """
    found = re.search(r'\bwidth="([\d.]+)pt"', text)
    assert found is not None
    width = f"{min(LARGER * float(found[1]), WIDEST):.0f}pt"
    return f'style="max-width: {width}; min-width: min(38rem, {width})" '
