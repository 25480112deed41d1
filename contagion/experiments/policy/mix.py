"""The cheapest mix of interventions: under a budget, or to reach a target."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from ...errors import ContagionError, PolicyError, expect
from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...parallel import bar
from ...records import Table
from ...results.run_arrays import Baseline
from ...scenarios.scenario_set import Scenarios
from ...shocks import Shock
from ...statistics.scenario_estimates import Weighting
from ...text import choice, money
from ...vocabulary import LEVEL
from ..stress.losses import books
from .intervention import Intervention, combined
from .paired import STATISTICS, estimate
from .runs import Bench
from .scenariotable import ScenarioComparison
from .shocktable import AS_GIVEN, FREE, aligned, cell, measured, scaled

EXACT = 6  # candidates up to which every mix is run
NOBODY = "nothing"
COLUMNS = {
    "cost": "cost of the mix, money",
    "value": "the measure with the mix, money or nodes",
    "avoided": "fall of the measure against no intervention, money or nodes",
    "avoided_per_cost": "avoided over cost, by money",
    "frontier": "no other mix that was run has at most this cost and a lower value",
    "chosen": "the mix that answers the question",
}
Names = tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Mix:
    """A mix of interventions, and all mixes that were run.

    Attributes
    ----------
    names : its interventions, in the order of application.
    intervention : the mix as one intervention, or None for the empty mix.
    table : one row for each mix that was run, cheapest first: cost, value (the measure with it),
        avoided, avoided_per_cost (nan if the cost is 0), frontier (no mix that was run has at most
        this cost and a lower value), chosen. A mix that does not apply has nan and the reason.
    method : "every mix" (the chosen mix is optimal) or "greedy" (it need not be).
    reached : whether the target is reached; None with a budget.
    asked : the budget or the target in words.
    of : measure and statistic in words.
    unit : of money.
    """

    names: Names
    intervention: Intervention | None
    table: Table
    method: Literal["every mix", "greedy"]
    reached: bool | None
    asked: str
    of: str
    unit: str

    @property
    def cost(self) -> float:
        """Money."""
        return float(self.table.loc[self.table["chosen"], "cost"].iloc[0])

    @property
    def value(self) -> float:
        """The measure with the mix."""
        return float(self.table.loc[self.table["chosen"], "value"].iloc[0])

    @property
    def frontier(self) -> pd.DataFrame:
        """The efficient mixes: the lowest value for each cost, among the mixes that were run."""
        table = self.table.table
        return table[table["frontier"]].drop(columns="frontier")

    @shown
    def __repr__(self) -> str:
        front = self.frontier
        plain = "defaults" in self.of
        divisor, words = scaled(front[["cost"] if plain else ["cost", "value"]], self.unit)
        per = pd.Series({"cost": divisor, "value": 1.0 if plain else divisor})
        per["avoided"] = per["value"]
        words = f", {'costs ' if plain else ''}{words}" if words else ""
        short = "" if self.reached is not False else ", which no mix that was run reaches"
        head = (
            f"{' + '.join(self.names) or NOBODY}: {self.of} {cell(self.value / per['value'])} for "
            f"{cell(self.cost / divisor)}{words} ({self.asked}{short}; "
            f"{self.method})"
        )
        shown = (front[list(per.index)] / per).map(cell)
        shown["/cost"] = front["avoided_per_cost"].map(cell)
        shown[""] = np.where(front["chosen"], "<", " ")
        lines = [*textwrap.wrap(head, 79), aligned(shown)]
        bad = int(self.table["value"].isna().sum())
        if bad:
            lines.append(f"{bad} of {len(self.table)} mixes do not apply: see table.reasons")
        return "\n".join(lines)


def cheapest(
    network: ExposureNetwork,
    model: Model,
    shock: Shock | Scenarios,
    candidates: Mapping[str, Intervention],
    *,
    budget: float | None = None,
    target: float | None = None,
    of: str | None = None,
    statistic: str = "mean",
    level: float = LEVEL,
    baseline: Baseline = "cleared",
    weighting: Weighting = "plain",
    exact: int = EXACT,
    n_jobs: int = 1,
    progress: bool = False,
) -> Mix:
    """The mix with the lowest measure for a budget, or the lowest cost for a target.

        budget:  min measure(mix)   over mixes with  cost(mix) <= budget
        target:  min cost(mix)      over mixes with  measure(mix) <= target

    Ties go to the cheaper mix, then to the lower measure, then to the smaller mix. Interventions of
    a mix are applied in the order of `candidates`. With up to `exact` candidates every mix is run.
    With more, the search is greedy: among the interventions within the budget, it adds the one with
    the largest reduction for its cost (free ones with a reduction first), until none reduces the
    measure. Interventions can help or hinder each other, so the greedy search can miss the optimum.

    Parameters
    ----------
    network, model, shock, baseline, of, weighting, n_jobs : as in :func:`compare`; scenarios are
        the same for every mix.
    candidates : {name: intervention}.
    budget, target : money (a number of nodes for a target of defaults); give one of the two.
    statistic : for scenarios "mean", "value_at_risk" or "expected_shortfall".
    level : of the latter two.
    exact : candidates up to which every mix is run, 2^exact runs.
    progress : show a progress bar.

    Raises
    ------
    PolicyError : for no candidates, both or neither of budget and target, an unknown measure or
        statistic, and a candidate that applies in no mix.

    Example
    -------
    a has a shortfall of 4, borne by b, which has 30. A fund of 3 at a avoids 3, one at b nothing.

    >>> import contagion as ct
    >>> from contagion.experiments import policy
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 20])
    >>> funds = {name: policy.InsuranceFund(name, 3.0) for name in ("a", "b")}
    >>> found = cheapest(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 6.0}), funds, budget=5.0)
    >>> found.names, found.value, found.cost, found.method
    (('a',), 1.0, 3.0, 'every mix')
    """
    expect(network=network, model=model)
    expect("Shock", "Scenarios", shock=shock)
    if not candidates:
        raise PolicyError('There are no candidates: give {"name": intervention}.')
    if (budget is None) == (target is None):
        raise PolicyError("Give budget= or target=, one of them.")
    choice(statistic, STATISTICS, "statistic")
    of = of or ("socialized" if model.settles else "loss")
    bench = Bench(network, model, shock, baseline, weighting, n_jobs)
    limit = np.inf if budget is None else float(budget)
    every = len(candidates) <= exact
    with bar(progress, "mixes", 2 ** len(candidates) if every else None) as move:
        search = _Search(bench, dict(candidates), of, statistic, level, move)
        if every:
            search.every(limit)
        else:
            search.greedy(limit, target)
    search.check()
    table = search.table()
    chosen = _chosen(table, target)
    table["chosen"] = np.arange(len(table)) == chosen
    names = list(search.found)[int(table["number"].iloc[chosen])]
    table = table.drop(columns="number")
    blank = {name: table.index[table[name].isna()] for name in table}
    reasons = {
        column: {mix: search.reasons.get(mix, FREE) for mix in mixes}
        for column, mixes in blank.items()
        if len(mixes)
    }
    words = of.replace("_", " ")
    if isinstance(shock, Scenarios):
        words = f"{statistic.replace('_', ' ')} of {words}"
        words += "" if statistic == "mean" else f" at {level:g}"
    reached = None if target is None else bool(table["value"].iloc[chosen] <= target)
    asked = f"budget {money(limit, network.unit)}"
    if target is not None:
        goal = cell(target) if of == "defaults" else money(target, network.unit)
        asked = f"target {goal}"
    return Mix(
        names,
        combined(candidates[name] for name in names) if names else None,
        Table(table, COLUMNS, reasons),
        "every mix" if every else "greedy",
        reached,
        asked,
        words,
        network.unit,
    )


class _Search:
    """Mixes that were run: {names: (cost, value)}; nan with a reason if a mix does not apply."""

    def __init__(
        self,
        bench: Bench,
        candidates: dict[str, Intervention],
        of: str,
        statistic: str,
        level: float,
        move: Callable[[int], object],
    ):
        self.move = move
        self.bench, self.candidates = bench, candidates
        self.of, self.statistic, self.level = of, statistic, level
        self.found: dict[Names, tuple[float, float]] = {}
        self.reasons: dict[str, str] = {}
        shock = bench.shock
        if isinstance(shock, Scenarios):
            self.equity = books(*bench.system(None), bench.baseline).before
        else:
            self.first = bench.shocked(shock, None)
        self.run(())

    def every(self, limit: float) -> None:
        """Run all mixes within the budget."""
        for size in range(1, len(self.candidates) + 1):
            for names in combinations(self.candidates, size):
                self.run(names, limit)

    def greedy(self, limit: float, target: float | None) -> None:
        """Add one intervention at a time, by its reduction relative to its cost."""
        at: Names = ()
        while target is None or self.found[at][1] > target:
            cost, value = self.found[at]
            steps = []
            for name in self.candidates:
                if name not in at:
                    more = tuple(n for n in self.candidates if n in at or n == name)
                    self.run(more, limit)
                    if more in self.found and self.found[more][1] < value:
                        extra = max(self.found[more][0] - cost, 0.0)
                        gain = value - self.found[more][1]
                        rate = gain / extra if extra > 0 else np.inf
                        steps.append((rate, gain, more))
            if not steps:
                return
            at = max(steps, key=lambda step: step[:2])[2]

    def run(self, names: Names, limit: float = np.inf) -> None:
        """Run a mix, unless it was run before or costs too much."""
        if names in self.found:
            return
        self.move(1)
        one = combined(self.candidates[name] for name in names) if names else None
        try:
            cost = 0.0 if one is None else one.cost(self.bench.network, self.bench.model)
            if cost > limit * (1 + 1e-12):
                return
            self.found[names] = cost, self._value(one)
        except ContagionError as error:
            if not names or not self._fails_to_apply(one):
                raise
            self.found[names] = float("nan"), float("nan")
            self.reasons[" + ".join(names)] = str(error)

    def _fails_to_apply(self, one: Intervention | None) -> bool:
        try:
            assert one is not None
            one.act(self.bench.network, self.bench.model)
        except ContagionError:
            return True
        return False

    def _value(self, one: Intervention | None) -> float:
        shock = self.bench.shock
        if isinstance(shock, Scenarios):
            runs = {AS_GIVEN: self.bench.tested(shock, one, self.equity)}
            draws = ScenarioComparison(runs, {}, {}, self.of, ()).draws(AS_GIVEN, self.of)
            return estimate(draws, self.statistic, self.level)
        run = self.first if one is None else self.bench.shocked(shock, one, self.first[0])
        return measured(run, self.of)

    def check(self) -> None:
        """Raise for a candidate that applies in no mix that was run, with the reason."""
        for name in self.candidates:
            mine = {names: found for names, found in self.found.items() if name in names}
            if mine and all(np.isnan(value) for _, value in mine.values()):
                shortest = min(mine, key=len)
                reason = self.reasons[" + ".join(shortest)]
                raise PolicyError(f"{name!r} applies in no mix that was run. {reason}")

    def table(self) -> pd.DataFrame:
        """The mixes that were run, cheapest first; `number` is the position in `found`."""
        cost, value = np.array(list(self.found.values()), float).T
        before = value[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(cost > 0, (before - value) / cost, np.nan)
        frame = pd.DataFrame(
            {
                "cost": cost,
                "value": value,
                "avoided": before - value,
                "avoided_per_cost": rate,
                "size": [len(names) for names in self.found],
                "number": np.arange(len(cost)),
            },
            index=pd.Index([" + ".join(names) or NOBODY for names in self.found], name="mix"),
        )
        frame = frame.sort_values(["cost", "value", "size"], kind="stable")
        best = frame["value"].cummin().shift(fill_value=np.inf)
        frame["frontier"] = frame["value"] < best
        return frame.drop(columns="size")


def _chosen(table: pd.DataFrame, target: float | None) -> int:
    """Row of the answer in a table sorted by cost, value and size."""
    value = table["value"].to_numpy(float)
    if target is None:
        return int(np.nanargmin(value))
    enough = np.flatnonzero(value <= target)
    return int(enough[0]) if len(enough) else int(np.nanargmin(value))
