"""The interconnectedness report: one self-contained HTML file that renders, never computes."""

from __future__ import annotations

from .document import write_report

__all__ = ["write_report"]
