"""Many runs: stress tests, sweeps, reverse stress tests, policies, layers and rules compared.

Start with :func:`stress_test`, :func:`sweep` or :func:`compare_rules`.

- `stress/`: many scenarios through a model, with VaR, ES and their errors; resumable
- `sweeping/`: a grid over any field of a model, rule, shock or generator
- `reverse/`: the smallest shock, the fewest defaults, the smallest buffers that reach a goal
- `policy/`: results with and without interventions, the cheapest mix, the optimal bailout
- `layers/`: losses of each layer of claims alone, and of all layers together
- `over_networks`: one shock on every network of an ensemble
- `rule_comparison`: the same shock under other loss-sharing rules
"""

from __future__ import annotations

from . import layers, policy, reverse, stress, sweeping
from .over_networks import OverNetworks, over_networks
from .rule_comparison import RuleComparison, compare_rules
from .stress import StressTest, stress_test
from .sweeping import Case, Sweep, sweep

__all__ = [
    "Case",
    "OverNetworks",
    "RuleComparison",
    "StressTest",
    "Sweep",
    "compare_rules",
    "layers",
    "over_networks",
    "policy",
    "reverse",
    "stress",
    "stress_test",
    "sweep",
    "sweeping",
]
