"""Scenario sets: many shocks as arrays, drawn block by block from a seed.

Start with :func:`common_factor`; :func:`contagion.stress_test` runs any of them.

- `factors`, `field`, `copulas`, `marginals`: losses driven by common factors or a copula
- `lognormal`, `history`: random prices, and resampled historical returns
- `assets_alone`, `derived`: prices without a network, scenarios on another network
- `pds`, `twisting`: exogenous defaults, rare ones by importance sampling
- `listed`: a list of shocks, a grid of shocks, every single default
- `simulated`: arrays from any other simulation
- `sampling`, `numbers`: seeds, Sobol and antithetic numbers
- `files`, `shock_tables`, `values`: scenarios and shocks in TOML
- `scenario_set`: the interface of all of them
"""

from __future__ import annotations

from .assets_alone import assets
from .copulas import clayton_copula, gaussian_copula, t_copula
from .factors import common_factor, factors
from .files import KINDS, from_toml, read_scenarios, to_toml
from .history import historical
from .listed import from_shocks, grid, single_defaults
from .lognormal import jumps, prices
from .pds import defaults
from .sampling import Sampling
from .scenario_set import BLOCK, Batch, Scenarios
from .simulated import from_array

__all__ = [
    "BLOCK",
    "KINDS",
    "Batch",
    "Sampling",
    "Scenarios",
    "assets",
    "clayton_copula",
    "common_factor",
    "defaults",
    "factors",
    "from_array",
    "from_shocks",
    "from_toml",
    "gaussian_copula",
    "grid",
    "historical",
    "jumps",
    "prices",
    "read_scenarios",
    "single_defaults",
    "t_copula",
    "to_toml",
]
