"""The interconnectedness report: one self-contained HTML file. It shows results, computes none.

Start with :func:`write_report`. Sections are listed in `contents`, exhibits in `catalogue`.

- `document`, `given`, `contents`, `parts`: inputs of a report and its assembly
- `cover`, `page_one`: subject and data; answers to the three questions in ten lines
- `findings`: sentences about one run
- `sections/`: one file for each section, with its exhibits and its sentences
- `catalogue`, `formulas`, `measure_words`, `phrases`: definitions, formulas, terms for readers
- `disclosure`, `suppression`: codes for names, and sums that would disclose data of one node
- `figures`, `markdown`: inline SVG, Markdown and CSV
"""

from __future__ import annotations

from .disclosure import Disclosure
from .document import write_report

__all__ = ["Disclosure", "write_report"]
