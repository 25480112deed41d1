"""Networks from partial data: exposures that agree with the margins, one or an ensemble."""

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
