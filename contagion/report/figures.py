"""Figures as inline SVG: text stays text, no fonts and nothing else is loaded from outside."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..media import page
from .parts import Exhibit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONTS = "'DejaVu Sans', Verdana, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

LARGER = 1.15  # than matplotlib draws: letters of 8 points then read well beside the text
WIDEST = 648.0  # points that the page has room for


def figure(
    name: str, title: str, draw: Callable[[], Axes], description: str, lead: str = ""
) -> Exhibit:
    """An exhibit with a figure: its id, its title, what draws it, and what it says."""
    return Exhibit(name, title, lead, svg(draw, name, description))


def svg(draw: Callable[[], Axes], name: str, description: str) -> str:
    """Draw a figure and return it as one `<svg>` element; the same input gives the same text.

    Parameters
    ----------
    draw : draws on new axes and returns them.
    name : made part of every id in the drawing, so that several fit in one page.
    description : what a reader who cannot see the figure is told.
    """
    from matplotlib import pyplot as plt
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), plt.ioff():
        ax = draw()
        figure, buffer = ax.get_figure(root=True), io.StringIO()
        assert figure is not None
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font-family: [^;\"]*", f"font-family: {FONTS}", text)
    label = page(description)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" {_size(text)}', 1).strip()


def _size(text: str) -> str:
    """A style that keeps letters of all figures alike, and lets one shrink to what can be read.

    >>> _size('<svg width="400pt" height="300pt">')
    'style="max-width: 460pt; min-width: min(38rem, 460pt)" '
    """
    found = re.search(r'\bwidth="([\d.]+)pt"', text)
    assert found is not None
    width = f"{min(LARGER * float(found[1]), WIDEST):.0f}pt"
    return f'style="max-width: {width}; min-width: min(38rem, {width})" '
