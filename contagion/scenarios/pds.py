"""Exogenous defaults: independent or driven by a common factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from ..errors import ShockError, expect
from ..network.exposure_network import ExposureNetwork
from ..vocabulary import Rng
from .factors import OnField
from .field import Parts, node_loadings
from .sampling import INDEPENDENT, Sampling, sampler
from .scenario_set import Batch, assets_of
from .twisting import twisted
from .values import Values, by_node, one


@dataclass(frozen=True, eq=False, repr=False)
class RandomDefaults(OnField):
    """Nodes default if a dependent normal or Student-t number exceeds a threshold.

    Attributes
    ----------
    threshold : (n,) node i defaults if x_i > threshold_i.
    recovery : (n,) recovery rate on claims on a defaulted node.
    severity : (n,) weight of a default in `target`.
    target : expected sum of severities under importance sampling; 0: conditional probabilities are
        not changed.
    """

    threshold: np.ndarray
    recovery: np.ndarray
    severity: np.ndarray
    target: float

    @property
    def pins(self) -> bool:
        """True: defaults have a fixed recovery rate."""
        return True

    @property
    def unit_weights(self) -> bool:
        """Whether all scenarios have the same weight (no importance sampling)."""
        return not (self.field.shift.size or self.target)

    def _block(self, number: int) -> Batch:
        weights: np.ndarray | None
        if self.target:
            failed, weights = self._twisted(self.field.parts(number))
        else:
            x, weights, _ = self.field.draw(number)
            failed = x > self.threshold
        rates = np.where(failed, self.recovery, np.nan)
        return Batch(np.zeros_like(rates), rates, weights)

    def _twisted(self, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
        """Defaults (k, n) and weights (k,), with probabilities raised to reach the target."""
        threshold = self.threshold if parts.scale is None else self.threshold / parts.scale
        chance = ndtr((parts.systematic - threshold) / self.field.specific)
        raised, psi, theta = twisted(chance, self.severity, self.target)
        drawn = np.where(parts.tilted[:, None], raised, chance)
        failed = np.asarray(parts.own) > -ndtri(drawn)
        exponent = parts.exponent + theta * (failed @ self.severity) - psi
        return failed, self.field.weights(exponent)


def defaults(
    network: ExposureNetwork,
    probabilities: Values,
    *,
    correlation: Values = 0.0,
    recovery: Values = 0.0,
    degrees: float | None = None,
    scenarios: int = 10_000,
    sampling: Sampling = INDEPENDENT,
    target: float | None = None,
    severity: Values = 1.0,
    rng: Rng = None,
) -> RandomDefaults:
    """Exogenous defaults of nodes, each with its own probability.

    Node i defaults, with recovery rate `recovery_i` on every claim, if

        sqrt(ρ_i) F + sqrt(1 − ρ_i) ε_i > −Φ⁻¹(p_i),    F, ε_i ~ N(0, 1)

    With equal p and ρ and many nodes, the share q of defaults has the distribution
    P(q ≤ u) = Φ((sqrt(1 − ρ) Φ⁻¹(u) − Φ⁻¹(p)) / sqrt(ρ)).

    Parameters
    ----------
    probabilities : p_i in [0, 1] over the horizon: a number for all, {node: number} or a Series
        that names every node (0 for those that never default), a column, or (n,) numbers.
    correlation : ρ in [0, 1] of the factor model, as in :func:`common_factor`; or a matrix
        (n, n) of correlations.
    recovery : recovery rate in [0, 1] on claims on a defaulted node.
    degrees : ν > 0: all numbers are multiplied by one sqrt(ν / W) for each scenario, a t copula:
        joint defaults are more frequent, with the same probabilities.
    target : importance sampling of the defaults conditional on the factor: probabilities are raised
        so that the expectation of Σ severity_i 1{i defaults} is at least this, with exact weights.
        Use it with `Sampling(tilt=…)`, or alone if defaults are independent.
    severity : c_i ≥ 0, weight of a default in the target: 1 counts defaults; the loss that a
        default causes to others makes the target a loss.
    scenarios, sampling, rng : as in :func:`common_factor`; `tilt` shifts the factor.

    Raises
    ------
    ShockError : for parameters out of range, unknown nodes, nodes without a number, and a target
        that no set of defaults reaches.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 10])
    >>> found = defaults(net, {"a": 1, "b": 0}, recovery=0.4, scenarios=2, rng=1)
    >>> found.draw(0, 2).recoveries
    array([[0.4, nan],
           [0.4, nan]])

    Source: after Vasicek (2002), Risk 15(12), for the factor model and its distribution; after
    Glasserman and Li (2005), Management Science 51(11), for importance sampling.
    """
    expect(network=network)
    sample = sampler(scenarios, rng, sampling)
    chance = by_node(network, probabilities, "probabilities", 0.0, 1.0)
    rates = by_node(network, recovery, "recovery", 0.0, 1.0)
    costs = by_node(network, severity, "severity", 0.0)
    freedom = 0.0 if degrees is None else one(degrees, "degrees", 1e-3)
    given = {
        "probabilities": probabilities,
        "correlation": correlation,
        "recovery": recovery,
        "degrees": degrees,
    }
    loadings, specific = node_loadings(network, correlation)
    aim = 0.0
    if target is not None:
        aim = one(target, "target", 0.0)
        given |= {"target": target, "severity": severity}
        reach = float(costs[chance > 0].sum())
        if aim >= reach:
            raise ShockError(
                f"target={aim:g}: when every node that can default does, severities sum to "
                f"{reach:g}. Aim below that."
            )
        if not specific.size or not specific.all():
            raise ShockError(
                "target raises the probabilities conditional on the factor; with a matrix of "
                "correlations or a correlation of 1 the factors fix all defaults. Use tilt."
            )
    field = sample.field(
        network.names,
        loadings,
        specific,
        costs,
        n=len(network),
        degrees=freedom,
        twists=target is not None,
    )
    quantile = ndtri(chance)
    if freedom:  # stdtrit of 0 is not −inf
        quantile = np.where(chance > 0, stdtrit(freedom, np.maximum(chance, 1e-300)), -np.inf)
    assets = assets_of(network)
    words = sample.words("defaults", given)
    return RandomDefaults(
        network.names, assets, sample.scenarios, words, (), field, -quantile, rates, costs, aim
    )
