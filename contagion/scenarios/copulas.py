"""Relative losses with any marginal distributions, with dependence given by a copula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, ndtr, stdtr

from ..errors import ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..vocabulary import Rng
from .factors import OnField
from .field import node_loadings, own_order
from .marginals import Marginals, marginal_words, marginals_of
from .numbers import Numbers
from .sampling import INDEPENDENT, Sampler, Sampling, sampler
from .scenario_set import Batch, Scenarios, losing
from .values import Values, one


@dataclass(frozen=True, eq=False, repr=False)
class CopulaLosses(OnField):
    """Relative losses with given marginals and the copula of a normal or Student-t field.

    Attributes
    ----------
    marginals : quantile functions of the relative losses.
    """

    marginals: Marginals

    def _block(self, number: int) -> Batch:
        x, weights, _ = self.field.draw(number)
        unit = stdtr(self.field.degrees, x) if self.field.degrees else ndtr(x)
        part = np.clip(self.marginals.quantiles(unit), 0.0, 1.0)
        return Batch(part * self.worth, None, weights)


@dataclass(frozen=True, eq=False, repr=False)
class ClaytonLosses(Scenarios):
    """Relative losses with given marginals and the survival Clayton copula.

    Attributes
    ----------
    numbers : normal numbers: of the common frailty, then of the nodes.
    order : (n,) column of each node among its numbers.
    theta : θ > 0.
    marginals : quantile functions of the relative losses.
    """

    numbers: Numbers
    order: np.ndarray
    theta: float
    marginals: Marginals

    def _numbers(self) -> Numbers:
        return self.numbers

    def _block(self, number: int) -> Batch:
        drawn = self.numbers.draw(number)
        frailty = gammaincinv(1 / self.theta, ndtr(drawn[:, :1]))
        waiting = -np.log(ndtr(-drawn[:, 1:][:, self.order]))
        with np.errstate(divide="ignore"):
            small = np.exp(-np.log1p(waiting / frailty) / self.theta)
        part = np.clip(self.marginals.quantiles(1 - small), 0.0, 1.0)
        return Batch(part * self.worth)


def gaussian_copula(
    network: ExposureNetwork,
    marginals: Any,
    correlation: Values | pd.DataFrame,
    *,
    scenarios: int = 10_000,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> CopulaLosses:
    """Relative losses with any marginals and a Gaussian copula.

        loss_i = external assets_i · min(max(Q_i(Φ(x_i)), 0), 1),    x ~ N(0, correlation)

    Parameters
    ----------
    marginals : Q_i, quantile function of the relative loss (0: no loss, 1: full loss): one frozen
        distribution of scipy.stats for all nodes, {node: distribution}, or quantiles as numbers
        (q,) or (n, q) at probabilities 0, 1/(q − 1), ..., 1, linear in between. Tables are faster
        for distributions with slow quantiles (beta).
    correlation : of the normal numbers: ρ of one factor as in :func:`common_factor`, or a matrix
        (n, n), as an array in the order of the nodes or a DataFrame with their names.
    scenarios, sampling, rng : as in :func:`common_factor`.

    Raises
    ------
    ShockError : for invalid marginals, an invalid correlation matrix, parameters out of range, and
        unknown or missing nodes.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 100])
    >>> losses = gaussian_copula(net, [0.0, 0.5], correlation=1, scenarios=4, rng=1)  # uniform
    >>> drawn = losses.draw(0, 4).losses
    >>> bool(np.allclose(drawn[:, 1], 2 * drawn[:, 0]) and drawn.max() < 50)
    True

    Source: after Embrechts, McNeil and Straumann (2002), Correlation and dependence in risk
    management, in Risk Management: Value at Risk and Beyond, Cambridge University Press.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    return _on_field(network, "gaussian_copula", marginals, correlation, None, sample)


def t_copula(
    network: ExposureNetwork,
    marginals: Any,
    correlation: Values | pd.DataFrame,
    degrees: float,
    *,
    scenarios: int = 10_000,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> CopulaLosses:
    """Relative losses with any marginals and a Student-t copula, which has tail dependence.

        loss_i = external assets_i · min(max(Q_i(t_ν(x_i sqrt(ν / W))), 0), 1)

    with x ~ N(0, correlation) and W chi-squared with ν degrees. Two nodes with correlation ρ have
    tail dependence 2 t_(ν+1)(−sqrt((ν + 1)(1 − ρ) / (1 + ρ))), also with ρ = 0.

    Parameters
    ----------
    degrees : ν > 0; a smaller value gives stronger tail dependence.

    The other parameters and errors are those of :func:`gaussian_copula`.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 100])
    >>> t_copula(net, [0.0, 1.0], 0.3, degrees=4, scenarios=8, rng=1)
    t_copula: 8 scenarios of 2 nodes (correlation=0.3, degrees=4, seed=1)

    Source: after Demarta and McNeil (2005), International Statistical Review 73(1).
    """
    expect(network=network)
    one(degrees, "degrees", 1e-3)
    sample = sampler(scenarios, rng, sampling)
    return _on_field(network, "t_copula", marginals, correlation, degrees, sample)


def clayton_copula(
    network: ExposureNetwork,
    marginals: Any,
    theta: float,
    *,
    scenarios: int = 10_000,
    sampling: Sampling = INDEPENDENT,
    rng: Rng = None,
) -> ClaytonLosses:
    """Relative losses with any marginals and tail dependence of large losses.

    The survival copula of Clayton: with V ~ Gamma(1/θ, 1) and E_i ~ Exp(1),

        loss_i = external assets_i · min(max(Q_i(1 − (1 + E_i / V)^(−1/θ)), 0), 1)

    Any two nodes have Kendall's τ = θ / (θ + 2), and tail dependence 2^(−1/θ) of large losses;
    small losses are independent in the tail.

    Parameters
    ----------
    theta : θ > 0.
    marginals, scenarios, rng : as in :func:`gaussian_copula`.
    sampling : antithetic pairs or Sobol points; `tilt` is not available, as there is no factor.

    Raises
    ------
    ShockError : for invalid marginals, and parameters out of range.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[50, 100])
    >>> clayton_copula(net, [0.0, 1.0], theta=2, scenarios=8, rng=1).draw(0, 8).losses.shape
    (8, 2)

    Source: after Marshall and Olkin (1988), Journal of the American Statistical Association
    83(403), drawing from a frailty.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    if sample.tilt is not None:
        raise ShockError("A Clayton copula has no factors that tilt could shift: leave it out.")
    strength = one(theta, "theta", 1e-6)
    words = sample.words("clayton_copula", {"marginals": marginal_words(marginals), "theta": theta})
    assets, assumptions = losing(network)
    return ClaytonLosses(
        network.names,
        assets,
        sample.scenarios,
        words,
        assumptions,
        sample.numbers(len(network), len(network) + 1),
        own_order(network.names),
        strength,
        marginals_of(network.names, marginals),
    )


def _on_field(
    network: ExposureNetwork,
    kind: str,
    marginals: Any,
    correlation: Values | pd.DataFrame,
    degrees: float | None,
    sample: Sampler,
) -> CopulaLosses:
    words = {
        "marginals": marginal_words(marginals), "correlation": correlation, "degrees": degrees
    }  # fmt: skip
    loadings, specific = node_loadings(network, correlation)
    assets, assumptions = losing(network)
    field = sample.field(
        network.names, loadings, specific, assets, n=len(network), degrees=float(degrees or 0)
    )
    return CopulaLosses(
        network.names,
        assets,
        sample.scenarios,
        sample.words(kind, words),
        assumptions,
        field,
        marginals_of(network.names, marginals),
    )
