"""One model and one shock on the networks of several periods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from ..errors import UnknownNameError
from ..experiments.sweeping.grid import PURE, numbers
from ..media import notebook, shown
from ..network.tables.snapshots import label
from ..results.propagation_result import PropagationResult
from ..text import did_you_mean, plural, same_scale
from .change import Change, attributed

SHOWN = ("loss", "socialized", "defaults")


@dataclass(frozen=True, eq=False, repr=False)
class PanelRun:
    """The results of one model and one shock by period; amounts in `unit`.

    Iteration gives pairs (period, result), `run["2023-Q4"]` is one result.

    Attributes
    ----------
    unit : unit of all amounts.
    results : {period: PropagationResult}.
    """

    unit: str
    results: Mapping[str, PropagationResult]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[tuple[str, PropagationResult]]:
        return iter(self.results.items())

    def __getitem__(self, period: Any) -> PropagationResult:
        wanted = label(period)
        if wanted not in self.results:
            raise UnknownNameError(did_you_mean(wanted, list(self.results), "period"))
        return self.results[wanted]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a period and node: period, node and the columns of `result.table`."""
        frames = [
            result.table.rename_axis("node").reset_index().assign(period=period)
            for period, result in self
        ]
        long = pd.concat(frames, ignore_index=True)
        return long[["period", *long.columns.drop("period")]]

    @cached_property
    def totals(self) -> pd.DataFrame:
        """One row a period: loss and contagion_loss of owners, defaults, and `socialization`."""
        rows = {period: numbers(result) for period, result in self}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("period")

    @property
    def socialization(self) -> pd.DataFrame:
        """One row a period, the columns of :class:`~contagion.results.Socialization`.

        Raises `ModelError` for a model that does not settle claims.
        """
        rows = {period: result.socialization.to_dict() for period, result in self}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("period")

    def change(
        self,
        before: Any = None,
        after: Any = None,
        *,
        of: str | Callable[[PropagationResult], float] | None = None,
    ) -> Change:
        """Decompose the change of a number between two periods into three parts that sum to it.

        The data of a network form three groups: *amounts* (the debts of every node, p̄ inside the
        graph, and outside); *capital* (the equity of every node); and *structure* (the relative
        liabilities Π, that is, the share of p̄ owed to each creditor, with the terms of the claims,
        rules and all other columns). With v(S) the number if the groups in S are those of the
        later period,

            part_i = Σ_{S without i} |S|! (2 − |S|)! / 3! · (v(S + i) − v(S)).

        This is the mean over all six orders in which the groups can change (Shapley value): it
        needs no choice of an order. A change of amounts keeps equity fixed: external assets balance
        the sheet, and external liabilities if assets would fall below 0. A node without debts in a
        period has its structure from the other period.

        Parameters
        ----------
        before, after : periods, by default the first and the last.
        of : "socialized" (default for models that settle claims), "loss" of owners (default for
            others), "defaults", any other column of `totals`, or a function of a result.

        Raises
        ------
        UnknownNameError
            For a period or a name that the run does not have.
        ModelError
            For networks with shareholdings, because the groups do not determine their equity.
        ArgumentError
            If the number is not defined in one of the eight networks.

        Example
        -------
        a has equity K and a claim X on b, which defaults: the owners of a lose min(K, X). From
        (K, X) = (3, 2) to (5, 4) the loss rises by 2. If amounts change first, 1 is due to amounts
        and 1 to capital; if capital changes first, 2 are due to amounts. The means are 1.5 and 0.5.

        >>> import contagion as ct
        >>> one, two = (ct.ExposureNetwork.from_matrix([[0, x], [0, 0]], ["a", "b"],
        ...     orientation="creditor->debtor", equity=[k, 1]) for k, x in ((3, 2), (5, 4)))
        >>> run = ct.Panel({"2022": one, "2023": two}).propagate(
        ...     ct.models.Furfine(), ct.Shock.default("b"))
        >>> run.change(of=lambda result: result.loss[0]).tolist()
        [1.5, 0.5, 0.0]
        """
        have = list(self.results)
        asked = have[0] if before is None else before, have[-1] if after is None else after
        ends = [label(period) for period in asked]
        return attributed(ends, (self[ends[0]], self[ends[1]]), of)

    @shown
    def __repr__(self) -> str:
        first = next(iter(self.results.values()))
        lines = [f"{first.model!r} in {plural(len(self), 'period')}: {first.shock!r}"]
        for name in SHOWN:
            if name in self.totals:
                values = self.totals[name]
                say = "{:.6g}".format if name in PURE else same_scale(values, self.unit)
                said = ", ".join(f"{period} {say(float(x))}" for period, x in values.items())
                lines.append(f"  {name}: {said}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        money = f", money in {self.unit}" if self.unit else ""
        return notebook(repr(self).splitlines()[0] + money, self.totals)
