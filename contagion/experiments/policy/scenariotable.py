"""Many scenarios with and without interventions: differences with their paired errors."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ...media import notebook, shown
from ...records import Table
from ...statistics.scenario_estimates import Draws
from ...text import known_name, money, plural
from ...vocabulary import CONFIDENCE, LEVEL, RESAMPLES, SEED, Interval, Rng
from ..stress import StressTest
from ..stress.scalars import CERTIFICATE
from .intervention import Intervention
from .paired import estimate, paired
from .runs import Used
from .shocktable import AS_GIVEN, FREE, aligned, cell, over, scaled

FEW = "too few scenarios beyond the level, or one replicate"
LAST = "avoided_per_cost"
COLUMNS = {
    "before": "the statistic on the network as given, money or nodes",
    "after": "the statistic with the intervention, money or nodes",
    "difference": "after minus before, money or nodes",
    "standard_error": "of the difference, with paired scenarios, money or nodes",
    "low": "lower end of the confidence interval of the difference, money or nodes",
    "high": "upper end of the confidence interval of the difference, money or nodes",
    "independent_error": "standard error if the runs did not share their scenarios",
    "cost": "cost of the intervention, money",
    LAST: "fall of the statistic over cost, by money",
}
SHORT = {"value_at_risk": "VaR", "expected_shortfall": "ES"}


@dataclass(frozen=True, eq=False, repr=False)
class ScenarioComparison:
    """The same scenarios on a network as given and with interventions.

    Attributes
    ----------
    runs : {name: (stress test, loss of the money put up)}, the first is "as given".
    interventions : {name: intervention}, without "as given".
    costs : {name: money}.
    of : the measure by which interventions are judged.
    levels : of value at risk and expected shortfall.
    """

    runs: Mapping[str, tuple[StressTest, Used]]
    interventions: Mapping[str, Intervention]
    costs: Mapping[str, float]
    of: str
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        self.values(AS_GIVEN, self.of)

    @property
    def tests(self) -> dict[str, StressTest]:
        """{name: stress test}, the first is "as given". Their losses include money put up."""
        return {name: test for name, (test, _) in self.runs.items()}

    @property
    def unit(self) -> str:
        """Unit of money."""
        return self.tests[AS_GIVEN].unit

    @property
    def sampled(self) -> bool:
        """Whether the scenarios are a random sample, so that differences have errors."""
        return self.tests[AS_GIVEN].sampled

    def values(self, name: str, of: str) -> np.ndarray:
        """(N,) a measure by scenario: a column of `StressTest.scenarios`, or "funded".

        The loss of money put up is `funded`, and not in the other measures.

        Raises
        ------
        PolicyError : for an unknown intervention or measure.
        """
        known_name(name, self.runs, "intervention")
        test, used = self.runs[name]
        found = {key: x[0] for key, x in test.columns.items() if key not in CERTIFICATE}
        found |= {"funded": used.total, "loss": found["loss"] - used.total}
        if "socialized" in found:
            found["socialized"] = found["socialized"] - used.contagion
            found["owners_loss"] = found["owners_loss"] - used.total
        known_name(of, found, "measure")
        return np.asarray(found[of], float)

    def draws(self, name: str, of: str) -> Draws:
        """The same with weights and replicates of the scenarios."""
        return self.tests[name]._draws(self.values(name, of)[None])

    def differences(
        self,
        of: str | None = None,
        statistic: str = "mean",
        *,
        level: float = LEVEL,
        confidence: float = CONFIDENCE,
        interval: Interval | None = None,
        resamples: int = RESAMPLES,
        rng: Rng = None,
    ) -> Table:
        """One statistic, before and after, with the paired error of the difference.

        Parameters
        ----------
        of : measure, by default the one by which interventions are judged.
        statistic : "mean", "value_at_risk" or "expected_shortfall".
        level, confidence, interval, resamples, rng : see
            :func:`contagion.experiments.policy.paired`. `table` and the printed comparison use a
            fixed seed, so their results are reproducible.

        Returns
        -------
        Table : one row an intervention: before, after, difference (after − before),
        standard_error, low, high (of the difference), independent_error (standard error if the
        runs did not share their scenarios), cost, avoided_per_cost. Errors are nan, with the
        reason, if a scenario did not converge, the scenarios are a list, or too few are beyond the
        level.
        """
        of = of or self.of
        first, rows, reasons = self.draws(AS_GIVEN, of), {}, {}
        options = {"confidence": confidence, "interval": interval, "resamples": resamples}
        for name in self.interventions:
            second = self.draws(name, of)
            found, apart = paired(first, second, statistic, level, rng=rng, **options)  # type: ignore[arg-type]
            error, low, high = (float(x) for x in (found.standard_error, found.low, found.high))
            open_ = self.tests[AS_GIVEN].unconverged + self.tests[name].unconverged
            if open_ or not self.sampled:
                error = low = high = apart = float("nan")
            if open_:
                reasons[name] = f"{plural(open_, 'scenario')} did not converge"
            elif not self.sampled:
                reasons[name] = "the scenarios are a list, not a sample"
            before, change = estimate(first, statistic, level), float(found.value)
            rows[name] = {
                "before": before,
                "after": before + change,
                "difference": change,
                "standard_error": error,
                "low": low,
                "high": high,
                "independent_error": apart,
                "cost": self.costs[name],
                "avoided_per_cost": over(-change, self.costs[name]),
            }
        frame = pd.DataFrame(rows).T
        frame.index.name = "intervention"
        blank = {name: frame.index[frame[name].isna()] for name in frame}
        why = {
            column: {name: FREE if column == LAST else reasons.get(name, FEW) for name in names}
            for column, names in blank.items()
            if len(names)
        }
        return Table(frame, COLUMNS, why)

    @cached_property
    def table(self) -> Table:
        """Mean, value at risk and expected shortfall, before and after, of the main measures.

        One row an intervention, measure and statistic (index), columns as in
        :meth:`differences`. Measures: the one by which interventions are judged, socialized
        (for models that settle claims) and loss.
        """
        settled = "external_loss" in self.tests[AS_GIVEN].columns
        wanted = [self.of, *(("socialized", "loss") if settled else ("loss",))]
        parts: list[pd.DataFrame] = []
        reasons: dict[str, dict[Any, str]] = {}
        for of in dict.fromkeys(wanted):
            for label, statistic, level in _statistics(self.levels):
                part = self.differences(of, statistic, level=level, rng=SEED)
                keys = {"measure": of, "statistic": label}
                parts.append(part.assign(**keys))
                for column, why in part.reasons.items():
                    mine = {(name, of, label): reason for name, reason in why.items()}
                    reasons.setdefault(column, {}).update(mine)
        frame = pd.concat(parts).loc[list(self.interventions)]
        return Table(frame.set_index(["measure", "statistic"], append=True), COLUMNS, reasons)

    @shown
    def __repr__(self) -> str:
        first = self.tests[AS_GIVEN]
        parts = {
            title: self.differences(self.of, statistic, level=level, rng=SEED)
            for title, statistic, level in _statistics(sorted(self.levels)[-1:])
        }
        counts = self.of == "defaults"
        size = pd.concat([part["before"] for part in parts.values()]).to_frame()
        costs = pd.Series(self.costs)
        divisor, words = scaled(costs.to_frame() if counts else size, self.unit)
        scale = 1.0 if counts else divisor
        head = (
            f"{plural(len(first), 'scenario')} through {first.spec['model']['name']}, "
            f"{self.of.replace('_', ' ')}{', costs' if counts and words else ''} {words}".rstrip()
        )
        columns = {"cost": (costs / divisor).map(cell).tolist()}
        for title, part in parts.items():
            columns[title] = [cell(float(part["before"].iloc[0]) / scale)] + [
                f"{d / scale:+.3g}"
                + (f" ±{cell((high - low) / 2 / scale, 2)}" if self.sampled else "")
                for d, low, high in part[["difference", "low", "high"]].itertuples(index=False)
            ]
        lines = [*textwrap.wrap(head, 79), aligned(pd.DataFrame(columns, index=list(self.costs)))]
        lines.append(
            "differences against 'as given' ± half of their paired 95 % interval"
            if self.sampled
            else "differences against 'as given'; a list of scenarios, not a sample: no intervals"
        )
        return "\n".join([*lines, *self._less()])

    def _less(self) -> list[str]:
        """The mean reduction of the scenario losses because the assets are no longer there."""
        if "initial_loss" not in self.tests[AS_GIVEN].columns:
            return []
        first, found = self.draws(AS_GIVEN, "initial_loss"), []
        most = estimate(first, "mean", 0.5)
        for name, test in self.tests.items():
            if "within" not in test.spec["scenarios"]:
                continue
            gone = most - estimate(self.draws(name, "initial_loss"), "mean", 0.5)
            if not gone > 1e-9 * abs(most):  # rounding
                continue
            text = (
                f"{name}: the scenarios destroy {money(gone, self.unit)} less on average, because "
                "nodes that they hit have paid out assets before"
            )
            found += textwrap.wrap(text, 79, subsequent_indent="    ")
        return found

    def _repr_html_(self) -> str:
        return notebook("", self.table.table)


def _statistics(levels: Sequence[float]) -> list[tuple[str, str, float]]:
    """Label in a table, name and level of each statistic: the mean, and those of the tail."""
    tail = [(name, p) for p in levels for name in ("value_at_risk", "expected_shortfall")]
    return [("mean", "mean", 0.5), *((f"{SHORT[name]} {p:g}", name, p) for name, p in tail)]
