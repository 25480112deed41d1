"""Estimates with their errors: quantiles, VaR, ES, weighted and dependent samples.

Start with :func:`value_at_risk` and :func:`expected_shortfall`.

- `tail_risk`: value at risk and expected shortfall of losses, each with the error of the estimate
- `estimate`, `samples`, `fits`: an estimate with its error; samples in order; fitted distributions
- `joint_samples`: samples of joint losses, with weights; quantiles and tails of columns
- `quantiles`: quantiles of weighted observations
- `scenario_estimates`: estimates from scenarios that have weights or depend on each other
- `arrays`: numbers in, numbers out, the same for every formula of the package
"""

from __future__ import annotations

from .estimate import Estimate
from .tail_risk import expected_shortfall, value_at_risk

__all__ = [
    "Estimate",
    "expected_shortfall",
    "value_at_risk",
]
