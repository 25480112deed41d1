"""Cascades on random graphs: when a single default can reach a large part, in theory and draws.

The theory is for graphs with many nodes, without short cycles: branching processes and generating
functions give the window of average degrees in which contagion can happen, its frequency and its
extent. Beside it stand cascades of the package's models on drawn graphs, and the resilience measure
that carries the same condition over to a given network.
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
