"""PropagationResult: one shock through one network under one model, with every number labelled."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from ..errors import ModelError
from ..network.exposure_network import ExposureNetwork
from ..shocks import Shock
from ..text import money
from . import socialization
from . import waterfalls as sharing
from .outcome import Outcome

if TYPE_CHECKING:
    from ..models.base import Model
    from .explain import Explanation

Baseline = Literal["book", "cleared"]


@dataclass(frozen=True, eq=False, repr=False)
class PropagationResult:
    """One shock through one network under one model, with every number labelled.

    `baseline` says what losses are counted from: "book" (face values) or "cleared" (the
    clearing of the network without the shock, so that only what the shock causes remains).
    """

    network: ExposureNetwork
    model: Model
    shock: Shock
    outcome: Outcome
    losses: np.ndarray = field(repr=False)
    recoveries: np.ndarray = field(repr=False)
    baseline: Baseline = "book"
    reference: Outcome | None = None

    # -- per node ---------------------------------------------------------------------------

    @cached_property
    def triggers(self) -> np.ndarray:
        """(n,) bool: the nodes that the shock hits."""
        return np.asarray((self.losses > 0) | ~np.isnan(self.recoveries))

    @cached_property
    def equity_before(self) -> np.ndarray:
        """(n,) equity that losses are counted from."""
        return self.network.book.equity if self.reference is None else self.reference.equity

    @cached_property
    def loss(self) -> np.ndarray:
        """(n,) what the owners of each node lose: the fall of `max(equity, 0)`, in money.

        A node that cannot fail, and one with unknown balance sheet, loses what it loses on
        assets and claims, without limit.
        """
        fall = _positive(self.equity_before) - _positive(self.outcome.equity)
        return np.where(self.limited, fall, self._unlimited())

    @cached_property
    def limited(self) -> np.ndarray:
        """(n,) bool: nodes whose owners lose at most their equity, because they may fail."""
        may = self.network.book.can_fail | ~np.isnan(self.recoveries)
        return np.asarray(may & self.network.book.known)

    def _unlimited(self) -> np.ndarray:
        lost = self.outcome.lost
        if self.reference is not None:
            lost = lost - self.reference.lost
        q, called = self.network.segments.calls, self.outcome.called
        calls = 0.0 if q is None else np.bincount(q.guarantor, called, len(self.network))
        passed = (1.0 - self.recoveries) * (self.network.segments.due + calls)
        rest = np.asarray(np.maximum(lost - passed, 0.0))
        return np.where(np.isnan(self.recoveries), self.losses + lost, rest)

    @cached_property
    def direct_loss(self) -> np.ndarray:
        """(n,) the part of `loss` that the shock alone causes."""
        before = self.equity_before
        alone = _positive(before) - _positive(before - self.losses)
        alone = np.where(self.limited, alone, self.losses)
        pinned = ~np.isnan(self.recoveries)
        return np.where(pinned, np.where(np.isnan(before), 0.0, _positive(before)), alone)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a node: equity before and after, loss (direct, contagion), shortfall, default.

        Money in the unit of the network. `shortfall` is what the creditors of the node do not
        get (never part of `loss`); `claims_lost` what it does not get on its own claims, from face
        value; `recovery_rate` is payments over debts in the graph;
        `default_round` is 0 for defaults by the shock alone and -1 for nodes that stand.
        """
        outcome, debts = self.outcome, self.network.book.debts
        with np.errstate(invalid="ignore", divide="ignore"):
            recovery = np.where(debts > 0, 1.0 - self._shortfall_inside / debts, np.nan)
        columns = {
            "equity_before": self.equity_before,
            "equity_after": outcome.equity,
            "loss": self.loss,
            "direct_loss": self.direct_loss,
            "contagion_loss": self.loss - self.direct_loss,
            "claims_lost": outcome.claims_lost,
            "shortfall": self._shortfall,
            "recovery_rate": recovery,
            "defaulted": outcome.defaulted,
            "default_round": outcome.default_round,
        }
        return pd.DataFrame(columns, index=self.network.names)

    @cached_property
    def _shortfall_inside(self) -> np.ndarray:
        return np.bincount(self.network.debtor, self.claim_losses, len(self.network))

    @cached_property
    def _shortfall(self) -> np.ndarray:
        if self.outcome.external_paid is None:
            return self._shortfall_inside
        outside = np.nan_to_num(self.network.book.external_liabilities) - self.outcome.external_paid
        return np.asarray(self._shortfall_inside + outside)

    # -- per claim --------------------------------------------------------------------------

    @cached_property
    def claim_losses(self) -> np.ndarray:
        """(m,) what each claim loses of its face value, in money."""
        return claim_losses(self.network, self.outcome)

    @cached_property
    def added_losses(self) -> np.ndarray:
        """(m,) what each claim loses, counted from the baseline, in money."""
        if self.reference is None:
            return self.claim_losses
        before = claim_losses(self.network, self.reference)
        return np.asarray(np.maximum(self.claim_losses - before, 0.0))

    @cached_property
    def outside_losses(self) -> np.ndarray:
        """(n,) what the external creditors of each node lose, counted from the baseline, in money.

        Raises
        ------
        ModelError
            For models that do not settle claims.
        """
        paid, before = self.outcome.external_paid, self.reference
        if paid is None:
            raise self._not_computed("what external creditors lose")
        if before is None:
            return np.asarray(np.nan_to_num(self.network.book.external_liabilities) - paid)
        assert before.external_paid is not None
        return np.asarray(before.external_paid - paid)

    @property
    def payments(self) -> pd.Series:
        """What each node pays on its debts inside the graph, in money.

        Raises
        ------
        ModelError
            For models that do not settle claims.
        """
        if self.outcome.payments is None:
            raise self._not_computed("payments")
        return pd.Series(self.outcome.payments, self.network.names, name="payments")

    @cached_property
    def flows(self) -> pd.DataFrame:
        """One row a claim, in money: creditor, debtor, amount (face), paid (or value), loss, added.

        `loss` counts from face value, `added` from the baseline of the result.
        """
        net, lost = self.network, self.claim_losses
        frame = net.exposures[["creditor", "debtor"]]
        return frame.assign(
            amount=net.amount, paid=net.amount - lost, loss=lost, added=self.added_losses
        )

    @cached_property
    def layers(self) -> pd.DataFrame:
        """The waterfall of every node that lost: node, layer, capacity, absorbed (money).

        See :func:`contagion.results.waterfalls.layers`. Raises `ModelError` for models that do not
        settle.
        """
        if self.outcome.payments is None:
            raise self._not_computed("layers: it does not settle claims")
        return sharing.layers(self)

    @property
    def calls(self) -> pd.DataFrame:
        """What guarantees were called for and paid, one row each, in money; empty without any."""
        return sharing.calls(self)

    @property
    def channels(self) -> pd.DataFrame:
        """The loss of owners by channel: direct and one column a channel, they sum to `loss`.

        See :func:`contagion.results.waterfalls.channels`. Raises `ModelError` for models with one
        channel.
        """
        if self.outcome.channels is None:
            raise self._not_computed("channels")
        return sharing.channels(self)

    # -- who bears it -----------------------------------------------------------------------

    @cached_property
    def hops(self) -> np.ndarray:
        """(n,) steps from the nearest trigger along what passes losses on; -1 where none leads."""
        return socialization.hops(self)

    @cached_property
    def bearers(self) -> pd.DataFrame:
        """Who bears the loss in the end; see :func:`contagion.results.socialization.bearers`."""
        if self.outcome.payments is None:
            raise self._not_computed("bearers: its losses are valuations, they need not add up")
        return socialization.bearers(self)

    @cached_property
    def socialization(self) -> socialization.Socialization:
        """The signature numbers; see :class:`contagion.results.socialization.Socialization`."""
        if self.outcome.payments is None:
            raise self._not_computed(
                "socialization: its losses are valuations, they need not add up"
            )
        return socialization.summarize(self)

    @cached_property
    def path(self) -> pd.DataFrame:
        """The rounds of contagion, tidy: round, node, equity, defaulted.

        Round 0 is the shock alone. For clearing models a round is one wave of defaults,
        cleared to its fixed point (Eisenberg & Noe 2001, fictitious default algorithm).
        """
        outcome = self.model.run(self.network, self.losses, self.recoveries, trace="path")
        names = self.network.names
        frames = [
            pd.DataFrame({"round": number, "node": names, "equity": equity, "defaulted": failed})
            for number, (equity, failed) in enumerate(outcome.history)
        ]
        return pd.concat(frames, ignore_index=True)

    def explain(self, node: Any, most: int = 10) -> Explanation:
        """The paths, amounts and rounds behind the loss of one node.

        Raises
        ------
        UnknownNameError
            For an unknown node, with the closest name.
        """
        from .explain import explain

        return explain(self, node, most)

    def audit(self) -> pd.DataFrame:
        """The invariants, checked on this result: check, value, bound, ok."""
        from .audit import audit

        return audit(self)

    def _not_computed(self, what: str) -> ModelError:
        return ModelError(f"{type(self.model).__name__} does not compute {what}.")

    # -- representations --------------------------------------------------------------------

    def summary(self) -> list[str]:
        """Four lines a person wants to read."""
        net, unit = self.network, self.network.unit
        lines = [f"{self.model!r} on {net.name or 'network'} ({len(net):,} nodes): {self.shock!r}"]
        if self.outcome.payments is not None:
            s = self.socialization
            lines.append(
                f"  initial loss {money(s.initial_loss, unit)}; owners of the nodes hit absorb "
                f"{money(s.absorbed_by_trigger, unit)}, {money(s.socialized, unit)} "
                f"({s.socialized_share:.0%}) is socialized"
            )
            gone = socialization.deadweight(self).items()
            parts = [f"{c} {money(float(x.sum()), unit)}" for c, x in gone if x.sum() > 0]
            lines += [f"  destroyed on the way: {', '.join(parts)}"] if parts else []
        else:
            lines.append(
                f"  owners lose {money(float(self.loss.sum()), unit)}, "
                f"{money(float((self.loss - self.direct_loss).sum()), unit)} by contagion"
            )
        worst = pd.Series(np.where(self.triggers, 0, self.loss), net.names).nlargest(3)
        names = ", ".join(f"{name} {money(value)}" for name, value in worst.items() if value > 0)
        lines.append(
            f"  {self._defaults()}" + (f"; largest losses of others: {names}" if names else "")
        )
        base = "book values" if self.baseline == "book" else "the clearing without shock"
        lines.append(
            f"  losses counted from {base}; "
            f"residual {float(self.outcome.residual):.1g} after {int(self.outcome.rounds)} rounds"
        )
        return lines

    def _defaults(self) -> str:
        """How many nodes are in default, and since when."""
        outcome, when = self.outcome, self.outcome.default_round
        failed = outcome.defaulted
        start = np.zeros_like(failed) if when is None else failed & (when == 0)
        parts = [
            (start & self.triggers, "by the shock itself"),
            (start & ~self.triggers, "insolvent before it"),
            (failed & ~start, "by contagion"),
        ]
        said = ", ".join(f"{int(part.sum()):,} {what}" for part, what in parts if part.any())
        return f"{int(failed.sum()):,} in default" + (f": {said}" if said else "")

    def __repr__(self) -> str:
        lines = self.summary() + [f"  assumed: {text}" for text in self.network.assumptions]
        return "\n".join(
            textwrap.fill(line, 79, subsequent_indent="    ", break_on_hyphens=False)
            for line in lines
        )

    def _repr_html_(self) -> str:
        from html import escape

        top = self.table.assign(kind=self.network.kinds).nlargest(8, "loss")
        text = "<br>".join(escape(line.strip()) for line in repr(self).splitlines())
        return f"<p>{text}</p>{top.to_html(float_format=lambda x: f'{x:,.4g}')}"


def claim_losses(network: ExposureNetwork, outcome: Outcome) -> np.ndarray:
    """Losses per claim (..., m) of an outcome, in money."""
    if outcome.unpaid is not None:
        return network.segments.to_claims(outcome.unpaid)
    assert outcome.loss_rate is not None
    rate, own = outcome.loss_rate[..., network.debtor], outcome.claim_rates
    if own is not None:
        rate = np.where(np.isnan(own), rate, own * outcome.defaulted[..., network.debtor])
    return np.asarray(network.amount * rate)


def _positive(equity: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(equity, 0.0))
