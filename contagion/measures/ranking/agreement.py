"""Agreement of measures: Kendall's τ, the ranks of every node, and a summary in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import ArgumentError
from ...media import shown
from ...records import Table
from ...text import known_name, listing
from ...vocabulary import CONFIDENCE, Rng
from .. import MEASURES

MOST = 2_000  # nodes; the comparison of all pairs takes n² bytes for each measure
DISAGREE = 0.5  # Kendall's τ below which the sentence names a pair


@dataclass(frozen=True, eq=False, repr=False)
class Agreement:
    """Agreement of the columns of a ranking on the order of the nodes.

    Attributes
    ----------
    tau : DataFrame measure × measure, Kendall's τ-b over the nodes with both measures; nan where
        it is undefined.
    low, high : DataFrames, bounds of a bootstrap interval over nodes; nan without bootstrap.
    ranks : DataFrame node × measure, 1 is the most important, ties share the mean of their ranks.
    ranges : DataFrame node: best, median, worst rank, and spread = worst − best.
    sentence : the main result in words.
    reasons : {(measure, measure): why τ is nan}.
    """

    tau: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    ranks: pd.DataFrame
    ranges: pd.DataFrame
    sentence: str
    reasons: dict[tuple[str, str], str]

    @shown
    def __repr__(self) -> str:
        return self.sentence


def agreement(
    table: Table | pd.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    resamples: int = 0,
    confidence: float = CONFIDENCE,
    rng: Rng = None,
) -> Agreement:
    """Compare the columns of a ranking.

        τ-b(x, y) = Σ_{i<j} s_ij(x) s_ij(y) / √(Σ s_ij(x)² · Σ s_ij(y)²),  s_ij(x) = sign(x_i − x_j)

    Parameters
    ----------
    table : as returned by `ct.rank`, one row a node; higher means more important.
    columns : those to compare, by default every measure of importance, size or position, but not of
        vulnerability.
    resamples : number of draws of the nodes with replacement for the intervals; 0 for none.
    confidence : level of the intervals.
    rng : seed or generator of the bootstrap.

    Raises
    ------
    UnknownNameError : for a column that the table does not have.
    ArgumentError : for fewer than two columns, or more than 2,000 nodes (take `table.head(2000)`).

    Example
    -------
    Of the three pairs of nodes, two have the same order in both: τ = (2 − 1) / 3.

    >>> table = pd.DataFrame({"x": [3, 2, 1], "y": [3, 1, 2]}, index=["a", "b", "c"])
    >>> found = agreement(table, ["x", "y"])
    >>> found.tau.loc["x", "y"].round(4), found.ranges.loc["b", ["best", "worst"]].tolist()
    (np.float64(0.3333), [2.0, 3.0])

    Source: Kendall (1945), Biometrika 33(3), τ with ties.
    """
    chosen = _comparable(table) if columns is None else list(columns)
    for name in chosen:
        known_name(name, table.columns, "column")
    if len(chosen) < 2:
        raise ArgumentError("Agreement takes two measures or more: rank with measures=[…].")
    if len(table) > MOST:
        raise ArgumentError(
            f"{len(table):,} nodes are too many to compare all pairs; table.head({MOST}) keeps the "
            "most important."
        )
    values = table[chosen].to_numpy(float)
    draws = _draws(len(table), resamples, rng)
    size = (len(chosen), len(chosen))
    tau, low, high = np.eye(len(chosen)), np.full(size, np.nan), np.full(size, np.nan)
    reasons: dict[tuple[str, str], str] = {}
    tail = 50.0 * (1.0 - confidence)
    for a in range(len(chosen)):
        for b in range(a, len(chosen)):
            many = _tau(values[:, a], values[:, b], draws)
            tau[a, b] = tau[b, a] = many[0]
            if np.isnan(many[0]):
                reasons[chosen[a], chosen[b]] = _why(values[:, a], values[:, b])
            elif resamples and a != b:
                kept = many[1:][~np.isnan(many[1:])]
                if len(kept):
                    low[a, b], high[a, b] = np.percentile(kept, [tail, 100.0 - tail])
                low[b, a], high[b, a] = low[a, b], high[a, b]
    ranks = table[chosen].rank(ascending=False, method="average")
    ranges = pd.DataFrame(
        {"best": ranks.min(axis=1), "median": ranks.median(axis=1), "worst": ranks.max(axis=1)}
    )
    ranges["spread"] = ranges["worst"] - ranges["best"]
    return Agreement(
        pd.DataFrame(tau, chosen, chosen),
        pd.DataFrame(low, chosen, chosen),
        pd.DataFrame(high, chosen, chosen),
        ranks,
        ranges.sort_values("median", kind="stable"),
        _sentence(chosen, tau, ranks, ranges),
        reasons,
    )


def _comparable(table: Table | pd.DataFrame) -> list[str]:
    """The columns that measure importance, size or position."""
    about = {name: m.about for name, m in MEASURES.items()}
    return [
        str(c)
        for c in table
        if about.get(str(c).partition(".")[0], "") not in ("", "vulnerability")
    ]


def _draws(n: int, resamples: int, rng: Rng) -> np.ndarray:
    """Counts of each node, shape (1 + resamples, n): first all once, then resampled."""
    once = np.ones((1, n))
    if not resamples:
        return once
    return np.vstack(
        [once, np.random.default_rng(rng).multinomial(n, np.full(n, 1 / n), resamples)]
    )


def _tau(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """τ-b (B,) of two measures with nodes counted `counts` (B, n) times."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y, w = x[both], y[both], counts[:, both].astype(np.float32)
    one = np.sign(x[:, None] - x).astype(np.float32)
    two = np.sign(y[:, None] - y).astype(np.float32)

    def pairs(signs: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum("bi,bi->b", w @ signs, w, dtype=float))

    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(pairs(one * two) / np.sqrt(pairs(one * one) * pairs(two * two)))


def _why(x: np.ndarray, y: np.ndarray) -> str:
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 2:
        return f"{int(both.sum())} nodes have both measures"
    return "a measure is the same for every node that has both"


def _sentence(names: list[str], tau: np.ndarray, ranks: pd.DataFrame, ranges: pd.DataFrame) -> str:
    """The agreement in words, with the node whose rank depends most on the choice of measure."""
    at = np.triu_indices(len(tau), 1)
    pairs = tau[at]
    known = np.flatnonzero(~np.isnan(pairs))
    if not len(known):
        return f"The {len(names)} measures cannot be compared: none of the pairs has a Kendall's τ."
    worst, best = known[np.argmin(pairs[known])], known[np.argmax(pairs[known])]
    said = (
        f"{len(names)} measures: median Kendall's τ {np.median(pairs[known]):.2f}, lowest "
        f"{pairs[worst]:.2f} ({_pair(names, at, worst)}), highest {pairs[best]:.2f} "
        f"({_pair(names, at, best)})."
    )
    first = (ranks == 1).sum(axis=1)
    leaders = [
        str(node) for node in first[first > 0].sort_values(ascending=False, kind="stable").index
    ]
    top = first.max()
    if not leaders:
        said += " None of them puts one node alone first."
    elif len(leaders) == 1 and top == len(names):
        said += f" All put {leaders[0]} first."
    elif len(leaders) == 1:
        said += f" {leaders[0]} is first under {int(top)} of {len(names)}, no node under the rest."
    else:
        said += (
            f" They disagree on who is first: {leaders[0]} under {int(top)} of {len(names)}, "
            f"otherwise {listing(leaders[1:])}."
        )
    low = [k for k in known[np.argsort(pairs[known], kind="stable")] if pairs[k] < DISAGREE]
    if low:
        said += (
            f" {len(low)} of {len(known)} pairs of measures have τ below {DISAGREE:g}: which "
            "measure is chosen decides the order."
        )
    spread = ranges["spread"].fillna(0.0).to_numpy()
    if spread.max() > 0:
        most = int(np.argmax(spread))
        low_rank, high_rank = ranges["best"].iloc[most], ranges["worst"].iloc[most]
        said += (
            f" {ranges.index[most]} moves most, between rank {low_rank:.0f} and {high_rank:.0f}."
        )
    return said


def _pair(names: list[str], at: tuple[np.ndarray, np.ndarray], k: int) -> str:
    return f"{names[at[0][k]]} and {names[at[1][k]]}"
