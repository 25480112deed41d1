"""The interconnectedness report: one self-contained HTML file that renders, never computes.

Start with :func:`write_report`. A section is a line in `contents`, an exhibit one in `catalogue`.

- `document`, `given`, `contents`, `parts`: what a report is made from and put together of
- `cover`, `page_one`: what it is about; the three questions in ten lines
- `findings`: sentences about one run
- `sections/`: one file a section, with its exhibits and its sentences
- `catalogue`, `formulas`, `measure_words`, `phrases`: definitions, formulas, words for readers
- `disclosure`, `suppression`: codes for names, and sums that say too much about one node
- `figures`, `markdown`: inline SVG, Markdown and CSV
"""

from __future__ import annotations

from .disclosure import Disclosure
from .document import write_report

__all__ = ["Disclosure", "write_report"]
