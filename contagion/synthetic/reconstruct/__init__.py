"""Networks from partial data: exposures that agree with the margins, one or an ensemble.

Start with :class:`Margins` (total claims and debts of every node) and :func:`maximum_entropy`.

- `entropy`, `density`, `fitness`, `configuration`, `gibbs`: one file for each method
- `margins`, `feasible`: the margins, and whether any network meets them
- `ensemble`, `diagnostics`: many networks with the same margins; effective sample size
- `_*`: the numerical parts that the methods share
"""

from __future__ import annotations

from .configuration import configuration
from .density import minimum_density
from .diagnostics import autocorrelation, effective_sample_size
from .ensemble import Ensemble
from .entropy import maximum_entropy
from .fitness import LinkModel, fitness, link_model
from .gibbs import Beta, Gamma, gibbs
from .margins import Margins

__all__ = [
    "Beta",
    "Ensemble",
    "Gamma",
    "LinkModel",
    "Margins",
    "autocorrelation",
    "configuration",
    "effective_sample_size",
    "fitness",
    "gibbs",
    "link_model",
    "maximum_entropy",
    "minimum_density",
]
