"""One drawing made in Python, and one small script bound to it: maps, tables and charts on a page.

Start with :func:`interactive`. A page loads nothing, is readable without the script, follows dark
mode, prints, and is served by the keyboard.

- `page`: the whole page for a notebook or a file
- `blocks`: fragments for a page that has the script and the style sheet (`asset`) once;
  the report is made of `network_block`, `table_block` and `figure_block`
- `drawing`, `data`: the map as SVG, and what its script needs
- `token`: the map of one token, what backs it and who holds it
- `hover`: charts with the values that are shown on hover
"""

from __future__ import annotations

from .page import Interactive, interactive

__all__ = ["Interactive", "interactive"]
