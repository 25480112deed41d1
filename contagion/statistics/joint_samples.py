"""Samples of joint losses: checked, sorted, resampled; quantiles and tails of weighted columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ShockError
from ..text import choice, listing

LEAST = 10  # scenarios behind a number, by default
ROUNDING = 1e-12  # of a probability


@dataclass(frozen=True)
class Sample:
    """Joint losses in an order of their own, so that nothing depends on the order of the rows.

    Attributes
    ----------
    losses : (S, n) money.
    system : (S, 1) loss of the system, ascending, or (S, n) for each node.
    weights : (S,) probabilities.
    names : (n,) names of the nodes.
    """

    losses: np.ndarray
    system: np.ndarray
    weights: np.ndarray
    names: pd.Index

    @property
    def count(self) -> float:
        """Scenarios, as many equal ones as the weights are worth: 1 / Σ p²."""
        return float(1.0 / (self.weights**2).sum())

    def resampled(self, times: int, rng: Any) -> Iterator[np.ndarray]:
        """Weights (S,) of samples of the same size drawn with replacement."""
        draws, size = np.random.default_rng(rng), len(self.weights)
        for _ in range(times):
            drawn = np.bincount(draws.integers(size, size=size), minlength=size) * self.weights
            yield drawn / drawn.sum()

    def errors(
        self, statistic: Callable[[np.ndarray], np.ndarray], times: int, rng: Any
    ) -> np.ndarray:
        """Standard errors of a statistic of the weights; nan for less than two resamples."""
        found = np.array([statistic(weights) for weights in self.resampled(times, rng)])
        if times < 2:
            return np.full_like(statistic(self.weights), np.nan)
        return np.asarray(found.std(axis=0, ddof=1))


def sample_of(losses: Any, level: float, system: Any, weights: Any) -> Sample:
    """Check and sort what was handed in."""
    if not 0 < level < 1:
        raise ArgumentError(f"level={level}: it lies between 0 and 1, 0.95 say.")
    table = losses if isinstance(losses, pd.DataFrame) else pd.DataFrame(np.asarray(losses, float))
    x = table.to_numpy(float)
    bad = ~np.isfinite(x).all(axis=0)
    if x.size == 0 or bad.any():
        what = f"not finite for {listing(table.columns[bad])}" if bad.any() else "empty"
        raise ShockError(f"The losses are {what}: give (scenarios, nodes), money, no gaps.")
    p = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    if p.shape != (len(x),) or not (np.isfinite(p).all() and (p >= 0).all() and p.sum() > 0):
        raise ShockError(
            f"weights have shape {p.shape}: one for each of the {len(x):,} scenarios, >= 0, finite."
        )
    columns = np.argsort(table.columns.astype(str), kind="stable")
    total = np.ascontiguousarray(x[:, columns]).sum(axis=1)  # the same to the last digit
    if isinstance(system, str):
        choice(system, ("all", "others"), "system", "an array (scenarios,)")
        whole = total[:, None] if system == "all" else total[:, None] - x
    else:
        whole = np.asarray(system, float).reshape(-1, 1)
        if len(whole) != len(x) or not np.isfinite(whole).all():
            raise ShockError(
                f"system has {len(whole):,} entries: one for each of the {len(x):,} scenarios, "
                "finite."
            )
    order = np.lexsort([p, *x.T[columns], whole[:, 0] if whole.shape[1] == 1 else total])
    return Sample(x[order], whole[order], p[order] / p.sum(), table.columns)


def quantiles(x: np.ndarray, order: np.ndarray, p: np.ndarray, *levels: float) -> list[np.ndarray]:
    """Smallest values of each column (S, n) that are not exceeded with each probability."""
    reached = np.cumsum(p[order], axis=0)
    found = []
    for level in levels:
        at = np.minimum((reached < level - ROUNDING).sum(axis=0), len(x) - 1)
        found.append(np.take_along_axis(x, order[at, np.arange(x.shape[1])][None], axis=0)[0])
    return found


def tail_weights(losses: np.ndarray, level: float, weights: np.ndarray | None = None) -> np.ndarray:
    """Probabilities (S, n) of the worst 1 − level of each column (S, n); columns sum to 1.

    Scenarios that tie at the value at risk enter in part, all alike, so that Σ τ L is the expected
    shortfall (1 / (1 − q)) ∫_q^1 VaR_u du also where losses come in lumps.

    >>> tail_weights(np.array([[0.0], [1.0], [1.0], [5.0]]), 0.5).ravel().tolist()
    [0.0, 0.25, 0.25, 0.5]
    """
    p = np.full(len(losses), 1.0 / len(losses)) if weights is None else weights
    order = np.argsort(losses, axis=0, kind="stable")
    edge = quantiles(losses, order, p, level)[0]
    beyond = np.where(losses > edge, p[:, None], 0.0)
    tied = np.where(losses == edge, p[:, None], 0.0)
    rest = np.maximum((1.0 - level) - beyond.sum(axis=0), 0.0) / tied.sum(axis=0)
    return np.asarray((beyond + rest * tied) / (1.0 - level))


def expected_shortfall(
    losses: np.ndarray, level: float, weights: np.ndarray | None = None
) -> np.ndarray:
    """Mean (n,) of the worst 1 − level of each column (S, n); see :func:`tail_weights`.

    >>> expected_shortfall(np.array([[0.0], [1.0], [1.0], [5.0]]), 0.5)
    array([3.])
    """
    return np.asarray((tail_weights(losses, level, weights) * losses).sum(axis=0))


def labelled(
    columns: dict[str, np.ndarray], names: pd.Index, reasons: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """One row a node, nan with the first reason that holds in every column but the counts."""
    said = np.full(len(names), "", object)
    for reason, where in reasons.items():
        said[np.asarray(where) & (said == "")] = reason
    undefined = said != ""
    kept = {
        name: column if name in ("var", "scenarios") else np.where(undefined, np.nan, column)
        for name, column in columns.items()
    }
    frame = pd.DataFrame(kept, index=names)
    frame.attrs["reasons"] = dict(zip(names[undefined], said[undefined], strict=True))
    return frame
