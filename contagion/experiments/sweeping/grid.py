"""Run every cell of a grid; one long table, failed cells as nan with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import signature
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ArgumentError, ContagionError, UnknownNameError, expect
from ...media import notebook, shown
from ...parallel import each
from ...results.propagation_result import PropagationResult
from ...text import known_name, listing, plural, same_scale
from ...units import conversion
from ...vocabulary import Rng, root_of
from .case import Case

EXPECTED = (ContagionError, ValueError, ArithmeticError)
PURE = ("defaults", "reach", "depth", "hhi", "amplification")  # all others are money


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """The cells of a grid.

    Attributes
    ----------
    axes : {name: values}, as given.
    table : long DataFrame: one column for each axis, draw, measure, value (nan if the run failed),
        reason ("" if it did not).
    samples : number of draws for each cell.
    unit : unit of the measures that are money.
    money : the measures that are money; for measures of the user this is not known.
    """

    axes: dict[str, list[Any]]
    table: pd.DataFrame
    samples: int
    unit: str = ""
    money: tuple[str, ...] = ()

    @property
    def measures(self) -> list[str]:
        """The measures of the table."""
        return list(dict.fromkeys(self.table["measure"]))

    @property
    def failed(self) -> pd.DataFrame:
        """The cells that failed: the axes, draw and reason, one row each."""
        rows = self.table[self.table["reason"] != ""]
        return rows.drop(columns=["measure", "value"]).drop_duplicates([*self.axes, "draw"])

    def mean(self, measure: str) -> pd.DataFrame:
        """One row a cell: the axes, mean over draws, standard error, and number of draws (`count`).

        Failed draws are left out and not counted; a cell without a valid draw is nan.

        Raises
        ------
        UnknownNameError : for a measure that the sweep does not have.
        """
        known_name(measure, self.measures, "measure")
        rows = self.table[self.table["measure"] == measure]
        cells = rows.groupby(list(self.axes), sort=False, dropna=False, observed=True)["value"]
        found = cells.agg(mean="mean", std="std", count="count").reset_index()
        with np.errstate(invalid="ignore", divide="ignore"):
            found["standard_error"] = found.pop("std") / np.sqrt(found["count"])
        return found[[*self.axes, "mean", "standard_error", "count"]]

    def grid(self, measure: str, x: str, y: str) -> pd.DataFrame:
        """The phase diagram: mean of a measure with the values of `y` as rows, of `x` as columns.

        Raises
        ------
        UnknownNameError : for a measure or axis that the sweep does not have.
        ArgumentError : if other axes have more than one value.
        """
        for axis in (x, y):
            if axis not in self.axes:
                raise UnknownNameError(
                    f"The sweep has no axis {axis!r}; it has {listing(self.axes, 20)}."
                )
        more = [name for name, v in self.axes.items() if len(v) > 1 and name not in (x, y)]
        if more:
            raise ArgumentError(f"{listing(more, 20)} vary too: choose one value of each first.")
        table = self.mean(measure).pivot(index=y, columns=x, values="mean")
        return table.reindex(index=self.axes[y], columns=self.axes[x])

    @shown
    def __repr__(self) -> str:
        cells = int(np.prod([len(values) for values in self.axes.values()]))
        across = " × ".join(f"{name} ({len(values)})" for name, values in self.axes.items())
        lines = [
            f"Sweep over {across}: {plural(cells, 'cell')}, {plural(self.samples, 'draw')} each"
        ]
        for measure in self.measures:
            values = self.table.loc[self.table["measure"] == measure, "value"]
            if values.notna().any():
                ends = (float(values.min()), float(values.max()))
                say = same_scale(ends, self.unit) if measure in self.money else "{:.6g}".format
                lines.append(f"  {measure}: {say(ends[0])} to {say(ends[1])}")
            else:
                lines.append(f"  {measure}: no value in any cell")
        bad = self.failed
        if len(bad):
            first = bad.iloc[0]
            where = ", ".join(f"{name} = {first[name]}" for name in self.axes)
            lines.append(f"  {plural(len(bad), 'run')} failed; at {where}: {first['reason']}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        wide = self.table.pivot_table(
            index=list(self.axes), columns="measure", values="value", aggfunc="mean"
        )[[name for name in self.measures if self.table["measure"].eq(name).any()]]
        return notebook(repr(self).splitlines()[0], wide.head(20), self.unit, tuple(self.money))


def sweep(
    run: Case | Callable[..., Any],
    grid: Mapping[str, Iterable[Any]],
    *,
    measures: Mapping[str, Callable[[Any], float]] | None = None,
    samples: int = 1,
    rng: Rng = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Sweep:
    """Run every cell of a grid.

    Parameters
    ----------
    run : a :class:`Case`, whose fields the axes name, or any function of the axes that returns a
        number, a mapping of numbers, a result, or something with `to_dict()`.
    grid : {axis: values}; the table has a row for each of their combinations.
    measures : {name: function of what `run` returns}. By default, for a result: loss and
        contagion_loss of owners (money), defaults (nodes), defaulted_share, and the record
        `socialization` for models that settle claims.
    samples : runs of each cell with different random numbers, for functions that take `rng=`.
    rng : seed. Draw k has the same random numbers in every cell, so cells can be compared in pairs.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Returns
    -------
    Sweep
        A run with a `ContagionError`, `ArgumentError` or `ArithmeticError` is nan in the table,
        with the reason; other errors are raised.

    Raises
    ------
    UnknownNameError : for an axis that is not a field of the case, with the closest name.
    ArgumentError : for an empty grid or axis.

    Example
    -------
    b (equity 4) has a claim of 10 on a: it loses 10 (1 − recovery), at most 4.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", equity=[1, 4])
    >>> found = ct.sweep(Case(net, ct.models.Furfine(), ct.Shock.default("a")),
    ...     {"shock.recovery": [0.0, 0.7, 1.0]})
    >>> found.mean("contagion_loss")["mean"].round(9).tolist()
    [4.0, 3.0, 0.0]
    """
    if not callable(run):
        expect("Case", run=run)
    axes = {name: list(values) for name, values in grid.items()}
    empty = [name for name, values in axes.items() if not values]
    if empty or not axes:
        raise ArgumentError(f"There is nothing to run: {listing(empty) or 'the grid'} is empty.")
    if isinstance(run, Case):
        run.check(axes)
    if samples < 1:
        raise ArgumentError(f"samples = {samples}: 1 or more.")
    seeds = _seeds(run, samples, rng)
    cells = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    tasks = [(cell, draw) for cell in cells for draw in range(samples)]
    jobs = [(run, cell, seeds[draw], measures) for cell, draw in tasks]
    found = list(each(_one, jobs, n_jobs=n_jobs, progress=progress, label="sweep"))
    found, unit, money = _one_unit(found, measures is None)
    return Sweep(axes, _table(list(axes), tasks, found), samples, unit, money)


def numbers(outcome: Any) -> dict[str, float]:
    """The numbers in the return value of a run, by name."""
    if isinstance(outcome, PropagationResult):
        return _of_result(outcome)
    if isinstance(outcome, Mapping):
        return {str(name): float(value) for name, value in outcome.items()}
    if hasattr(outcome, "to_dict"):
        return {str(name): float(value) for name, value in outcome.to_dict().items()}
    return {"value": float(outcome)}


def _of_result(result: PropagationResult) -> dict[str, float]:
    failed = result.outcome.defaulted
    found = {
        "loss": float(result.loss.sum()),
        "contagion_loss": float((result.loss - result.direct_loss).sum()),
        "defaults": float(failed.sum()),
        "defaulted_share": float(failed.mean()),
    }
    settled = result.socialization.to_dict() if result.model.settles else {}
    return {**found, **{name: float(value) for name, value in settled.items()}}


def _seeds(
    run: Case | Callable[..., Any], samples: int, rng: Rng
) -> list[np.random.SeedSequence | None]:
    """A seed for each draw, the same in every cell; none for a run without random numbers."""
    maker = run.generate if isinstance(run, Case) else run
    if maker is None or "rng" not in signature(maker).parameters:
        if samples > 1:
            raise ArgumentError(
                f"samples = {samples}, but the run takes no rng: every draw would be the same."
            )
        return [None]
    return list(root_of(rng).spawn(samples))


Found = tuple[dict[str, float], str, str | None]  # numbers, reason of a failure, unit of a result


def _one(
    run: Callable[..., Any],
    cell: dict[str, Any],
    seed: np.random.SeedSequence | None,
    measures: Mapping[str, Callable[[Any], float]] | None,
) -> Found:
    """The numbers of one run, or the reason of its failure, and the unit of its amounts."""
    random = {} if seed is None else {"rng": np.random.default_rng(seed)}
    try:
        outcome = run(**cell, **random)
        unit = outcome.network.unit if isinstance(outcome, PropagationResult) else None
        if measures is None:
            return numbers(outcome), "", unit
        return {name: float(of(outcome)) for name, of in measures.items()}, "", unit
    except EXPECTED as error:
        return {}, f"{type(error).__name__}: {' '.join(str(error).split())}", None


def _one_unit(found: list[Found], usual: bool) -> tuple[list[Found], str, tuple[str, ...]]:
    """The runs with amounts in the unit of the first network, that unit, and the money measures."""
    units = [unit for _, _, unit in found if unit is not None]
    if not units or not usual:
        return found, units[0] if len(set(units)) == 1 else "", ()
    names = dict.fromkeys(name for values, _, _ in found for name in values)
    money = tuple(name for name in names if name not in PURE and not name.endswith("_share"))
    out: list[Found] = []
    for values, why, unit in found:
        by = 1.0 if unit is None else conversion(unit, units[0], "A network of the sweep")
        values = {name: x * by if name in money else x for name, x in values.items()}
        out.append((values, why, unit))
    return out, units[0], money


def _table(
    axes: list[str], tasks: list[tuple[dict[str, Any], int]], found: list[Found]
) -> pd.DataFrame:
    """The long table; a failed run has a row for every measure of the other runs."""
    names = list(dict.fromkeys(name for values, _, _ in found for name in values)) or ["value"]
    rows = [
        {**cell, "draw": draw, "measure": name, **_value(values, name, why)}
        for (cell, draw), (values, why, _) in zip(tasks, found, strict=True)
        for name in names
    ]
    return pd.DataFrame(rows, columns=[*axes, "draw", "measure", "value", "reason"])


def _value(values: dict[str, float], name: str, why: str) -> dict[str, Any]:
    """A value, or nan with the reason."""
    value = values.get(name, np.nan)
    if not why and np.isnan(value):
        why = "undefined for this run" if name in values else "the run does not give this measure"
    return {"value": value, "reason": why}
