"""Interactive pages: maps, tables and charts drawn in Python, with one small script.

Start with :func:`interactive`. A page loads nothing, is readable without the script, follows dark
mode, can be printed, and works with the keyboard.

- `page`: the whole page for a notebook or a file
- `blocks`: fragments for a page that has the script and the style sheet (`asset`) once;
  the report uses `network_block`, `table_block` and `figure_block`
- `drawing`, `data`: the map as SVG, and the data for its script
- `token`: the map of one token, with its backing and its holders
- `charts`: curves and cells whose values are shown on hover
"""

from __future__ import annotations

from .page import Interactive, interactive

__all__ = ["Interactive", "interactive"]
