"""Many shocks as arrays that stream: a scenario set is drawn block by block, seeded.

Start with :func:`common_factor`; :func:`contagion.stress_test` runs any of them.

- `factors`, `field`, `copulas`, `marginals`: losses driven by common factors or a copula
- `lognormal`, `history`: random prices, and returns of the past drawn again
- `assets_alone`, `derived`: prices without a network, scenarios on another network
- `pds`, `twisting`: defaults for outside reasons, rare ones by importance sampling
- `listed`: shocks one by one, a grid of shocks, every default by itself
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
