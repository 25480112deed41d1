"""The interconnectedness report: one self-contained HTML file that renders, never computes.

Start with :func:`write_report`. One file a section; `contents` has their order.

- `document`, `given`, `contents`, `parts`: what a report is made from and put together of
- `facts`: sentences whose numbers are typed, each with the exhibit that prints it
- `findings`, `exhibits`, `shape`, `reference`: key findings, one result, the network, the method
- `rules`, `compared`, `whatif`: waterfalls, rules side by side, policy
- `sensitivity`, `uncertainty`: sweeps, reverse stress, many scenarios
- `figures`, `markdown`, `phrases`: inline SVG, Markdown and CSV, words for readers
"""

from __future__ import annotations

from .document import write_report

__all__ = ["write_report"]
