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
    MarginError,
    ModelError,
    NetworkError,
    RuleError,
    ShockError,
)
from .models import (
    MODELS,
    CreditFunding,
    CrossHoldings,
    DebtRank,
    EisenbergNoe,
    FailureCosts,
    FireSale,
    Furfine,
    GaiKapadia,
    JointModel,
    LeverageTargeting,
    LiquidityHoarding,
    Model,
    NetworkValuation,
    OverlappingPortfolios,
    RogersVeraart,
    ThresholdDeleveraging,
    channels,
    valuations,
)
from .network.exposure_network import ExposureNetwork, read
from .results.outcome import Outcome
from .results.propagation_result import PropagationResult
from .results.socialization import Socialization
from .shocks import Shock

__version__ = "0.1.0"

_ON_USE = {
    "layers": "experiments.layers",
    "lookthrough": "lookthrough",
    "margin": "margin",
    "liquidation": "liquidation",
    "statistics": "statistics",
    "venues": "venues",
    "plot": "plot",
    "randomgraphs": "randomgraphs",
    "report": "report",
    "datasets": "datasets",
    "measures": "measures",
    "generate": "synthetic.generate",
    "policy": "experiments.policy",
    "reconstruct": "synthetic.reconstruct",
    "reverse": "experiments.reverse",
    "scenarios": "scenarios",
    "scorecards": "measures.scorecards",
    "ranking": "measures.ranking",
    "stress": "experiments.stress",
}
_NAMES = {
    "rank": ("measures.ranking", "rank"),
    "write_report": ("report", "write_report"),
    "compare_rules": ("experiments", "compare_rules"),
    "RuleComparison": ("experiments", "RuleComparison"),
    "CoupledCascade": ("liquidation.coupling", "CoupledCascade"),
    "Case": ("experiments", "Case"),
    "Sweep": ("experiments", "Sweep"),
    "StressTest": ("experiments", "StressTest"),
    "stress_test": ("experiments", "stress_test"),
    "sweep": ("experiments", "sweep"),
}

__all__ = [
    "MODELS",
    "AmbiguousSolution",
    "Case",
    "ContagionError",
    "ConvergenceError",
    "CoupledCascade",
    "CreditFunding",
    "CrossHoldings",
    "DatasetError",
    "DebtRank",
    "EisenbergNoe",
    "ExposureNetwork",
    "FailureCosts",
    "Finding",
    "FireSale",
    "Furfine",
    "GaiKapadia",
    "JointModel",
    "LeverageTargeting",
    "LiquidityHoarding",
    "MarginError",
    "Model",
    "ModelError",
    "NetworkError",
    "NetworkValuation",
    "Outcome",
    "OverlappingPortfolios",
    "PropagationResult",
    "RogersVeraart",
    "RuleComparison",
    "RuleError",
    "Shock",
    "ShockError",
    "Socialization",
    "StressTest",
    "Sweep",
    "ThresholdDeleveraging",
    "channels",
    "compare_rules",
    "datasets",
    "generate",
    "layers",
    "liquidation",
    "lookthrough",
    "margin",
    "measures",
    "plot",
    "policy",
    "randomgraphs",
    "rank",
    "ranking",
    "read",
    "reconstruct",
    "report",
    "reverse",
    "rules",
    "scenarios",
    "scorecards",
    "statistics",
    "stress",
    "stress_test",
    "sweep",
    "valuations",
    "venues",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _ON_USE:
        return import_module(f".{_ON_USE[name]}", __name__)
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(import_module(f".{module}", __name__), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
