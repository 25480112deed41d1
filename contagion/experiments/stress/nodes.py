"""Means by node with standard errors, from sums over scenarios; and the variance by network."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...statistics.scenario_estimates import Draws
from .sums import Sums


def means(sums: Sums, name: str, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Means (c,) and standard errors (c,) from the sums under a name.

    With T the weighted sums of a replicate, M its contribution to the divisor D (its number of
    scenarios, or its sum of weights when self-normalised) and g replicates:

        error² = g / (g − 1) · (Σ T² − 2 mean Σ M T + mean² Σ M²) / D²

    Errors are nan if there are no separate sums of replicates (`Grouping.mode` "mixed").
    """
    total, self_normalised = sums[name], draws.weighting == "self-normalised"
    mean = total / draws.total
    g = draws.replicates
    own = draws.weight if self_normalised else np.ones(len(draws.x))
    size = own if draws.replicate is None else np.bincount(draws.replicate, own, g)
    if g < 2:
        return mean, np.full_like(mean, np.nan)
    if f"{name}.replicates" in sums:
        apart = sums[f"{name}.replicates"].reshape(-1, len(total))[:g]
        square = ((apart - mean * size[:, None]) ** 2).sum(axis=0)
    elif draws.replicate is not None and f"{name}.square" not in sums:
        return mean, np.full_like(mean, np.nan)
    else:
        weighted = self_normalised and draws.w is not None
        cross = sums.get(f"{name}.{'weight' if weighted else 'count'}", total)
        square = sums.get(f"{name}.square", total) - 2 * mean * cross + mean**2 * (size @ size)
    return mean, np.sqrt(np.maximum(g / (g - 1) * square, 0.0)) / draws.total


def pooled(lanes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Mean over networks, and an upper bound of its error (networks share their scenarios)."""
    values, errors = (np.stack(part) for part in zip(*lanes, strict=True))
    return values.mean(axis=0), errors.mean(axis=0)


def components(y: np.ndarray, w: np.ndarray | None, networks: int, crossed: bool) -> pd.Series:
    """Unbiased variance components of a loss; an estimate below 0 is set to 0.

    Crossed, y_ls with networks l and scenarios s (weights p, sum 1): the two-way analysis of
    variance without repetition,

        y_ls = mean + network_l + scenario_s + rest_ls

    Paired: variance between networks and within networks.

    Parameters
    ----------
    y : (L, N) crossed; (1, N) paired, scenario s on network s mod `networks`.
    w : (N,) likelihood ratios, or `None`.

    Returns
    -------
    Series `network`, `scenario`, `rest` (crossed: interaction of both; paired: 0), in money².

    Example
    -------
    Network effects 0 and 10, scenario effects 0 and 2, no interaction:

    >>> components(np.array([[0.0, 2.0], [10.0, 12.0]]), None, 2, True).tolist()
    [50.0, 2.0, 0.0]
    """
    weight = np.ones(y.shape[-1]) if w is None else w
    if not crossed:
        return _paired(y[0], weight, networks)
    p = weight / weight.sum()
    mine, once = float(p @ p), 1.0 / (1.0 - float(p @ p))
    of_network, of_scenario = y @ p, y.mean(axis=0)
    mean = float(of_network.mean())
    rest = y - of_network[:, None] - of_scenario + mean
    count = len(y)
    joint = float((rest**2 @ p).mean()) * once * count / max(count - 1, 1)
    scenario = float(p @ (of_scenario - mean) ** 2) * once - joint / count
    network = float(of_network.var(ddof=1)) - joint * mine
    return _series(network, scenario, joint)


def _paired(y: np.ndarray, weight: np.ndarray, networks: int) -> pd.Series:
    at = np.arange(len(y)) % networks
    sums = np.bincount(at, weight, networks)
    p = weight / sums[at]
    mine = np.bincount(at, p**2, networks)
    mean = np.bincount(at, p * y, networks)
    inside = np.bincount(at, p * (y - mean[at]) ** 2, networks) / (1.0 - mine)
    network = float(mean.var(ddof=1)) - float((inside * mine).mean())
    return _series(network, float(inside.mean()), 0.0)


def _series(network: float, scenario: float, rest: float) -> pd.Series:
    found = {"network": network, "scenario": scenario, "rest": rest}
    return pd.Series({name: max(value, 0.0) for name, value in found.items()}, name="variance")


def given(sums: list[Sums], name: str, count: int) -> np.ndarray:
    """(J, J) `name`[i, j] divided by `both`[i, i]; nan in the rows of nodes never in default."""
    both = np.sum([each["both"] for each in sums], axis=0).reshape(count, count)
    top = np.sum([each[name] for each in sums], axis=0).reshape(count, count)
    alone = np.diagonal(both)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(alone > 0, top / alone, np.nan)
