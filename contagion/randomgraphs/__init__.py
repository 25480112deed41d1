"""Cascades on random graphs: conditions for one default to reach a large part, theory and draws.

The theory is for large graphs without short cycles: branching processes and generating functions
give the window of average degrees in which contagion can happen, its frequency and its extent. The
models of the package can be run on drawn graphs for comparison. The resilience measure applies the
same condition to a given network.
"""

from __future__ import annotations

from .resilience import contagious_links, resilience
from .theory import Theory, directed_theory, undirected_theory
from .thresholds import failures_needed, largest_vulnerable, poisson
from .windows import gai_kapadia_limits, gai_kapadia_window, watts_limits, watts_window

__all__ = [
    "Theory",
    "contagious_links",
    "directed_theory",
    "failures_needed",
    "gai_kapadia_limits",
    "gai_kapadia_window",
    "largest_vulnerable",
    "poisson",
    "resilience",
    "undirected_theory",
    "watts_limits",
    "watts_window",
]
