"""Policy analysis: interventions by name, their effects and costs, and the cheapest mix.

Start with :func:`compare`.

- `money_interventions`: capital, collateral, an insurance fund
- `claims_interventions`: limits, netting, compression, novation, rules
- `market_interventions`, `circuit_breakers`: margin, maintenance, limits and breakers of a market
- `comparison`, `shocktable`, `scenariotable`, `paired`: before and after, with paired errors
- `mix`, `bailout`, `program`: the cheapest mix, and the allocation that repays most debt
- `intervention`, `runs`, `same`: the base class, and the same shock on a changed network
"""

from .bailout import Bailout, optimal_bailout
from .circuit_breakers import CircuitBreaker, compare_cascades
from .claims_interventions import Compression, ExposureLimit, Netting, Novation, RuleChange
from .comparison import compare
from .intervention import Combination, Intervention
from .market_interventions import Maintenance, Margin, PositionRule
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
    "Maintenance",
    "Margin",
    "Mix",
    "Netting",
    "Novation",
    "PositionRule",
    "RuleChange",
    "ScenarioComparison",
    "ShockComparison",
    "cheapest",
    "compare",
    "compare_cascades",
    "optimal_bailout",
    "paired",
]
