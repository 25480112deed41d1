"""Results of a stress test by scenario, and the estimates for the system from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import StressError
from ...statistics import Estimate
from ...statistics.scenario_estimates import Draws, estimated, proportion
from ...text import known_name, plural
from ...vocabulary import CONFIDENCE, LEVEL, RESAMPLES, Interval, Rng
from .nodes import components
from .spec import Spec

Statistic = Literal["mean", "value_at_risk", "expected_shortfall"]
CERTIFICATE = ("rounds", "residual", "converged", "weight", "replicate")


@dataclass(frozen=True, eq=False, repr=False)
class Scalars:
    """Values by scenario: `spec` of the run, and `columns` {name: (lanes, N)}.

    A lane is a network with a run of every scenario.
    """

    spec: Spec
    columns: dict[str, np.ndarray]

    # -- per scenario -----------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of scenarios."""
        return int(self.columns["loss"].shape[1])

    @property
    def unit(self) -> str:
        return str(self.spec["networks"]["unit"])

    @property
    def crossed(self) -> bool:
        """Whether every scenario was solved on every network."""
        return bool(self.spec["options"]["design"] == "crossed")

    @property
    def sampled(self) -> bool:
        """Whether the scenarios are a random sample, which errors and intervals require.

        `single_defaults`, `from_shocks`, `grid` and `from_array(..., sampled=False)` list their
        scenarios: statistics are over the list, and errors and intervals are nan.
        """
        return bool(self.spec["scenarios"]["sampled"])

    @property
    def scenarios(self) -> pd.DataFrame:
        """One row a scenario and network.

        Columns: loss (of owners and of external creditors), direct_loss (immediate loss of owners
        by the shock), defaults (nodes in default, with or without the shock), for models that
        settle claims owners_loss and external_loss (the parts of loss), initial_loss, deadweight,
        socialized and relief, all money as in
        :class:`~contagion.results.socialization.Socialization`; rounds, residual, converged, and
        weight with importance sampling. Models that do not settle have only the loss of owners.
        """
        lanes, count = self.columns["loss"].shape
        keys = [np.repeat(np.arange(lanes), count), np.tile(self._numbers, lanes)]
        if not self.crossed:
            keys[0] = keys[1] % self._networks
        frame = pd.DataFrame({name: x.ravel() for name, x in self.columns.items()})
        frame.index = pd.MultiIndex.from_arrays(keys, names=["network", "scenario"])
        return frame.droplevel("network") if self._networks == 1 else frame

    @property
    def _numbers(self) -> np.ndarray:
        return np.arange(len(self))

    @property
    def _networks(self) -> int:
        return int(self.spec["networks"]["count"])

    @property
    def unconverged(self) -> int:
        """Scenarios (on all networks) that did not meet the tolerance of the model."""
        return int((~self.columns["converged"]).sum())

    # -- estimates of the system ------------------------------------------------------------

    def _column(self, of: str) -> np.ndarray:
        known = [name for name in self.columns if name not in CERTIFICATE]
        known_name(of, known, "column")
        return self.columns[of].astype(float)

    def _draws(self, x: np.ndarray) -> Draws:
        """Draws of values (lanes, N); the networks of a scenario are one replicate."""
        lanes, count = x.shape
        weight, replicate = self.columns.get("weight"), self.columns.get("replicate")
        number = None
        if replicate is not None:
            number = np.tile(np.unique(replicate[0], return_inverse=True)[1], lanes)
        elif lanes > 1:
            number = np.tile(np.arange(count), lanes)
        w = None if weight is None else np.tile(weight[0], lanes)
        return Draws(x.ravel(), w, number, self.spec["options"]["weighting"])

    def _most(self, of: str) -> float:
        """The largest possible loss of a scenario that did not converge."""
        if of == "defaults":
            return float(self.spec["networks"]["nodes"])
        most = self.spec["networks"]["capital"]
        if of not in ("loss", "owners_loss", "direct_loss") or most is None:
            return float("inf")
        return float(most) + (self.spec["networks"]["owed_outside"] if of == "loss" else 0.0)

    def _estimated(
        self,
        statistic: Statistic,
        level: float,
        of: str,
        confidence: float,
        interval: Interval,
        resamples: int,
        rng: Rng,
    ) -> Estimate:
        options = (confidence, interval, resamples, rng)
        return self._of(self._column(of), self._most(of), statistic, level, *options)

    def _of(
        self,
        x: np.ndarray,
        most: float,
        statistic: Statistic,
        level: float,
        confidence: float = CONFIDENCE,
        interval: Interval = "asymptotic",
        resamples: int = RESAMPLES,
        rng: Rng = None,
    ) -> Estimate:
        """A statistic of values (lanes, N), bounded by `most` for unconverged scenarios."""

        def estimate(x: np.ndarray) -> Estimate:
            draws = self._draws(x)
            return estimated(draws, statistic, level, confidence, interval, resamples, rng)

        found, open_ = estimate(x), ~self.columns["converged"]
        if not self.sampled:
            nan, said = float("nan"), "a list of scenarios, not a sample: no interval"
            found = replace(found, standard_error=nan, low=nan, high=nan, method=said)
        if not open_.any() or not self.sampled:
            return found
        low = estimate(np.where(open_, 0.0, x)).low
        beyond = float(x.max()) * 2 + 1 if np.isinf(most) else most
        high = estimate(np.where(open_, beyond, x)).high
        if np.isinf(most) and (statistic != "value_at_risk" or high > float(x.max())):
            high = np.inf
        method = f"{found.method}; bounds for {plural(self.unconverged, 'unconverged scenario')}"
        return replace(found, low=min(found.low, low), high=max(found.high, high), method=method)

    def mean(
        self,
        of: str = "loss",
        *,
        confidence: float = CONFIDENCE,
        interval: Interval = "asymptotic",
        resamples: int = RESAMPLES,
        rng: Rng = None,
    ) -> Estimate:
        """Expected value of a column of `scenarios`, with its Monte Carlo error.

        mean = Σ w x / D, see :mod:`contagion.statistics.scenario_estimates`. The interval is
        Student's t over the independent replicates, or the percentile bootstrap over them.

        Parameters
        ----------
        of : column of `scenarios`.
        confidence : coverage of the interval.
        interval : "asymptotic" or "bootstrap".
        resamples, rng : of the bootstrap.

        Returns
        -------
        Estimate
            Scenarios that did not converge enter with their last iterate; low and high are then
            from samples in which their loss is 0, and the largest possible (infinite without a
            limit).

        Raises
        ------
        StressError : for an unknown column.
        """
        return self._estimated("mean", np.nan, of, confidence, interval, resamples, rng)

    def value_at_risk(
        self,
        level: float = LEVEL,
        of: str = "loss",
        *,
        confidence: float = CONFIDENCE,
        interval: Interval = "asymptotic",
        resamples: int = RESAMPLES,
        rng: Rng = None,
    ) -> Estimate:
        """The value that is not exceeded with probability `level`.

        Interval: two order statistics (exact) for independent scenarios of equal weight,
        otherwise the values at level ± the error of the probability (after Woodruff 1952).
        Parameters and the rest as in :meth:`mean`.
        """
        return self._estimated("value_at_risk", level, of, confidence, interval, resamples, rng)

    def expected_shortfall(
        self,
        level: float = LEVEL,
        of: str = "loss",
        *,
        confidence: float = CONFIDENCE,
        interval: Interval = "asymptotic",
        resamples: int = RESAMPLES,
        rng: Rng = None,
    ) -> Estimate:
        """The mean of the worst 1 − `level`; interval by the delta method, or the bootstrap.

        The interval is too narrow with few scenarios beyond the level, see
        :func:`contagion.statistics.expected_shortfall`. Parameters and the rest as in :meth:`mean`.
        """
        return self._estimated(
            "expected_shortfall", level, of, confidence, interval, resamples, rng
        )

    def exceedance(
        self,
        thresholds: ArrayLike | None = None,
        of: str = "loss",
        *,
        confidence: float = CONFIDENCE,
    ) -> pd.DataFrame:
        """P(x > threshold) for thresholds in money: value, standard_error, low, high.

        By default at 101 values of the sample. Intervals as in :meth:`default_probability`.
        """
        x = self._column(of)
        if thresholds is None:
            ordered = np.sort(x, axis=None)
            thresholds = ordered[np.linspace(0, len(ordered) - 1, 101).round().astype(int)]
        at = np.unique(np.asarray(thresholds, float))
        draws, found = self._draws(x), np.zeros((2, len(at)))
        for place, threshold in enumerate(at):
            hit = (draws.x > threshold).astype(float)
            p = float(draws.weight @ hit) / draws.total
            found[:, place] = p, draws.error(p, hit)
        return self._probabilities(found[0], found[1], pd.Index(at, name=of), confidence, draws)

    def _probabilities(
        self, p: np.ndarray, error: np.ndarray, index: pd.Index, confidence: float, draws: Draws
    ) -> pd.DataFrame:
        open_ = self._draws((~self.columns["converged"]).astype(float))
        unsure = float(open_.weight @ open_.x) / open_.total
        weighted = draws.w is not None
        if not self.sampled:
            error = np.full_like(error, np.nan)
        low, high = proportion(p, error, draws.replicates, confidence, weighted, unsure)
        error = np.where(np.isnan(low), np.nan, error)
        table = {"value": p, "standard_error": error, "low": low, "high": high}
        return pd.DataFrame(table, index=index)

    # -- networks ---------------------------------------------------------------------------

    @property
    def networks(self) -> pd.DataFrame:
        """One row a network: mean, value at risk and expected shortfall of the loss, defaults."""
        count, rows = self._networks, []
        for number in range(count):
            test = self._only(number)
            row = {"mean_loss": test.mean().value, "loss_error": test.mean().standard_error}
            for level in self.spec["options"]["levels"]:
                row[f"var_{level:g}"] = test.value_at_risk(level).value
                row[f"es_{level:g}"] = test.expected_shortfall(level).value
            rows.append(row | {"defaults": test.mean("defaults").value})
        return pd.DataFrame(rows, index=pd.RangeIndex(count, name="network"))

    def _only(self, number: int) -> Self:
        """The scenarios of one network."""
        if self.crossed or self._networks == 1:
            return replace(self, columns={k: x[[number]] for k, x in self.columns.items()})
        at = self._numbers % self._networks == number
        return replace(self, columns={k: x[:, at] for k, x in self.columns.items()})

    def variance(self, of: str = "loss") -> pd.Series:
        """Variance of a column by network, by scenario, and their interaction (money²).

        See :func:`contagion.experiments.stress.nodes.components`.

        Raises
        ------
        StressError : for a single network, or fewer than two scenarios a network.
        """
        if self._networks < 2 or len(self) < 2 * (1 if self.crossed else self._networks):
            raise StressError("The variance by network needs two networks and two scenarios each.")
        weight = self.columns.get("weight")
        w = None if weight is None else weight[0]
        return components(self._column(of), w, self._networks, self.crossed)
