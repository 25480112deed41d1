"""Policy what-if: interventions by name, what they change, what they cost, the cheapest mix."""

from .bailout import Bailout, optimal_bailout
from .circuit_breakers import CircuitBreaker, compare_cascades
from .claims_interventions import Compression, ExposureLimit, Netting, Novation, RuleChange
from .comparison import compare
from .intervention import Combination, Intervention
from .mix import Mix, cheapest
from .money_interventions import Capital, Collateral, InsuranceFund
from .paired import paired
from .scenariotable import ScenarioComparison
from .shocktable import ShockComparison

__all__ = [
    "Bailout",
    "Capital",
    "CircuitBreaker",
    "Collateral",
    "Combination",
    "Compression",
    "ExposureLimit",
    "InsuranceFund",
    "Intervention",
    "Mix",
    "Netting",
    "Novation",
    "RuleChange",
    "ScenarioComparison",
    "ShockComparison",
    "cheapest",
    "compare",
    "compare_cascades",
    "optimal_bailout",
    "paired",
]
