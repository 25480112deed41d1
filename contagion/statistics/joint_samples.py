"""Samples of joint losses: checked, sorted, resampled; tails of weighted columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ShockError
from ..parallel import each
from ..records import Table, Why, because, first_reason
from ..text import choice, listing
from ..vocabulary import Rng
from .quantiles import column_quantiles

LEAST = 10  # scenarios required for an estimate, by default
PART = 20  # resamples in a task
NO_ERROR = "fewer than two resamples, or one in which it is not defined"


@dataclass(frozen=True)
class Sample:
    """Joint losses in sorted order, so that results do not depend on the order of the rows.

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
        """Effective number of scenarios: 1 / Σ p²."""
        return float(1.0 / (self.weights**2).sum())

    def resampled(self, times: int, rng: Rng) -> Iterator[np.ndarray]:
        """Weights (S,) of samples of the same size drawn with replacement."""
        draws, size = np.random.default_rng(rng), len(self.weights)
        for _ in range(times):
            drawn = np.bincount(draws.integers(size, size=size), minlength=size) * self.weights
            yield drawn / drawn.sum()

    def errors(
        self,
        statistic: Callable[[np.ndarray], np.ndarray],
        times: int,
        rng: Rng,
        n_jobs: int = 1,
        progress: bool = False,
    ) -> np.ndarray:
        """Standard errors of a statistic of the weights; nan for fewer than two resamples.

        Weights are drawn here, in one stream, and sent to the processes in groups of `PART`.
        """
        drawn = self.resampled(times, rng)
        parts = (list(islice(drawn, PART)) for _ in range(0, times, PART))
        tasks = ((statistic, part) for part in parts)
        told = {"label": "resamples", "unit": f"{PART} resamples"}
        many = each(_of_each, tasks, n_jobs=n_jobs, progress=progress, **told)
        found = np.array([values for part in many for values in part])
        if times < 2:
            return np.full_like(statistic(self.weights), np.nan)
        return np.asarray(found.std(axis=0, ddof=1))


def _of_each(
    statistic: Callable[[np.ndarray], np.ndarray], weights: list[np.ndarray]
) -> list[np.ndarray]:
    return [statistic(one) for one in weights]


def sample_of(losses: Any, level: float, system: Any, weights: Any) -> Sample:
    """Check and sort the arguments."""
    if not 0 < level < 1:
        raise ArgumentError(f"level={level}: it lies between 0 and 1, such as 0.95.")
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


def tail_weights(losses: np.ndarray, level: float, weights: np.ndarray | None = None) -> np.ndarray:
    """Probabilities (S, n) of the worst 1 − level of each column (S, n); columns sum to 1.

    Scenarios tied at the value at risk enter with the same partial weight, so that Σ τ L is the
    expected shortfall (1 / (1 − q)) ∫_q^1 VaR_u du, also for discrete losses.

    >>> tail_weights(np.array([[0.0], [1.0], [1.0], [5.0]]), 0.5).ravel().tolist()
    [0.0, 0.25, 0.25, 0.5]
    """
    p = np.full(len(losses), 1.0 / len(losses)) if weights is None else weights
    order = np.argsort(losses, axis=0, kind="stable")
    edge = column_quantiles(losses, order, p, level)[0]
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
    columns: dict[str, np.ndarray],
    names: pd.Index,
    reasons: Mapping[str, np.ndarray],
    definitions: Mapping[str, str],
    of: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Table:
    """One row a node; nan, with the first reason that applies, in all columns except counts.

    `of` has further reasons by column; other nan errors are due to the resamples.
    """
    undefined = first_reason(len(names), reasons) != ""
    kept = {
        name: column if name in ("var", "scenarios") else np.where(undefined, np.nan, column)
        for name, column in columns.items()
    }
    frame = pd.DataFrame(kept, index=names)
    found: dict[str, Why] = {}
    for name in columns:
        more = {NO_ERROR: True} if name.endswith("_error") else (of or {}).get(name, {})
        found |= because(frame, {**reasons, **more}, [name])
    return Table(frame, definitions, found)
