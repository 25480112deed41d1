"""Tails of joint losses from simulated scenarios: expected shortfall by node, and dependence.

Losses are an array or a DataFrame (scenarios, nodes) in money, of owners or of any other party;
weights are the probabilities of the scenarios, equal by default. Standard errors come from
resampling the scenarios; with too few scenarios in a tail the value is nan, and `reasons` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ShockError
from ..records import Table, because
from ..statistics.joint_samples import (
    LEAST,
    expected_shortfall,
    labelled,
    sample_of,
    tail_weights,
)
from ..statistics.quantiles import ROUNDING, column_quantiles
from ..text import choice, listing
from ..vocabulary import ERROR_RESAMPLES, JOINT_LEVEL, LEVEL, Rng
from .attribution import Attribution
from .registry import Measure

Risk = Literal["expected shortfall", "volatility"]
SHORTFALL = {
    "mes": "mean loss of the node in the tail of the system, money",
    "mes_error": "standard error of mes, money",
    "expected_shortfall": "mean loss of the node in its own tail, money",
    "ratio": "mes over expected_shortfall, a share",
}
CRISIS = {
    "ses": "mean of target minus remaining capital in a crisis of the system, money",
    "ses_error": "standard error of ses, money",
}


@dataclass(frozen=True, eq=False, repr=False)
class SystemicShortfall(Table):
    """Systemic expected shortfall; `probability` is that of the crisis."""

    probability: float = np.nan


def marginal_expected_shortfall(
    losses: Any,
    level: float = LEVEL,
    *,
    system: Any = "all",
    weights: Any = None,
    resamples: int = ERROR_RESAMPLES,
    minimum: float = LEAST,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Table:
    """Mean loss of each node in the worst 1 − level of the scenarios of the system.

        MES_i = E[L_i | the system is in its worst 1 − level]

    Scenarios tied at the value at risk of the system enter with the same partial weight. If the
    system is the sum of all nodes, MES sum to its expected shortfall (:func:`euler_allocation`).

    Parameters
    ----------
    losses, weights, resamples, rng, n_jobs, progress : as in `covar`.
    level : of the tail, in (0, 1); Acharya et al. take the worst 5 % of days.
    system : "all" (the sum of the nodes), or its loss (scenarios,).
    minimum : scenarios required in the tail; with fewer every value is nan.

    Returns
    -------
    Table : one row a node: mes, mes_error, expected_shortfall (of the node alone, money), ratio
    (of the two, nan if the node has no loss in its own tail), with a reason for every nan.

    Raises
    ------
    ShockError, ArgumentError : as in `covar`; ArgumentError for system="others", which is a
        different system for each node.

    Example
    -------
    The system loses 3, 5, 5 and 10. Its worst half: the 10 with full, each 5 with half weight.

    >>> draws = pd.DataFrame({"a": [1.0, 5, 0, 4], "b": [2.0, 0, 5, 6]})
    >>> marginal_expected_shortfall(draws, 0.5, minimum=1, resamples=0)["mes"].tolist()
    [3.25, 4.25]

    Source: after Acharya, Pedersen, Philippon & Richardson (2017), "Measuring systemic risk",
    Review of Financial Studies 30(1) (abstract read).
    """
    if isinstance(system, str) and system == "others":
        raise ArgumentError("system='others' differs from node to node; take 'all' or an array.")
    sample = sample_of(losses, level, system, weights)

    def statistic(p: np.ndarray) -> np.ndarray:
        tail = tail_weights(sample.system, level, p)[:, 0]
        return np.asarray(tail @ sample.losses)

    mes = statistic(sample.weights)
    alone = expected_shortfall(sample.losses, level, sample.weights)
    ratio = np.divide(mes, alone, out=np.full(len(mes), np.nan), where=alone > 0)
    few = np.full(len(mes), sample.count * (1 - level) < minimum - 1e-9)
    empty = {"it loses nothing in its own tail": alone <= 0}
    return labelled(
        {
            "mes": mes,
            "mes_error": sample.errors(statistic, resamples, rng, n_jobs, progress),
            "expected_shortfall": alone,
            "ratio": ratio,
        },
        sample.names,
        {f"fewer than {minimum:g} scenarios in the tail": few},
        SHORTFALL,
        {"ratio": empty},
    )


def systemic_expected_shortfall(
    losses: Any,
    capital: Any,
    target: Any,
    *,
    weights: Any = None,
    resamples: int = ERROR_RESAMPLES,
    minimum: float = LEAST,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> SystemicShortfall:
    """Mean capital shortfall of each node, given that total capital is below the total target.

        SES_i = E[target_i − (capital_i − L_i) | Σ_j (capital_j − L_j) < Σ_j target_j]

    Parameters
    ----------
    losses, weights, resamples, rng, n_jobs, progress : as in `covar`.
    capital, target : (n,) capital before the losses, and required capital (z times assets), money,
        in the order of the columns; mappings and Series are read by name.
    minimum : scenarios required in the crisis; with fewer every value is nan.

    Returns
    -------
    SystemicShortfall : one row a node: ses, ses_error (money; below 0 where the node stays above
    its target), the `probability` of the crisis, and a reason for every nan.

    Raises
    ------
    ShockError : as in `covar`, and for capital or targets that are not known for every node.

    Example
    -------
    Capital 3 and 3, targets 2 and 2. Only in the last scenario the total is below 4: 0 + 1.

    >>> draws = pd.DataFrame({"a": [0.0, 1, 3], "b": [0.0, 1, 2]})
    >>> found = systemic_expected_shortfall(draws, [3, 3], [2, 2], minimum=1, resamples=0)
    >>> found["ses"].tolist(), round(found.probability, 3)
    ([2.0, 1.0], 0.333)

    Source: after Acharya, Pedersen, Philippon & Richardson (2017), Review of Financial Studies
    30(1) (abstract read).
    """
    sample = sample_of(losses, 0.5, "all", weights)
    gap = _by_name(target, sample.names, "target") - _by_name(capital, sample.names, "capital")
    crisis = sample.system[:, 0] + gap.sum() > ROUNDING * np.abs(gap).sum()

    def statistic(p: np.ndarray) -> np.ndarray:
        part = np.where(crisis, p, 0.0)
        chance = part.sum()
        nothing = np.full(len(gap), np.nan)
        return nothing if chance == 0 else np.asarray(gap + part @ sample.losses / chance)

    part = np.where(crisis, sample.weights, 0.0)
    chance = float(part.sum())
    worth = chance**2 / float((part**2).sum()) if chance > 0 else 0.0
    few = worth < minimum - 1e-9
    nothing = np.full(len(gap), np.nan)
    found = labelled(
        {
            "ses": statistic(sample.weights),
            "ses_error": nothing
            if few
            else sample.errors(statistic, resamples, rng, n_jobs, progress),
        },
        sample.names,
        {
            f"fewer than {minimum:g} scenarios in the crisis": np.full(len(gap), few),
            "no scenario is a crisis": np.full(len(gap), chance == 0),
        },
        CRISIS,
    )
    return SystemicShortfall(found.table, found.definitions, found.reasons, probability=chance)


def _by_name(given: Any, names: pd.Index, what: str) -> np.ndarray:
    """(n,) money, by name where names are given."""
    named = isinstance(given, Mapping | pd.Series)
    values = pd.Series(given).reindex(names).to_numpy(float) if named else np.asarray(given, float)
    if values.shape != (len(names),) or not np.isfinite(values).all():
        missing = names[~np.isfinite(values)] if values.shape == (len(names),) else names
        raise ShockError(f"{what}: a finite amount is needed for {listing(missing)}.")
    return values


def euler_allocation(
    losses: Any,
    level: float = LEVEL,
    *,
    risk: Risk = "expected shortfall",
    weights: Any = None,
    resamples: int = ERROR_RESAMPLES,
    minimum: float = LEAST,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Attribution:
    """Split the risk of the summed losses over the nodes by their marginal contributions.

        expected shortfall   E[L_i | L in its worst 1 − level]        sums to ES_level(L)
        volatility           Cov(L_i, L) / σ(L)                      sums to σ(L)

    Both risks are homogeneous of degree 1 in the losses, so by Euler's theorem the parts sum to the
    total. The first is the expected loss of a node in the tail of the system.

    Parameters
    ----------
    losses, weights, resamples, rng, n_jobs, progress : as in `covar`.
    level : of the expected shortfall; not used for volatility.
    risk : see above.
    minimum : scenarios required in the tail.

    Returns
    -------
    Attribution : money, with standard errors of the resampled scenarios.

    Raises
    ------
    ShockError : as in `covar`, and for too few scenarios in the tail.

    Example
    -------
    >>> draws = pd.DataFrame({"a": [1.0, 5, 0, 4], "b": [2.0, 0, 5, 6]})
    >>> found = euler_allocation(draws, 0.5, minimum=1, resamples=0)
    >>> found.values.tolist(), found.total  # worst half: 10, and two halves of 5
    ([3.25, 4.25], 7.5)

    Source: after Tasche (1999), "Risk contributions and performance measurement", and Denault
    (2001), Journal of Risk 4(1) (neither equation read).
    """
    choice(risk, get_args(Risk), "risk")
    sample = sample_of(losses, level, "all", weights)
    if risk == "expected shortfall" and sample.count * (1 - level) < minimum - 1e-9:
        raise ShockError(
            f"Only {sample.count * (1 - level):.3g} scenarios lie in the tail, {minimum:g} are "
            "needed. Draw more, or lower the level."
        )

    def statistic(p: np.ndarray) -> np.ndarray:
        if risk == "expected shortfall":
            return np.asarray(tail_weights(sample.system, level, p)[:, 0] @ sample.losses)
        total = sample.system[:, 0] - p @ sample.system[:, 0]
        sigma = np.sqrt(p @ total**2)
        return np.asarray((p * total) @ sample.losses / (sigma if sigma > 0 else 1.0))

    values = statistic(sample.weights)
    errors = sample.errors(statistic, resamples, rng, n_jobs, progress)
    return Attribution(
        pd.Series(values, sample.names, name="value"),
        pd.Series(errors, sample.names, name="standard_error"),
        float(values.sum()),
        False,
        0,
        True,
        f"Euler allocation of the {risk}" + (f" at {level:g}" if risk != "volatility" else ""),
    )


def tail_dependence(
    losses: Any, level: float = JOINT_LEVEL, *, weights: Any = None, minimum: float = LEAST
) -> Table:
    """Probability that node j exceeds its value at risk, given that node i exceeds its own.

        λ[i, j] = P(L_j > VaR_j | L_i > VaR_i)

    For level → 1 this is the coefficient of upper tail dependence; for independent losses it is
    1 − level. Its standard error is about √(λ (1 − λ) / m) with m scenarios beyond VaR_i.

    Parameters
    ----------
    losses, weights : as in `covar`.
    level : of both values at risk.
    minimum : scenarios required beyond VaR_i; with fewer row i is nan.

    Returns
    -------
    Table (n, n), rows i, columns j, with a reason for every row of nan.

    Raises
    ------
    ShockError, ArgumentError : as in `covar`.

    Example
    -------
    >>> draws = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 3, 2, 4], "c": [4.0, 3, 2, 1]})
    >>> tail_dependence(draws, 0.5, minimum=1).loc["a"].tolist()  # 3 and 4 of a
    [1.0, 0.5, 0.0]

    Source: after Joe (1997), Multivariate Models and Dependence Concepts (not read).
    """
    sample = sample_of(losses, level, "all", weights)
    x, p = sample.losses, sample.weights
    edge = column_quantiles(x, np.argsort(x, axis=0, kind="stable"), p, level)[0]
    beyond = (x > edge).astype(float)
    part = beyond * p[:, None]
    chance, square = part.sum(axis=0), (part**2).sum(axis=0)
    worth = np.divide(chance**2, square, out=np.zeros(len(chance)), where=square > 0)
    both = part.T @ beyond
    rate = np.divide(
        both, chance[:, None], out=np.full_like(both, np.nan), where=chance[:, None] > 0
    )
    few = worth < minimum - 1e-9
    rate[few] = np.nan
    found = pd.DataFrame(rate, index=sample.names, columns=sample.names)
    reason = f"fewer than {minimum:g} scenarios beyond its value at risk"
    means = "probability that the node exceeds its value at risk when that of the row does, a share"
    return Table(found, dict.fromkeys(found, means), because(found, {reason: few}))


DEFINITIONS = (
    Measure(
        "mes",
        "E[L_i | the system is in its worst 1 − q]",
        "money",
        "after Acharya, Pedersen, Philippon & Richardson (2017), Review of Financial Studies 30(1)",
        title="marginal expected shortfall",
        about="vulnerability",
    ),
    Measure(
        "ses",
        "E[target_i − (K_i − L_i) | Σ_j (K_j − L_j) < Σ_j target_j]",
        "money",
        "after Acharya, Pedersen, Philippon & Richardson (2017), Review of Financial Studies 30(1)",
        title="systemic expected shortfall",
    ),
    Measure(
        "tail_dependence",
        "P(L_j > VaR_j | L_i > VaR_i)",
        "share",
        "after Joe (1997), Multivariate Models and Dependence Concepts",
        denominator="scenarios beyond VaR_i",
        scope="exposure",
    ),
)
