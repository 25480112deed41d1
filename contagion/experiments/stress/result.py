"""StressTest: results of many scenarios, with labels and standard errors."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ...errors import StressError
from ...media import notebook, shown
from ...records import Table, because
from ...statistics import Estimate
from ...statistics.scenario_estimates import Draws
from ...text import listing, plural, same_scale
from ...vocabulary import CONFIDENCE, LEVEL
from .nodes import given, means, pooled
from .scalars import Scalars, Statistic
from .spec import Spec
from .sums import Sums

STATISTICS: tuple[Statistic, ...] = ("mean", "value_at_risk", "expected_shortfall")
NOISE = 1e-9  # of the largest loss of a node: tolerance for rounding errors
COLUMNS = {
    "value": "the statistic of the losses of the node by contagion, money",
    "standard_error": "of the value, money",
    "low": "lower end of the confidence interval, money",
    "high": "upper end of the confidence interval, money",
}


@dataclass(frozen=True, eq=False, repr=False)
class StressTest(Scalars):
    """Results of scenarios run with a model, on one network or on an ensemble of networks.

    Amounts are in the unit of the network. The loss of a node is that of its owners (if they are
    not nodes themselves) and of its external creditors, see :mod:`contagion.results.ledger`; `loss`
    of the system is the sum over nodes. (`owners_loss`, of owners alone, is at most equity.)
    For an ensemble every estimate is over networks and scenarios together; its error is that of
    the scenarios, conditional on the networks.

    Attributes
    ----------
    spec : the specification: model, networks, scenarios, options, versions; plain values.
    columns : {name: (lanes, N)} per scenario; a lane is a network with a run of every scenario.
    names, kinds : (n,) nodes.
    sums : for each lane, sums over scenarios by node.
    tails : {level: sums over the tail of the system}.
    complete : whether all scenarios were run.
    run : seconds, state, and whether the target was reached.
    keeps : function from a name to a kept array (lanes, N, n).

    Source: after Glasserman (2003), Monte Carlo Methods in Financial Engineering (likelihood
    ratios), Hult & Svensson (2009), arXiv:0909.3335 (risk measures from the weighted tail), and
    Dong & Nakayama, tutorial on quantile estimation (intervals of quantiles); not read in full.
    """

    names: pd.Index
    kinds: np.ndarray
    sums: tuple[Sums, ...]
    tails: dict[float, Sums]
    complete: bool = True
    run: Spec = field(default_factory=dict)
    keeps: Callable[[str], np.ndarray] | None = None

    # -- by node ----------------------------------------------------------------------------

    @cached_property
    def _one(self) -> Draws:
        """Weights and replicates of the scenarios as one lane."""
        return self._draws(self.columns["loss"][:1])

    def _means(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        value, error = pooled([means(sums, name, self._one) for sums in self.sums])
        return value, error if self.sampled else np.full_like(error, np.nan)

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """One row a node: kind, mean_loss and default_probability with their errors.

        For crossed networks the errors are upper bounds, and `network_spread` is the standard
        deviation of the mean loss between networks. Errors are nan if there are too many replicates
        for separate sums, or if the scenarios are a list and not a sample.
        """
        table = self._table("", self.names)
        table.insert(0, "kind", self.kinds)
        return table

    @property
    def by_kind(self) -> pd.DataFrame:
        """One row a kind of node: mean_loss, and mean number of nodes in default."""
        index = pd.Index(sorted(set(map(str, self.kinds))), name="kind")
        return self._table("kind_", index).rename(
            columns={"default_probability": "mean_defaults", "default_error": "defaults_error"}
        )

    def _table(self, prefix: str, index: pd.Index) -> pd.DataFrame:
        loss, default = self._means(f"{prefix}loss"), self._means(f"{prefix}default")
        table = {"mean_loss": loss[0], "loss_error": loss[1]}
        if len(self.sums) > 1:
            each = np.stack([sums[f"{prefix}loss"] / self._one.total for sums in self.sums])
            table["network_spread"] = each.std(axis=0, ddof=1)
        table |= {"default_probability": default[0], "default_error": default[1]}
        return pd.DataFrame(table, index=index)

    def default_probability(self, *, confidence: float = CONFIDENCE) -> pd.DataFrame:
        """P(node in default), one row a node: value, standard_error, low, high.

        Clopper–Pearson interval with the effective number of independent scenarios (after Korn &
        Graubard 1998); with likelihood ratios the normal interval. Scenarios that did not converge
        widen it by their share.
        """
        p, error = self._means("default")
        return self._probabilities(p, error, self.names, confidence, self._one)

    def in_tail(self, level: float) -> pd.DataFrame:
        """Every node, conditional on a system loss in its worst 1 − `level`.

        Columns: kind, loss (money; sums to the expected shortfall), share (of it),
        default_probability. Scenarios equal to the value at risk count in part.

        Raises
        ------
        StressError : for a level that is not in `levels=` of the run.

        Source: Euler contributions to expected shortfall, after Tasche (2000).
        """
        if level not in self.tails:
            known = listing(self.tails) if self.tails else "none"
            raise StressError(
                f"The tail at level {level} was not computed (there is: {known}). "
                f"Run the stress test with levels=({level},)."
            )
        tail = self.tails[level]
        total = float(tail["loss"].sum())
        share = tail["loss"] / total if total > 0 else np.full(len(self.names), np.nan)
        return pd.DataFrame(
            {
                "kind": self.kinds,
                "loss": tail["loss"],
                "share": share,
                "default_probability": tail["default"],
            },
            index=self.names,
        )

    def bearers(self, level: float = LEVEL, *, confidence: float = CONFIDENCE) -> Table:
        """The bearers of the socialized loss: its distribution at each node with a part of it.

        One row a node and statistic ("mean", "value_at_risk", "expected_shortfall", each of the
        node alone): value, standard_error, low, high, as in :meth:`mean`; the largest expected
        shortfall first. Needs `keep=("socialized",)`.

        Example
        -------
        In half of the scenarios b loses 4 of its claim on a.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", external_assets=[12, 20])
        >>> halves = ct.scenarios.from_shocks(net, [ct.Shock.loss({"a": 6.0}), ct.Shock()])
        >>> test = ct.stress_test(net, ct.EisenbergNoe(), halves, keep=("socialized",))
        >>> test.bearers(0.5)["value"].to_dict()[("b", "expected_shortfall")]
        4.0
        """
        self.kept("socialized")
        assert self.keeps is not None
        kept = self.keeps("socialized")
        some = kept > NOISE * kept.max(initial=0.0)
        at = np.flatnonzero(some.any(axis=(0, 1))).tolist()
        found = {
            (self.names[i], name): self._of(kept[..., i], np.inf, name, level, confidence)
            for i in at
            for name in STATISTICS
        }
        order = sorted(at, key=lambda i: -found[self.names[i], STATISTICS[-1]].value)
        keys = [(self.names[i], name) for i in order for name in STATISTICS]
        rows = [[getattr(found[key], name) for name in COLUMNS] for key in keys]
        index = pd.MultiIndex.from_tuples(keys, names=["node", "statistic"])
        frame = pd.DataFrame(rows, index if keys else None, list(COLUMNS), dtype=float)
        why = "the scenarios are a list, too few, or not all of them converged"
        return Table(frame, COLUMNS, because(frame, {why: True}))

    # -- pairs ------------------------------------------------------------------------------

    @cached_property
    def _joint(self) -> pd.Index:
        at = self.spec["options"]["joint"]
        if not at:
            raise StressError(
                "Joint defaults were not counted. Run the stress test with joint=True, or with "
                "joint=[...] for some of the nodes."
            )
        return self.names.take(at)

    def _square(self, values: np.ndarray, words: str) -> Table:
        index = self._joint
        frame = pd.DataFrame(values, index=index, columns=index)
        reasons = because(frame, {"never in default in these scenarios": True})
        return Table(frame, dict.fromkeys(frame, words), reasons)

    @property
    def joint_defaults(self) -> Table:
        """P(i and j in default), one row and one column a node; the diagonal is P(i in default)."""
        count = len(self._joint)
        both = np.sum([sums["both"] for sums in self.sums], axis=0) / len(self.sums)
        values = (both / self._one.total).reshape(count, count)
        return self._square(values, "probability that row and column are in default, a share")

    @property
    def default_given_default(self) -> Table:
        """P(column in default | row in default); rows of nodes that never default are nan."""
        values = given(list(self.sums), "both", len(self._joint))
        return self._square(values, "probability of default when the row is in default, a share")

    @property
    def loss_given_default(self) -> Table:
        """E(loss of the column | row in default), money; rows that never default are nan."""
        values = given(list(self.sums), "loss_given", len(self._joint))
        return self._square(values, "mean loss when the row is in default, money")

    # -- kept arrays ------------------------------------------------------------------------

    def kept(self, what: str = "loss") -> np.ndarray:
        """(N, n) "loss", "owners_loss", "contagion", "socialized" (money), "defaulted", by node.

        For crossed networks (networks, N, n). Reads the whole array from the folder, if any.

        Raises
        ------
        StressError : if it was not in `keep=`.
        """
        if self.keeps is None or what not in self.spec["options"]["keep"]:
            raise StressError(f"{what!r} was not kept. Run the stress test with keep=({what!r},).")
        found = self.keeps(what)
        return found[0] if len(found) == 1 else found

    def digest(self) -> str:
        """SHA-256 (hex) of all results; independent of chunks, processes and interruptions."""
        found = hashlib.sha256()
        parts: list[tuple[str, np.ndarray]] = sorted(self.columns.items())
        for number, sums in [*enumerate(self.sums), *sorted(self.tails.items())]:
            parts += [(f"{number}.{name}", values) for name, values in sorted(sums.items())]
        for name, values in parts:
            found.update(f"{name}{values.shape}".encode())
            found.update(np.ascontiguousarray(values, float).tobytes())
        return found.hexdigest()

    # -- representations --------------------------------------------------------------------

    @shown
    def __repr__(self) -> str:
        model, networks = self.spec["model"]["name"], self._networks
        design = (
            "" if networks == 1 else f" on {networks:,} networks, {self.spec['options']['design']}"
        )
        lines = [
            f"StressTest: {plural(len(self), 'scenario')} through {model}{design} "
            f"({plural(len(self.names), 'node')})" + ("" if self.complete else ", not complete")
        ]
        lines.append(f"  loss {_said(self.mean(), self.unit)} on average")
        for level in self.spec["options"]["levels"]:
            var, es = self.value_at_risk(level), self.expected_shortfall(level)
            lines.append(
                f"  at {level:.4g}: VaR {_said(var, self.unit)}; ES {_said(es, self.unit)}"
            )
        lines.append(
            f"  {self.mean('defaults').value:.4g} nodes in default on average, at most "
            f"{int(self.columns['defaults'].max(initial=0)):,}"
            + ("; intervals at 95 %" if self.sampled else "")
        )
        if not self.sampled:
            lines.append("  the scenarios are a list, not a sample: equal weights, no intervals")
        open_ = self.unconverged
        lines.append(f"  {open_:,} not converged" if open_ else "  all converged")
        if "target" in self.run:
            lines.append(f"  {self.run['target']}")
        lines += [f"  assumed: {sentence}" for sentence in self.spec["assumptions"]]
        return "\n".join(textwrap.fill(x, 79, subsequent_indent="    ") for x in lines)

    def to_dict(self) -> dict[str, Any]:
        """The main numbers, as plain values."""
        levels = self.spec["options"]["levels"]
        return {
            "scenarios": len(self),
            "unconverged": self.unconverged,
            "mean": self.mean().value,
            **{f"value_at_risk_{p:g}": self.value_at_risk(p).value for p in levels},
            **{f"expected_shortfall_{p:g}": self.expected_shortfall(p).value for p in levels},
            "defaults": self.mean("defaults").value,
        }

    def _repr_html_(self) -> str:
        top = self.nodes.nlargest(8, "mean_loss")
        return notebook(repr(self), top, self.unit, ("mean_loss", "loss_error", "network_spread"))


def _said(found: Estimate, unit: str) -> str:
    if np.isnan(found.low) and np.isnan(found.high):
        return same_scale([found.value], unit)(found.value)
    say = same_scale([found.value, found.low, found.high], unit)
    low, high = (say(x) if np.isfinite(x) else "?" for x in (found.low, found.high))
    return f"{say(found.value)} ({low} to {high})"
