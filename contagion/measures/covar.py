"""CoVaR: the value at risk of the system when one node is in distress, from simulated losses."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..errors import ArgumentError
from ..records import Table
from ..statistics.joint_samples import LEAST, labelled, sample_of
from ..statistics.quantiles import column_quantiles, first_reaching
from ..text import choice
from ..vocabulary import ERROR_RESAMPLES, JOINT_LEVEL, Rng
from .registry import Measure

MEDIAN = 0.05  # half the probability of the median state
NO_DISTRESS = "its loss at the level is not above its median loss"

COLUMNS = {
    "var": "value at risk of the node alone, money",
    "covar": "value at risk of the system when the node is in distress, money",
    "covar_error": "standard error of covar, money",
    "covar_median": "value at risk of the system when the node is in its median state, money",
    "delta_covar": "covar minus covar_median, money",
    "delta_covar_error": "standard error of delta_covar, money",
    "scenarios": "scenarios in which the node is in distress, a number",
}


def covar(
    losses: Any,
    level: float = JOINT_LEVEL,
    *,
    condition: Literal["beyond", "at"] = "beyond",
    window: float | None = None,
    system: Literal["all", "others"] | Any = "all",
    weights: Any = None,
    resamples: int = ERROR_RESAMPLES,
    minimum: float = LEAST,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Table:
    """Value at risk of the system when one node is in distress, and its increase over the median.

        P(L_system ≤ CoVaR_i | node i in distress) = level
        ΔCoVaR_i = CoVaR_i − (the same with node i in its median state)

    In distress: L_i ≥ VaR_i ("beyond"), or L_i = VaR_i ("at", the definition of Adrian and
    Brunnermeier); with scenarios, "at" means that L_i lies between its quantiles at level ± window.
    In the median state L_i lies between its quantiles at 0.5 ± 0.05. A quantile is the smallest
    value that is not exceeded with the given probability. Positive numbers are losses.

    Parameters
    ----------
    losses : (scenarios, nodes), money.
    level : of the distress of the node and of the CoVaR, in (0, 1).
    condition : see above. CoVaR increases with dependence for "beyond", not always for "at" (Mainik
        & Schaanning).
    window : half the probability of "at", by default (1 − level) / 5; at most 1 − level.
    system : "all" (the sum of all nodes, node i among them), "others" (without node i), or the
        loss of the system (scenarios,).
    weights : (scenarios,) probabilities, need not sum to 1.
    resamples : bootstrap resamples for the standard errors; below 2 the errors are nan.
    minimum : scenarios required beyond a CoVaR, otherwise it is nan. With weights, the effective
        number (Σ p)² / Σ p² counts.
    rng : seed or generator of the resamples.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Returns
    -------
    Table : one row a node: var (own, money), covar, covar_error, covar_median, delta_covar,
    delta_covar_error (money), scenarios (in distress), with a reason for every nan.

    Raises
    ------
    ShockError : for losses or weights that are not finite, or whose shapes do not match.
    ArgumentError : for a level, window, condition or system out of range.

    Example
    -------
    100 scenarios, b loses as much as a. In 21 of them a loses 79 or more. The 17 smallest of those
    are the first to cover 80 % of the 21; in the 17th each node loses 95.

    >>> import pandas as pd
    >>> draws = pd.DataFrame({"a": np.arange(100.0), "b": np.arange(100.0)})
    >>> found = covar(draws, 0.8, minimum=1, resamples=0)
    >>> found.loc["a", ["var", "covar", "scenarios"]].tolist()
    [79.0, 190.0, 21.0]

    Source: after Adrian & Brunnermeier (2016), "CoVaR", American Economic Review 106(7) (abstract
    read; they estimate by quantile regression); L_i ≥ VaR_i after Mainik & Schaanning (2014),
    Statistics & Risk Modeling 31 (arXiv:1207.3464, abstract read).
    """
    choice(condition, ("beyond", "at"), "condition")
    width = (1 - level) / 5 if window is None else window
    sample = sample_of(losses, level, system, weights)
    if not 0 <= width <= min(1 - level, 0.5):
        raise ArgumentError(f"window={width}: it lies between 0 and {min(1 - level, 0.5):g}.")
    x = sample.losses
    order = np.argsort(x, axis=0, kind="stable")
    inside = np.argsort(sample.system, axis=0, kind="stable")
    single = sample.system.shape[1] == 1

    def conditional(state: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Quantile (n,) of the system over a state (S, n) bool."""
        part = np.where(state, p[:, None], 0.0)
        part = part if single else np.take_along_axis(part, inside, axis=0)
        reached = np.cumsum(part, axis=0)
        at = first_reaching(reached, level * reached[-1])
        column = 0 if single else np.arange(x.shape[1])
        return np.asarray(sample.system[at if single else inside[at, column], column])

    def states(p: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        edges = column_quantiles(
            x,
            order,
            p,
            level,
            0.5,
            level - width,
            min(level + width, 1),
            0.5 - MEDIAN,
            0.5 + MEDIAN,
        )
        var, _, low, high, under, above = edges
        distress = x >= var if condition == "beyond" else (x >= low) & (x <= high)
        return edges, distress, (x >= under) & (x <= above)

    def statistic(p: np.ndarray) -> np.ndarray:
        _, distress, median = states(p)
        return np.array([conditional(distress, p), conditional(median, p)])

    edges, distress, median = states(sample.weights)
    here, usual = statistic(sample.weights)
    spread = sample.errors(
        lambda p: _with_difference(statistic(p)), resamples, rng, n_jobs, progress
    )

    def beyond(state: np.ndarray) -> np.ndarray:
        part = np.where(state, sample.weights[:, None], 0.0)
        return np.asarray((1 - level) * part.sum(axis=0) ** 2 / (part**2).sum(axis=0))

    few = f"fewer than {minimum:g} scenarios beyond its CoVaR"
    return labelled(
        {
            "var": edges[0],
            "covar": here,
            "covar_error": spread[0],
            "covar_median": usual,
            "delta_covar": here - usual,
            "delta_covar_error": spread[2],
            "scenarios": distress.sum(axis=0),
        },
        sample.names,
        {
            NO_DISTRESS: edges[0] <= edges[1],
            few: beyond(distress) < minimum - 1e-9,
            f"{few} in its median state": beyond(median) < minimum - 1e-9,
        },
        COLUMNS,
    )


def _with_difference(pair: np.ndarray) -> np.ndarray:
    return np.vstack([pair, pair[:1] - pair[1:]])


DEFINITIONS = (
    Measure(
        "covar",
        "P(L_system ≤ CoVaR_i | L_i ≥ VaR_i) = q",
        "money",
        "after Adrian & Brunnermeier (2016), American Economic Review 106(7)",
        title="CoVaR",
    ),
    Measure(
        "delta_covar",
        "CoVaR_i − CoVaR of the system with i in its median state",
        "money",
        "after Adrian & Brunnermeier (2016), American Economic Review 106(7)",
        title="ΔCoVaR",
    ),
)
