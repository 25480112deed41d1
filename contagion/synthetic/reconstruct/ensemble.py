"""An ensemble: networks with the same margins, stored as arrays and built on access."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, overload

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ...errors import ArgumentError
from ...media import shown
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import Record, record, seeded
from ...text import plural
from ._cells import Problem
from .diagnostics import autocorrelation, effective_sample_size
from .margins import Margins

P = ParamSpec("P")


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble(Sequence[ExposureNetwork]):
    """Networks with the same margins: a sequence of :class:`~contagion.ExposureNetwork`.

    `ensemble[k]` builds the network of sample k, with the balance sheets of the margins;
    `ensemble[a:b]` is an ensemble again.

    Attributes
    ----------
    margins : the known totals and exposures.
    method : name of the method, with its parameters.
    start : (S + 1,), sample k has the exposures start[k] … start[k + 1] − 1.
    creditor, debtor : (E,) rows of `margins.names`.
    amount : (E,) amounts.
    added : (S,) number of cells added because the drawn cells could not meet the margins.
    dropped : (S,) drawn cells that are zero in every network with these margins on these cells.
    notes : further remarks, one sentence each.
    trace : for a Markov chain, statistics and parameters with one row for each sample; else None.
    made : the record of the method, with seed and arguments; part of the networks' provenance.
    numbers : (S,) the number of every sample among those that were drawn together, from 1.

    Example
    -------
    >>> import contagion as ct
    >>> from contagion.synthetic import reconstruct
    >>> margins = reconstruct.Margins(["a", "b", "c"], claims=[3, 2, 1], debts=[1, 2, 3])
    >>> draws = reconstruct.fitness(margins, links=4, samples=3, rng=7)
    >>> len(draws), draws.margin_errors.max() < 1e-9
    (3, np.True_)
    """

    margins: Margins
    method: str
    start: np.ndarray
    creditor: np.ndarray
    debtor: np.ndarray
    amount: np.ndarray
    added: np.ndarray
    dropped: np.ndarray
    notes: tuple[str, ...] = ()
    trace: pd.DataFrame | None = None
    made: Record | None = None
    numbers: Any = None

    def __post_init__(self) -> None:
        if self.numbers is None:
            object.__setattr__(self, "numbers", np.arange(1, len(self) + 1))
        for name in ("start", "creditor", "debtor", "amount", "added", "dropped", "numbers"):
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return len(self.start) - 1

    @overload
    def __getitem__(self, at: int) -> ExposureNetwork: ...
    @overload
    def __getitem__(self, at: slice) -> Ensemble: ...
    def __getitem__(self, at: int | slice) -> ExposureNetwork | Ensemble:
        if isinstance(at, slice):
            return self._taken(np.arange(len(self))[at])
        part, made = self._part(range(len(self))[at]), self.made
        made = made or record("reconstructed", self.method)
        sample = ("sample", int(self.numbers[at]))
        made = replace(made, parameters=(*made.parameters, sample))
        cells = (self.creditor[part], self.debtor[part], self.amount[part])
        return self.margins._network(*cells, made)

    def _part(self, sample: int) -> slice:
        return slice(int(self.start[sample]), int(self.start[sample + 1]))

    def _taken(self, samples: np.ndarray) -> Ensemble:
        parts = [np.arange(self.start[k], self.start[k + 1]) for k in samples]
        rows = np.concatenate([np.empty(0, np.int64), *parts])
        start = np.concatenate([[0], np.cumsum(self.links[samples])]).astype(np.int64)
        trace = None if self.trace is None else self.trace.iloc[samples].reset_index(drop=True)
        return replace(
            self,
            start=start,
            creditor=self.creditor[rows],
            debtor=self.debtor[rows],
            amount=self.amount[rows],
            added=self.added[samples],
            dropped=self.dropped[samples],
            trace=trace,
            numbers=self.numbers[samples],
        )

    @property
    def network(self) -> ExposureNetwork:
        """The network, where there is only one. Raises `ArgumentError` where there are more."""
        if len(self) != 1:
            raise ArgumentError(
                f"The ensemble has {plural(len(self), 'network')}: ensemble[k] is one of them."
            )
        return self[0]

    def matrix(self, sample: int) -> csr_array:
        """Claims (n, n) of one sample: `X[i, j]` is the amount that debtor j owes creditor i."""
        part, n = self._part(range(len(self))[sample]), len(self.margins)
        cells = (self.creditor[part], self.debtor[part])
        return csr_array((self.amount[part], cells), shape=(n, n))

    # -- what they have in common -----------------------------------------------------------

    @property
    def links(self) -> np.ndarray:
        """(S,) number of exposures."""
        return np.asarray(np.diff(self.start))

    @property
    def density(self) -> np.ndarray:
        """(S,) links / (n (n − 1)); nan where there is a single node."""
        n = len(self.margins)
        pairs = float(n * (n - 1))
        return np.asarray(self.links / pairs if pairs else np.full(len(self), np.nan))

    @property
    def margin_errors(self) -> np.ndarray:
        """(S,) the largest |sum − margin| / margin over all claims and debts of a sample."""
        sample, n = np.repeat(np.arange(len(self)), self.links), len(self.margins)
        errors = np.zeros(len(self))
        for side, margin in (
            (self.creditor, self.margins.claims),
            (self.debtor, self.margins.debts),
        ):
            sums = np.bincount(sample * n + side, self.amount, len(self) * n).reshape(-1, n)
            part = np.abs(sums - margin) / np.where(margin > 0, margin, 1.0)
            errors = np.maximum(errors, part.max(axis=1, initial=0.0))
        return errors

    def mean(self) -> pd.DataFrame:
        """Mean claim (n, n) of every creditor (row) on every debtor (column), amounts."""
        return self._table(self.amount)

    def link_probability(self) -> pd.DataFrame:
        """Share (n, n) of the samples in which creditor (row) has a claim on debtor (column)."""
        return self._table(np.ones(len(self.amount)))

    @property
    def diagnostics(self) -> pd.DataFrame:
        """Diagnostics of a chain: one row for each column of `trace`.

        Columns: mean, deviation, `effective` (effective sample size for the mean) and
        `autocorrelation` of consecutive samples; nan where the statistic is constant.

        Raises
        ------
        ArgumentError : for samples that are independent.
        """
        if self.trace is None:
            raise ArgumentError("These samples are independent: there is no chain to diagnose.")
        rows = {}
        for name, values in self.trace.items():
            lags = autocorrelation(values)
            rows[name] = {
                "mean": float(values.mean()),
                "deviation": float(np.std(values)),
                "effective": effective_sample_size(values),
                "autocorrelation": float(lags[1]) if len(lags) > 1 else float("nan"),
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def _table(self, values: np.ndarray) -> pd.DataFrame:
        n = len(self.margins)
        sums = np.bincount(self.creditor * n + self.debtor, values, n * n).reshape(n, n)
        names = self.margins.names
        creditors, debtors = names.rename("creditor"), names.rename("debtor")
        return pd.DataFrame(sums / max(len(self), 1), index=creditors, columns=debtors)

    @shown
    def __repr__(self) -> str:
        links = self.links
        low, high = (int(links.min()), int(links.max())) if len(self) else (0, 0)
        said = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        lines = [
            f"Ensemble of {plural(len(self), 'network')}: {self.method}",
            f"  {self.margins!r}",
            f"  links {said}, density {np.mean(self.density):.3g}; margins met to "
            f"{np.max(self.margin_errors, initial=0.0):.1e}",
        ]
        if self.added.any() or self.dropped.any():
            lines.append(
                f"  cells added {self.added.mean():.3g}, dropped {self.dropped.mean():.3g} a "
                "network, so that the margins can be met"
            )
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(textwrap.fill(x, 79, subsequent_indent="    ") for x in lines)


def reconstructed(method: Callable[P, Ensemble]) -> Callable[P, Ensemble]:
    """Wrap a method that makes an ensemble: its name, arguments and seed go into the record."""
    takes = signature(method)

    @wraps(method)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Ensemble:
        given = takes.bind(*args, **kwargs)
        given.apply_defaults()
        said, seed = dict(given.arguments), None
        if "rng" in said:
            given.arguments["rng"], seed = seeded(said.pop("rng"))
        margins = said.pop("margins")
        said.pop("progress", None)
        said["known"] = len(getattr(margins, "known", ())) or None
        made = record("reconstructed", method.__name__, said, seed=seed)
        return replace(method(*given.args, **given.kwargs), made=made)

    return drawn


def gathered(
    margins: Margins,
    problem: Problem,
    method: str,
    samples: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    *,
    added: Sequence[int] | None = None,
    dropped: Sequence[int] | None = None,
    notes: tuple[str, ...] = (),
    trace: pd.DataFrame | None = None,
) -> Ensemble:
    """An ensemble from the cells (row, column, amount) of every sample, in the order of a problem.

    Cells are sorted. Empty cells are left out; known cells are added.
    """
    some = problem.known_amount > 0
    known = (problem.known_row[some], problem.known_column[some], problem.known_amount[some])
    parts = []
    for cells in samples:
        held = cells[2] > 0
        row, column, amount = cells if held.all() else (side[held] for side in cells)
        if some.any():
            pairs = zip((row, column, amount), known, strict=True)
            row, column, amount = (np.concatenate(pair) for pair in pairs)
            sorted_ = np.argsort(row * len(problem.supply) + column)
            row, column, amount = row[sorted_], column[sorted_], amount[sorted_]
        parts.append((row, column, amount))
    count = [len(part[0]) for part in parts]
    row, column, amount = (
        sides[0] if len(parts) == 1 else np.concatenate(sides) for sides in zip(*parts, strict=True)
    )
    zeros = [0] * len(parts)
    return Ensemble(
        margins,
        method,
        np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        problem.order[row],
        problem.order[column],
        amount,
        np.asarray(zeros if added is None else added),
        np.asarray(zeros if dropped is None else dropped),
        notes,
        trace,
    )
