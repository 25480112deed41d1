"""How losses spread through networks of exposures, and who bears them in the end."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import rules
from .errors import (
    AmbiguousSolution,
    ContagionError,
    ConvergenceError,
    DatasetError,
    Finding,
    ModelError,
    NetworkError,
    RuleError,
    ShockError,
)
from .models import MODELS, DebtRank, EisenbergNoe, Furfine, GaiKapadia, Model, RogersVeraart
from .network import ExposureNetwork, read
from .results import Outcome, PropagationResult
from .shocks import Shock
from .socialization import Socialization

__version__ = "0.1.0"

_ON_USE = {
    "margin": "margin",
    "plot": "plot",
    "report": "report",
    "datasets": "datasets",
    "measures": "measures",
}
_NAMES = {
    "rank": ("ranking", "rank"),
    "write_report": ("report", "write_report"),
    "compare_rules": ("comparison", "compare_rules"),
    "RuleComparison": ("comparison", "RuleComparison"),
}

__all__ = [
    "MODELS",
    "AmbiguousSolution",
    "ContagionError",
    "ConvergenceError",
    "DatasetError",
    "DebtRank",
    "EisenbergNoe",
    "ExposureNetwork",
    "Finding",
    "Furfine",
    "GaiKapadia",
    "Model",
    "ModelError",
    "NetworkError",
    "Outcome",
    "PropagationResult",
    "RogersVeraart",
    "RuleComparison",
    "RuleError",
    "Shock",
    "ShockError",
    "Socialization",
    "compare_rules",
    "datasets",
    "margin",
    "measures",
    "plot",
    "rank",
    "read",
    "report",
    "rules",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _ON_USE:
        return import_module(f".{name}", __name__)
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(import_module(f".{module}", __name__), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
