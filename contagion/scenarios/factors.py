"""Losses of external assets that are driven by common factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..text import plural
from ..vocabulary import Rng
from .field import Field, is_matrix, loadings_of
from .numbers import Numbers
from .sampling import INDEPENDENT, Sampler, Sampling, sampler
from .scenario_set import Batch, Scenarios, capped, losing
from .values import Values, by_name, by_node, one


@dataclass(frozen=True, eq=False, repr=False)
class OnField(Scenarios):
    """Scenarios based on a field of dependent normal or Student-t numbers.

    Attributes
    ----------
    field : see :class:`~contagion.scenarios.field.Field`.
    """

    field: Field

    @property
    def unit_weights(self) -> bool:
        """Whether all scenarios have the same weight (no importance sampling)."""
        return not self.field.shift.size

    def _numbers(self) -> Numbers:
        return self.field.numbers


@dataclass(frozen=True, eq=False, repr=False)
class FactorLosses(OnField):
    """Relative losses of external assets, volatility · x − mean, between 0 and 1.

    Attributes
    ----------
    volatility, mean : (n,) of the relative return; the volatility of Student-t numbers is
        already scaled, so that it is their standard deviation.
    """

    volatility: np.ndarray
    mean: np.ndarray

    def _block(self, number: int) -> Batch:
        x, weights, _ = self.field.draw(number)
        x *= self.volatility * self.worth
        x -= self.mean * self.worth
        return Batch(capped(x, self.worth), None, weights)


def common_factor(
    network: ExposureNetwork,
    *,
    scenarios: int = 10_000,
    volatility: Values = 0.2,
    correlation: Values = 0.4,
    mean: Values = 0.0,
    degrees: float | None = None,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> FactorLosses:
    """Relative losses of external assets with one common factor.

    The return of the external assets of node i, and the loss:

        r_i = mean_i − volatility_i (sqrt(ρ_i) F + sqrt(1 − ρ_i) ε_i),    F, ε_i ~ N(0, 1)
        loss_i = external assets_i · min(max(−r_i, 0), 1)

    A return above 0 is a loss of 0; the loss is at most the external assets.

    Parameters
    ----------
    scenarios : their number.
    volatility : standard deviation of the return, ≥ 0: a number, {node: number}, a Series, the
        name of a column of the node table, or (n,) numbers.
    correlation : ρ in [0, 1], of the returns of any two nodes; if it differs by node, a pair has
        correlation sqrt(ρ_i ρ_j).
    mean : expected return (drift) over the horizon, e.g. 0.05; above 0, losses are less frequent.
    degrees : ν > 2 for Student-t returns with the same volatility: F and ε times one
        sqrt((ν − 2) / W) a scenario, W chi-squared with ν degrees. `None`: Gaussian.
    sampling : antithetic pairs, Sobol points, importance sampling: see :class:`Sampling`.
    rng : seed, SeedSequence or Generator, from which one seed is taken.

    Raises
    ------
    ShockError : for parameters out of range, unknown nodes or columns, and Sobol points that are
        not a power of two in each replicate.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 100])
    >>> losses = common_factor(net, scenarios=1000, volatility=0.1, correlation=1, rng=7)
    >>> losses
    common_factor: 1,000 scenarios of 2 nodes (volatility=0.1, correlation=1, mean=0.0, seed=7)
    >>> batch = losses.draw(0, 1000)
    >>> bool(np.allclose(batch.losses[:, 1], 2 * batch.losses[:, 0]))  # both lose the same part
    True

    Source: after Vasicek (2002), Risk 15(12), the one-factor model of asset returns.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    if is_matrix(correlation):
        raise ShockError("common_factor has one factor. For a matrix use gaussian_copula.")
    if isinstance(correlation, str):
        correlation = by_node(network, correlation, "correlation", 0.0, 1.0)
    loadings, specific = loadings_of(network.names, correlation)
    given = {"volatility": volatility, "correlation": correlation, "mean": mean, "degrees": degrees}
    return _losses(network, "common_factor", given, sample, loadings, specific)


def factors(
    network: ExposureNetwork,
    loadings: pd.DataFrame | np.ndarray,
    *,
    scenarios: int = 10_000,
    volatility: Values = 0.2,
    mean: Values = 0.0,
    degrees: float | None = None,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> FactorLosses:
    """Relative losses of external assets with several independent common factors.

    As :func:`common_factor`, with

        r_i = mean_i − volatility_i (Σ_f B_if F_f + sqrt(1 − Σ_f B_if²) ε_i)

    so that i and j have correlation Σ_f B_if B_jf.

    Parameters
    ----------
    loadings : (n, k) B, correlation of each node with each factor, Σ_f B_if² ≤ 1: an array in
        the order of the nodes, or a DataFrame indexed by node.
    tilt : one number shifts the factors in the direction of the steepest increase of the total
        loss; k numbers shift each factor (with `degrees` k + 1, the last for the common scale).

    The other parameters and errors are those of :func:`common_factor`.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 100])
    >>> losses = factors(net, [[1, 0], [0, 1]], volatility=0.1, scenarios=20, rng=1)
    >>> losses.draw(0, 20).losses.shape
    (20, 2)

    Source: after Glasserman and Li (2005), Management Science 51(11), the multifactor model.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    table = loadings if isinstance(loadings, pd.DataFrame) else np.asarray(loadings, float)
    if isinstance(table, pd.DataFrame):
        by_name(network.names, pd.Series(0.0, table.index), "loadings")
        matrix = table.loc[network.names].to_numpy(float)
    else:
        matrix = table
    if matrix.ndim != 2 or len(matrix) != len(network):
        raise ShockError(
            f"loadings have shape {matrix.shape}; they need one row for each of "
            f"{plural(len(network), 'node')}, one column a factor."
        )
    explained = by_name(network.names, (matrix**2).sum(1), "the sum of squared loadings", 0, 1)
    given = {"loadings": loadings, "volatility": volatility, "mean": mean, "degrees": degrees}
    return _losses(network, "factors", given, sample, matrix, np.sqrt(1 - explained))


def _losses(
    network: ExposureNetwork,
    kind: str,
    given: dict[str, Any],
    sample: Sampler,
    loadings: np.ndarray,
    specific: np.ndarray,
) -> FactorLosses:
    spread = by_node(network, given["volatility"], "volatility", 0.0)
    drift = by_node(network, given["mean"], "mean", -1.0)
    degrees = given["degrees"]
    freedom = 0.0 if degrees is None else one(degrees, "degrees", 2.0)
    if freedom == 2.0:
        raise ShockError("degrees=2: the variance of Student's t needs more than 2 degrees.")
    assets, assumptions = losing(network)
    towards = spread * assets
    field = sample.field(
        network.names, loadings, specific, towards, n=len(network), degrees=freedom
    )
    if freedom:
        spread = spread * np.sqrt((freedom - 2) / freedom)
    words = sample.words(kind, given)
    return FactorLosses(
        network.names, assets, sample.scenarios, words, assumptions, field, spread, drift
    )
