"""PropagationResult: one shock through one network under one model, with every number labelled."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..citations import cite
from ..media import notebook, shown
from ..records import Amounts
from ..text import same_scale
from ..vocabulary import MOST
from . import hops, ledger, socialization
from . import waterfalls as sharing
from .assumed import warned
from .audit import audit
from .explain import Explanation, explain
from .run_arrays import RunArrays

MONEY = (
    "equity_before",
    "equity_after",
    "loss",
    "direct_loss",
    "contagion_loss",
    "claims_lost",
    "shortfall",
)  # columns of the table of nodes that are amounts


@dataclass(frozen=True, eq=False, repr=False)
class PropagationResult(RunArrays):
    """One shock through one network under one model, with every number labelled.

    Attributes
    ----------
    network, model, shock : the inputs of the run.
    hit : the shock as losses (n,), recovery rates and prices of this network.
    outcome : the arrays that the model computed.
    baseline : reference for all losses: "cleared" (the same model without the shock, so that only
        losses caused by the shock remain) or "book" (face values).
    """

    # -- per node ---------------------------------------------------------------------------

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a node: equity before and after, loss (direct, contagion), shortfall, default.

        Amounts are in the unit of the network. `loss` is the loss of the owners: `direct_loss` is
        the part due to the shock itself, `contagion_loss` the part due to contagion (negative:
        relief); with `baseline="book"` the remainder of `loss` was missing before the shock.
        `shortfall` is the unpaid part of the node's debts (never part of `loss`); `claims_lost` is
        its own loss on claims, from face value; `recovery_rate` is payments over debts in the
        graph; `default_round` is 0 for defaults by the shock alone and -1 for nodes that survive.
        """
        return self._nodes.assign(default_round=self.default_round)

    @cached_property
    def _nodes(self) -> pd.DataFrame:
        """The table without the rounds of default, which may need another run of the model."""
        outcome, debts = self.outcome, self.network.book.debts
        with np.errstate(invalid="ignore", divide="ignore"):
            recovery = np.where(debts > 0, 1.0 - self._shortfall_inside / debts, np.nan)
        columns = {
            "equity_before": self.equity_before,
            "equity_after": outcome.equity,
            "loss": self.loss,
            "direct_loss": self.direct_loss,
            "contagion_loss": self.caused.loss - self.direct_loss,
            "claims_lost": outcome.claims_lost,
            "shortfall": self.shortfall,
            "recovery_rate": recovery,
            "defaulted": outcome.defaulted,
        }
        return pd.DataFrame(columns, index=self.network.names)

    # -- per claim --------------------------------------------------------------------------

    @property
    def payments(self) -> pd.Series:
        """Payments of each node on its debts inside the graph, in the unit of the network.

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
        """One row a claim: creditor, debtor, amount (face value), paid (or value), loss, added.

        `loss` counts from face value, `added` from the baseline of the result.
        """
        net, lost = self.network, self.claim_losses
        frame = net.exposures[["creditor", "debtor"]]
        return frame.assign(
            amount=net.amount, paid=net.amount - lost, loss=lost, added=self.added_losses
        )

    @cached_property
    def layers(self) -> pd.DataFrame:
        """The waterfall of every node with a loss: node, layer, capacity, absorbed.

        See :func:`contagion.results.waterfalls.layers`. Raises `ModelError` for models that do not
        settle.
        """
        if self.outcome.payments is None:
            raise self._not_computed("layers: it does not settle claims")
        return sharing.layers(self)

    @property
    def calls(self) -> pd.DataFrame:
        """Amounts called from and paid by guarantees, one row a guarantee; empty without any."""
        return sharing.calls(self)

    @property
    def channels(self) -> pd.DataFrame:
        """The loss of owners by channel: direct and one column a channel; the sum is `loss`.

        See :func:`contagion.results.waterfalls.channels`. Raises `ModelError` for models with one
        channel.
        """
        if self.outcome.channels is None:
            raise self._not_computed("channels")
        return sharing.channels(self)

    # -- bearers of the loss ----------------------------------------------------------------

    @cached_property
    def hops(self) -> np.ndarray:
        """(n,) steps from the nearest trigger along links with losses; -1 for nodes not reached."""
        return hops.hops(self)

    @cached_property
    def ledger(self) -> Amounts:
        """The losses by bearer and cause: bearer, role, cause, hop, rule, amount; largest first.

        See :func:`contagion.results.ledger.table`. For models that value claims it has only the
        losses of owners, which need not add up to the losses caused.
        """
        frame = ledger.table(self.network, self.entries, self.hops, self.before)
        return Amounts(frame, ledger.MEANING, unit=self.network.unit)

    @cached_property
    def bearers(self) -> pd.DataFrame:
        """The ledger with one row a bearer and role: bearer, role, kind, hop, rule, amount.

        Largest first; the amounts sum to `socialization.borne`. `hop` counts only losses that the
        shock causes; it is -1 if the whole amount was missing before.
        """
        if self.outcome.payments is None:
            raise self._not_computed("bearers: its losses are valuations, they need not add up")
        by = self.ledger.table.groupby(["bearer", "role", "rule"], sort=False)
        frame = by.agg({"hop": "max", "amount": "sum"}).reset_index()
        at = self.network.names.get_indexer(pd.Index(frame["bearer"]))
        frame.insert(2, "kind", self.network.kinds[at])
        frame = frame[["bearer", "role", "kind", "hop", "rule", "amount"]]
        return frame.sort_values("amount", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def socialization(self) -> socialization.Socialization:
        """Summary figures; see :class:`contagion.results.socialization.Socialization`."""
        if self.outcome.payments is None:
            raise self._not_computed(
                "socialization: its losses are valuations, they need not add up"
            )
        return socialization.summarize(self, self.hops)

    @cached_property
    def path(self) -> pd.DataFrame:
        """The rounds of contagion, tidy: round, node, equity, defaulted.

        Round 0 is the shock alone. For clearing models a round is one wave of defaults,
        cleared to its fixed point (Eisenberg & Noe 2001, fictitious default algorithm).
        """
        outcome = self.model.run(self.network, *self.hit, trace="path")
        names = self.network.names
        frames = [
            pd.DataFrame({"round": number, "node": names, "equity": equity, "defaulted": failed})
            for number, (equity, failed) in enumerate(outcome.history)
        ]
        return pd.concat(frames, ignore_index=True)

    def explain(self, node: Any, *, most: int = MOST) -> Explanation:
        """The paths, amounts and rounds behind the loss of one node.

        Raises
        ------
        UnknownNameError
            For an unknown node, with the closest name.
        """
        return explain(self, node, most)

    def audit(self) -> pd.DataFrame:
        """Checks of this result: check, value, bound, ok; see :func:`.audit.audit`."""
        return audit(self, self.ledger.table)

    # -- representations --------------------------------------------------------------------

    def cite(self) -> str:
        """BibTeX of the package and of the papers behind the model and the rules of the nodes."""
        return cite(self)

    def summary(self) -> list[str]:
        """The result in four lines of text."""
        net, unit = self.network, self.network.unit
        lines = [f"{self.model!r} on {net.name or 'network'} ({len(net):,} nodes): {self.shock!r}"]
        if self.outcome.payments is not None:
            said = socialization.sentences(self, socialization.amounts(self))
            lines.append(f"  {' '.join(map(str, said))}")
        else:
            lost = float(self.caused.loss.sum())
            say = same_scale([lost], unit)
            spread = lost - float(self.direct_loss.sum())
            lines.append(f"  owners lose {say(lost)} because of it, {say(spread)} by contagion")
        worst = pd.Series(np.where(self.triggers, 0, self.loss), net.names).nlargest(3)
        say = same_scale(worst, unit)
        names = ", ".join(f"{name} {say(value)}" for name, value in worst.items() if value > 0)
        lines.append(
            f"  {self._defaults()}" + (f"; largest losses of others: {names}" if names else "")
        )
        base = "book values" if self.baseline == "book" else "the same model without the shock"
        lines.append(
            f"  losses counted from {base}; "
            f"residual {float(self.outcome.residual):.1g} after {int(self.outcome.rounds)} rounds"
        )
        return lines

    def _defaults(self) -> str:
        """The number of nodes in default, by cause: the shock, before it, or contagion."""
        failed = self.outcome.defaulted
        shock = failed & self.triggers & self.at_once
        before = failed & ~self.triggers & self.reference.defaulted
        parts = [
            (shock, "by the shock itself"),
            (before, "before it"),
            (failed & ~shock & ~before, "by contagion"),
        ]
        said = ", ".join(f"{int(part.sum()):,} {what}" for part, what in parts if part.any())
        return f"{int(failed.sum()):,} in default" + (f": {said}" if said else "")

    @shown
    def __repr__(self) -> str:
        lines = self.summary() + [f"  assumed: {text}" for text in self.network.assumptions]
        lines += [f"  warning: {text}" for text in warned(self.network)]
        return "\n".join(
            textwrap.fill(line, 79, subsequent_indent="    ", break_on_hyphens=False)
            for line in lines
        )

    def _repr_html_(self) -> str:
        top = self._nodes.assign(kind=self.network.kinds).nlargest(8, "loss")
        return notebook(repr(self), top, self.network.unit, MONEY)
