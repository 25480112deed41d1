"""Impact and vulnerability: every node fails once, and somebody bears it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..model import Model
from ..network import ExposureNetwork
from .registry import Measure

CHUNK = 2**22  # entries of the loss matrix held at a time


def single_defaults(
    network: ExposureNetwork,
    model: Model,
    *,
    recovery: float = 0.0,
    progress: bool = False,
) -> pd.DataFrame:
    """Let every node default once for outside reasons, and add up what the others lose.

    Losses ℓ(j|i) are counted from the run without shock and capped at the equity of j; a node
    with unknown capital loses without cap and counts in money, not in the indices.

    Parameters
    ----------
    network, model : any model.
    recovery : recovery rate on claims on the failing node, in [0, 1].
    progress : show a progress bar.

    Returns
    -------
    DataFrame, one row a node: default_impact (money), contagion_index (%), vulnerability_index
    (%), induced_defaults, hazard (%), loss_suffered (money, sum over all triggers).
    See `MEASURES` for the formulas.

    Example
    -------
    b (capital 3) holds 10 on a, c (capital 1) nothing: the default of a costs 3 of the 4.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> single_defaults(net, ct.Furfine()).loc["a", ["default_impact", "contagion_index"]].tolist()
    [3.0, 75.0]
    """
    n, book = len(network), network.book
    base = model.solve(network, np.zeros(n))
    before = np.maximum(base.equity, 0.0)
    known = ~np.isnan(before)
    capital = np.where(known, before, 0.0)
    impact, counted, induced = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    suffered, failures = np.zeros(n), np.zeros(n, np.int64)
    size = max(1, CHUNK // max(n, 1))
    chunks: Iterable[int] = range(0, n, size)
    if progress:
        from tqdm.auto import tqdm

        chunks = tqdm(chunks, desc=type(model).__name__)
    for first in chunks:
        triggers = np.arange(first, min(first + size, n))
        here = (np.arange(len(triggers)), triggers)
        pins = np.full((len(triggers), n), np.nan)
        pins[here] = recovery
        outcome = model.solve(network, np.zeros_like(pins), pins)
        loss = before - np.maximum(outcome.equity, 0.0)
        loss = np.where(known, loss, outcome.lost - base.lost)
        loss[here] = 0.0
        new = outcome.defaulted & ~base.defaulted
        new[here] = False
        impact[triggers] = loss.sum(axis=1)
        counted[triggers] = loss[:, known].sum(axis=1)
        induced[triggers] = new.sum(axis=1)
        suffered += loss.sum(axis=0)
        failures += new.sum(axis=0)
    others = capital.sum() - capital
    with np.errstate(invalid="ignore", divide="ignore"):
        contagion = np.where(others > 0, 100.0 * counted / others, np.nan)
        vulnerability = np.where(capital > 0, 100.0 * suffered / ((n - 1) * capital), np.nan)
    hazard = np.where(book.can_fail, 100.0 * failures / max(n - 1, 1), np.nan)
    return pd.DataFrame(
        {
            "default_impact": impact,
            "contagion_index": contagion,
            "vulnerability_index": vulnerability,
            "induced_defaults": induced,
            "hazard": hazard,
            "loss_suffered": suffered,
        },
        index=network.names,
    )


def default_impact(network: ExposureNetwork, model: Model, *, recovery: float = 0.0) -> pd.Series:
    """Money that all other owners lose when the node defaults: `Σ_{j≠i} ℓ(j|i)`."""
    return single_defaults(network, model, recovery=recovery)["default_impact"]


def contagion_index(network: ExposureNetwork, model: Model, *, recovery: float = 0.0) -> pd.Series:
    """`100 · Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j`, % of the capital of the others; see `MEASURES`."""
    return single_defaults(network, model, recovery=recovery)["contagion_index"]


def vulnerability_index(
    network: ExposureNetwork, model: Model, *, recovery: float = 0.0
) -> pd.Series:
    """`100 · Σ_{j≠i} ℓ(i|j) / ((N − 1) K_i)`, % of own capital; see `MEASURES`."""
    return single_defaults(network, model, recovery=recovery)["vulnerability_index"]


def debtrank(network: ExposureNetwork, model: Model, *, recovery: float = 0.0) -> pd.Series:
    """Share of all known equity that the others lose, `Σ_{j≠i} v_j h_j` with `v_j = E_j / ΣE`.

    Battiston et al. (2012) subtract the initial distress of the trigger in the same way.
    """
    impact = single_defaults(network, model, recovery=recovery)
    return _debtrank(network, impact)


def _debtrank(network: ExposureNetwork, impact: pd.DataFrame) -> pd.Series:
    capital = np.maximum(np.nan_to_num(network.book.equity), 0.0)
    others = capital.sum() - capital
    share = impact["contagion_index"].to_numpy() / 100.0 * others / capital.sum()
    return pd.Series(share, impact.index, name="debtrank")


DEFINITIONS = (
    Measure(
        "default_impact",
        "default impact",
        "Σ_{j≠i} ℓ(j|i)",
        "money",
        "–",
        "loss of all other owners when i defaults; ℓ(j|i) is capped at the equity of j",
    ),
    Measure(
        "contagion_index",
        "contagion index",
        "100 · Σ_{j≠i} ℓ(j|i) / Σ_{j≠i} K_j",
        "%",
        "capital of the others",
        "after Espinosa-Vega & Solé (2010), IMF WP/10/105, capital impairment averaged with "
        "capital weights; ℓ capped at K_j",
    ),
    Measure(
        "vulnerability_index",
        "vulnerability index",
        "100 · Σ_{j≠i} ℓ(i|j) / ((N − 1) · K_i)",
        "%",
        "own capital, mean over triggers",
        "after the bank-contagion annexes of IMF FSAPs; ℓ capped at K_i",
        about="vulnerability",
    ),
    Measure(
        "induced_defaults",
        "induced defaults",
        "#{j ≠ i : j defaults | i defaults}",
        "nodes",
        "–",
        "count of further defaults, nodes insolvent before left out",
    ),
    Measure(
        "hazard",
        "hazard rate",
        "100 · #{j ≠ i : i defaults | j defaults} / (N − 1)",
        "%",
        "the N − 1 triggers",
        "share of single defaults that fail the node",
        about="vulnerability",
    ),
    Measure(
        "debtrank",
        "DebtRank",
        "Σ_{j≠i} v_j h_j",
        "share",
        "equity of all nodes",
        "Battiston et al. (2012), Sci. Rep. 2:541, with v_j = share of equity as in Bardoscia "
        "et al. (2015), PLoS ONE 10(6); the trigger's own loss is left out",
    ),
)
