"""One shock with and without interventions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ...media import notebook, shown
from ...records import Table, because
from ...results.propagation_result import PropagationResult
from ...text import known_name, money
from ...units import scale
from .intervention import Intervention
from .runs import Used

AS_GIVEN = "as given"
FREE = "costs nothing"
COLUMNS = {
    "initial_loss": "assets that the shock destroys at the nodes hit, money",
    "socialized": "losses by contagion: all but the immediate loss of owners of nodes hit, money",
    "loss": "loss of owners and of external creditors, in a cascade of holders and venues, money",
    "owners_loss": "loss of owners, money",
    "external_loss": "loss of external creditors, money",
    "shortfall": "unpaid debts, in the network and outside, money",
    "deadweight": "losses that arise in the propagation, such as default costs, money",
    "funded": "losses that the money put up bears, money",
    "defaults": "nodes in default, a number",
    "deficits": "deficits of closed accounts, money",
    "latent": "negative equity of open accounts, money",
    "liquidated": "positions that were closed, money",
    "lowest": "lowest price over the price before, a share",
    "rounds": "rounds of the cascade, a number",
    "cost": "cost of the intervention, money",
    "avoided": "fall of the measure against the network as given, money or nodes",
    "avoided_per_cost": "avoided over cost, by money",
}
SHORT = {"owners_loss": "owners", "external_loss": "external", "ratio": "/cost"}


def measures(result: PropagationResult, used: Used) -> dict[str, float]:
    """The measures of one run, money and a number of nodes; those that its model computes."""
    funded, failed = float(used.total[0]), int(result.outcome.defaulted.sum())
    owners, outside = (float(side.sum()) for side in result.borne)
    owners -= funded
    if not result.model.settles:
        return {"loss": owners, "funded": funded, "defaults": failed}
    found = result.entries
    return {
        "initial_loss": float(found.initial[found.triggers].sum()),
        "socialized": float(found.socialized) - float(used.contagion[0]),
        "loss": owners + outside,
        "owners_loss": owners,
        "external_loss": outside,
        "shortfall": float(result.added_losses.sum()) + outside,
        "deadweight": float(found.destroyed.sum()),
        "funded": funded,
        "defaults": failed,
    }


def measured(run: tuple[PropagationResult, Used], of: str) -> float:
    """One measure of a run; `PolicyError` for an unknown one."""
    found = measures(*run)
    known_name(of, found, "measure")
    return found[of]


def with_avoided(frame: pd.DataFrame, of: str) -> Table:
    """A table with the reduction of each row relative to the first, also per unit of its cost."""
    value, cost = frame[of].to_numpy(float), frame["cost"].to_numpy(float)
    avoided = value[0] - value
    ratio = [over(*pair) for pair in zip(avoided, cost, strict=True)]
    frame = frame.assign(avoided=avoided, avoided_per_cost=ratio)
    reasons = {FREE: cost == 0, "its cost is below 0": cost < 0}
    return Table(frame, COLUMNS, because(frame, reasons, ["avoided_per_cost"]))


def over(part: float, whole: float) -> float:
    """Loss avoided per unit of cost; nan if the cost is 0."""
    return part / whole if whole > 0 else float("nan")


@dataclass(frozen=True, eq=False, repr=False)
class ShockComparison:
    """One shock on a network as given and with interventions.

    Attributes
    ----------
    runs : {name: (result, loss of the money put up)}, the first is "as given".
    interventions : {name: intervention}, without "as given".
    costs : {name: money}.
    of : the measure by which interventions are judged.
    """

    runs: Mapping[str, tuple[PropagationResult, Used]]
    interventions: Mapping[str, Intervention]
    costs: Mapping[str, float]
    of: str

    def __post_init__(self) -> None:
        measured(self.runs[AS_GIVEN], self.of)

    @property
    def results(self) -> dict[str, PropagationResult]:
        """{name: result}, the first is "as given"."""
        return {name: result for name, (result, _) in self.runs.items()}

    @property
    def _first(self) -> PropagationResult:
        return self.runs[AS_GIVEN][0]

    @property
    def unit(self) -> str:
        """Unit of money."""
        return self._first.network.unit

    @cached_property
    def table(self) -> Table:
        """One row an intervention, "as given" first; money.

        Columns: initial_loss, socialized, loss (of owners and of external creditors), owners_loss,
        external_loss (the parts of loss), shortfall (of all debts, in the graph and outside),
        deadweight, funded (borne by the money put up, and in none of the others), defaults (a
        number); cost; avoided (of the measure `of`, against "as given") and avoided_per_cost (nan
        if the cost is 0). Models that do not settle claims have only loss, funded and defaults.
        """
        frame = pd.DataFrame({name: measures(*run) for name, run in self.runs.items()}).T
        frame.index.name = "intervention"
        frame["cost"] = pd.Series(self.costs)
        return with_avoided(frame, self.of)

    @property
    def nodes(self) -> pd.DataFrame:
        """The loss at each node: one row a node, one column an intervention; money.

        It is the loss of its owners, including money put up, and for models that settle claims also
        that of its external creditors.
        """
        columns = {}
        for name, result in self.results.items():
            owners, outside = result.borne
            columns[name] = owners + outside
        return pd.DataFrame(columns, index=self._first.network.names)

    @shown
    def __repr__(self) -> str:
        table = self.table
        head = f"{self._first.shock!r}, {self._first.model!r}"
        divisor, words = scaled(table.drop(columns=["defaults", "avoided_per_cost"]), self.unit)
        lines = textwrap.wrap(head + (f"; {words}" if words else ""), 79)
        keys = ["socialized", "loss", "owners_loss", "external_loss", "cost", "avoided"]
        shown = table[[key for key in keys if key in table]] / divisor
        shown = shown.mask(shown.abs() < 1e-9 * shown.abs().to_numpy().max(initial=0.0), 0.0)
        shown = shown.assign(failed=table["defaults"], ratio=table["avoided_per_cost"])
        lines.append(aligned(shown.map(cell).rename(columns=SHORT)))
        lines.append(f"avoided: {self.of.replace('_', ' ')}, against {AS_GIVEN!r}")
        return "\n".join([*lines, *self._less()])

    def _less(self) -> list[str]:
        """Interventions for which the shock destroys less, because assets left the nodes hit."""
        first, found = self._first, []
        has = first.network.book.external_assets[first.triggers]
        for name, result in self.results.items():
            left = result.network.book.external_assets[first.triggers] < has * (1 - 1e-12)
            if "initial_loss" not in self.table or not left.any():
                continue
            most, now = self.table.loc[[AS_GIVEN, name], "initial_loss"]
            if most - now > 1e-9 * most:
                text = (
                    f"{name}: the shock destroys {money(most - now, self.unit)} less, because "
                    "nodes that it hits have paid out assets before"
                )
                found += textwrap.wrap(text, 79, subsequent_indent="    ")
        return found

    def _repr_html_(self) -> str:
        return notebook("", self.table.table)


def cell(value: float, digits: int = 4) -> str:
    """A number for a table, "-" for nan.

    >>> cell(0.66834), cell(12345.6), cell(float("nan"))
    ('0.6683', '12,346', '-')
    """
    if np.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.{digits}g}"


def scaled(frame: pd.DataFrame, unit: str) -> tuple[float, str]:
    """The divisor that shortens amounts, and its label.

    >>> scaled(pd.DataFrame({"loss": [2.3e9, 5e6]}), "USD")
    (1000000.0, 'in USD m')
    """
    to = scale(frame.to_numpy(float).ravel(), unit)
    return to.divisor, f"in {to.label}" if to.label else ""


def aligned(frame: pd.DataFrame) -> str:
    """A text table with names on the left, shortened so that it is 79 columns wide."""
    head, rows = list(map(str, frame.columns)), frame.to_numpy(object).tolist()
    wide = [max(len(h), *(len(row[k]) for row in rows)) for k, h in enumerate(head)]
    names = [str(name) for name in frame.index]
    room = max(79 - sum(wide) - 2 * len(wide), 10)
    names = [
        name if len(name) <= room else name[: room - 1] + "…" for name in map(str, frame.index)
    ]
    left = max(map(len, names))
    return "\n".join(
        (
            name.ljust(left) + "".join(f"  {t.rjust(w)}" for t, w in zip(row, wide, strict=True))
        ).rstrip()
        for name, row in zip(["", *names], [head, *rows], strict=True)
    )
