"""Clearing, prices, funding and marks in one fixed point, and the loss by channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentTypeError, ModelError
from ..kernels.firesale import forced_sales, marked_down
from ..kernels.shapley import coalitions, exact
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..results.hops import Route
from ..results.outcome import Outcome
from ..results.run_arrays import Baseline, RunArrays, claim_losses
from ..shocks import Shock
from ..text import choice
from .base import NO_SHOCK, Trace
from .channels import Channel, Funding, Marking, Prices
from .fire_sale import INNER, _Path
from .joint_rounds import Case, State
from .portfolios import PortfolioModel, Portfolios, Solved
from .routes import NOISE, links, lost_by, newly_failed, through_funding
from .settlement import settle

KINDS: dict[str, type[Channel]] = {"prices": Prices, "funding": Funding, "valuation": Marking}


@dataclass(frozen=True, repr=False)
class JointModel(PortfolioModel):
    """Clearing together with any of prices, funding and marks, in their common fixed point.

        x = clearing payments at external assets less cost less Σ_a (q_a − p_a) h_a   (each rule)
        p_a = q_a f_a(Σ_i θ_i h_ia),  θ_i the least sale with E_i − m_i ≥ r · (assets kept − m_i)
        cost_i = δ / (1 + δ) · min((1 + δ) max(0, ρ Σ_{j in default} A_ji − liquid_i), sellable_i)
        m_i = max(0, Σ_j A_ij (1 − V_j) − unpaid amount on the claims of i)

    with E equity at x and p, A_ij the claim of i on j, h holdings (units), q
    the prices after the shock relative to those before, V the values of a
    :class:`NetworkValuation` at the same external assets; money. Every channel only adds losses.
    The iteration starts without losses (clear, then sell, withdraw and mark, until convergence) and
    therefore ends in the solution with the greatest payments and prices. Clearing is always on.
    Without other channels this is :class:`EisenbergNoe`; with prices alone :class:`FireSale`.

    Falling prices and sale costs are booked as deadweight at the node that bears them, so that
    value is conserved. Neither is booked at nodes set to default by `Shock.default`, and no sale
    costs at nodes with unknown balance sheet. Costs reduce external assets like a shock (assets
    other than holdings first), down to zero; holdings written down in this way can still be sold.
    Sales for funding do not move prices, and their proceeds reduce neither debts nor the assets in
    the capital ratio. Illiquidity alone causes no default (in :class:`CreditFunding` it does).

    Parameters
    ----------
    prices : `channels.Prices(capital_ratio, impact, ...)` or `None`. All three channels can also
        be given as text: "default", or "capital_ratio=0.1,impact=1".
    funding : `channels.Funding(not_replaced, sale_cost)` or `None`.
    valuation : `channels.Marking(valuation)` or `None`. Marks affect only the capital constraint
        of `prices`: without that channel they have no effect.
    tolerance : bound on the change of prices, and of payments and costs relative to the balance
        sheet.
    max_rounds : maximum number of rounds of all channels, and of each valuation.

    Raises
    ------
    ModelError
        For an impact that does not name a held asset, and for guarantees together with marks.
    ConvergenceError
        By `propagate`, when `max_rounds` is reached.
    ArgumentTypeError
        For a channel of the wrong type.

    Example
    -------
    a defaults and withdraws 10 from b, which replaces half and loses a fifth of the other 5. Its
    equity of 4 supports only 8 of X: it sells 2.5 of 10, the price falls by 2.5/62.5 to 0.96, and
    its equity to 3.6, half of the 7.2 that it keeps. Without the funding cost it would not have
    sold, so the two channels share the loss of 0.4.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [10, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[21, 15], external_liabilities=[30, 0],
    ...     holdings={"node": ["b"], "asset": ["X"], "value": [10.0]})
    >>> prices = ct.models.channels.Prices(0.5, ct.liquidation.Linear(depth=62.5))
    >>> model = ct.models.JointModel(prices, ct.models.channels.Funding(0.5, 0.2))
    >>> model.propagate(net, ct.Shock.loss({"a": 5})).table["equity_after"].round(6).tolist()
    [-4.0, 3.6]
    >>> model.attribution(net, ct.Shock.loss({"a": 5})).loc["b"].round(6).to_dict()
    {'direct': 0.0, 'claims': 0.0, 'prices': 0.2, 'funding': 1.2, 'loss': 1.4}

    Source: the channels after Cifuentes, Ferrucci & Shin (2005), Espinosa-Vega & Solé (2010) and
    Barucca et al. (2020), DOIs at the models named above; joining them is ours. Attribution:
    Shapley (1953), "A value for n-person games", Contributions to the Theory of Games II, DOI
    10.1515/9781400881970-018 (from memory).
    """

    title: ClassVar[str] = "Clearing, prices, funding and marks in one fixed point"
    source: ClassVar[str] = (
        "Own joint of Cifuentes et al. (2005), Espinosa-Vega & Solé (2010), Barucca et al. (2020)"
    )
    settles: ClassVar[bool] = True

    prices: Prices | str | None = None
    funding: Funding | str | None = None
    valuation: Marking | str | None = None
    tolerance: float = 1e-10
    max_rounds: int = 10_000

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            value = getattr(self, name)
            if isinstance(value, str):
                value = kind.from_words(value)
                object.__setattr__(self, name, value)
            if not (value is None or isinstance(value, kind)):
                raise ArgumentTypeError(
                    f"{name}={value!r}: give channels.{kind.__name__}(...), words or None."
                )

    def attribution(
        self,
        network: ExposureNetwork,
        shock: Shock = NO_SHOCK,
        *,
        baseline: Baseline = "cleared",
        of: Literal["owners", "external creditors"] = "owners",
    ) -> pd.DataFrame:
        """The loss by channel, in money: one row per node and a last row "total".

            φ_c = Σ_{S without c} |S|! (k − |S| − 1)! / k! · (v(S + c) − v(S))

        Columns: direct (the shock alone), claims (clearing without other channels, less direct),
        one column for each channel that is switched on (φ_c, the Shapley value over all orders in
        which the k channels can be added to clearing), loss (exactly the sum of the other columns).
        v(S) is the loss with the channels S, less the direct loss. 2^k runs, at most 8.

        Parameters
        ----------
        baseline : as in :meth:`propagate`, computed for each run. With "cleared" a channel can be
            below 0: losses that it causes even without the shock cannot occur twice.
        of : whose losses: "owners" of each node (`result.loss`), or its "external creditors"
            (`result.outside_losses`; nothing is direct).

        Raises
        ------
        ArgumentError
            For an unknown `of`.
        ShockError, ModelError, ConvergenceError
            As in :meth:`propagate`, in any of the runs.
        """
        choice(of, ("owners", "external creditors"), "of")
        names = [name for name in KINDS if getattr(self, name) is not None]
        worth: list[np.ndarray] = []
        direct = np.zeros(len(network))
        for on in coalitions(0, 1 << len(names), len(names)):
            off: dict[str, Any] = {
                name: None for name, kept in zip(names, on, strict=True) if not kept
            }
            result = replace(self, **off).propagate(network, shock, baseline=baseline)
            if of == "owners":
                direct = result.direct_loss
                worth.append(result.loss - direct)
            else:
                worth.append(result.outside_losses)
        parts = dict(zip(names, exact(np.stack(worth)), strict=True)) if names else {}
        columns = {"direct": direct, "claims": worth[0], **parts, "loss": direct + worth[-1]}
        rows = pd.Index([*network.names, "total"], name=network.names.name)
        return pd.DataFrame(
            {name: np.append(money, money.sum()) for name, money in columns.items()}, index=rows
        )

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """Routes through marked-down claims to selling nodes, through assets, and funding."""
        found: tuple[Route, ...] = ()
        if isinstance(self.prices, Prices) and self.prices.on:
            sold, found = self._prices(result)
            if isinstance(self.valuation, Marking):
                found = (*found, self._through_marks(result, sold))
        if isinstance(self.funding, Funding) and self.funding.on:
            loser = lost_by(result, "funding") > NOISE * result.network.book.debts
            found = (*found, through_funding(result.network, newly_failed(result), loser))
        return found

    def _through_marks(self, result: RunArrays, sold: np.ndarray) -> Route:
        """From debtors to creditors that have marked them down and sell because of the shock."""
        net = result.network
        losses, pins = result.hit.losses, result.hit.pins
        mark = self._marks_below(net, result.outcome, losses, pins)
        nothing, nobody = np.zeros_like(losses), np.full_like(pins, np.nan)
        mark -= self._marks_below(net, result.reference, nothing, nobody)
        row = (mark > NOISE * net.amount) & sold[net.creditor]
        return (links(net.debtor[row], net.creditor[row], (len(net), len(net))),)

    def _marks_below(
        self, network: ExposureNetwork, outcome: Outcome, losses: np.ndarray, pins: np.ndarray
    ) -> np.ndarray:
        """(m,) amount by which each claim is marked below its payment."""
        channels = outcome.channels or {}
        lost = losses + channels["price"] + channels["funding"]
        marked = claim_losses(network, self._valued(network, lost, pins))
        return np.asarray(np.maximum(marked - claim_losses(network, outcome), 0.0))

    def _solve(self, network: ExposureNetwork, hit: Hit, trace: Trace) -> Solved:
        if self.valuation is not None and network.segments.calls is not None:
            raise ModelError(
                "JointModel does not compute marks together with guarantees. Leave one out: "
                "valuation=None, or net.with_guarantees(None)."
            )
        case = self._case(network, hit)
        flat, pins = case.flat, case.pins
        now = State.of(case)
        if case.prices is None and case.funding is None:
            alone = _booked(self._clear(network, flat, pins, trace))
            return Solved(alone, case.mine, now.part, now.sold, now.price, now.sold)
        live, states = np.arange(len(flat)), _Path(trace)
        while len(live):
            part, lost, kept, other = self._cleared(case, now, live, states)
            price = self._sales(case, now, live, part, lost, kept, other)
            cost = self._withdrawals(case, now, live, part)
            go = now.step(live, price, cost, case.scale, self.tolerance, self.max_rounds)
            live = live[go]
        return self._end(case, now, states)

    def _case(self, network: ExposureNetwork, hit: Hit) -> Case:
        """The inputs that stay constant over the rounds."""
        flat, pins = hit.losses, hit.pins
        prices = self.prices if isinstance(self.prices, Prices) and self.prices.on else None
        funding = self.funding if isinstance(self.funding, Funding) and self.funding.on else None
        mine, book = Portfolios.of(network, () if prices is None else prices.illiquid), network.book
        if not mine.assets:
            prices = None
        started = ~np.isnan(pins)
        scale = book.claims + book.stated_assets
        return Case(
            network,
            mine,
            prices,
            funding,
            None if prices is None else mine.law(prices.impact),
            mine.shocked(len(flat), hit.prices),
            flat,
            pins,
            started,
            (book.can_fail & book.known) | started,
            np.where(book.known & ~started, np.maximum(mine.outside - flat, 0.0), 0.0),
            np.where(scale > 0, scale, 1.0),
        )

    def _cleared(
        self, case: Case, now: State, live: np.ndarray, states: _Path
    ) -> tuple[Outcome, np.ndarray, np.ndarray, np.ndarray]:
        """Clearing at current prices and costs, losses on external assets, and assets kept."""
        spent = case.flat[live] + now.cost[live]
        kept, other = case.mine.after(spent, case.start[live])
        lost = spent + marked_down(case.mine.held, kept, case.start[live] - now.price[live])
        part = self._clear(case.network, lost, case.pins[live], states.next(), INNER)
        states.add(part, live)
        return part, lost, kept, other

    def _sales(
        self, case: Case, now: State, live: np.ndarray, part: Outcome, lost: np.ndarray,
        kept: np.ndarray, other: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """(b, A) the lower of current prices and those after the sales that they force."""
        price: np.ndarray = now.price[live]
        prices, book = case.prices, case.network.book
        if prices is None or case.law is None:
            return price
        mark, now.good[live] = self._marks(case.network, lost, case.pins[live], part)
        received = np.maximum(book.claims - part.claims_lost - mark, 0.0)
        theta = forced_sales(
            part.equity - mark,
            prices.parameter(case.network, "other_weight") * other + received,
            kept * np.asarray(price @ case.mine.held.T),
            prices.parameter(case.network, "capital_ratio"),
            case.sells[live],
        )
        now.part[live] = np.where(case.started[live], 1.0, theta)
        now.sold[live] = np.asarray(now.part[live] @ case.mine.held)
        return np.asarray(np.minimum(case.start[live] * case.law(now.sold[live]), price))

    def _withdrawals(self, case: Case, now: State, live: np.ndarray, part: Outcome) -> np.ndarray:
        """(b, n) the higher of current costs and those from withdrawals by nodes in default."""
        cost: np.ndarray = now.cost[live]
        if case.funding is None:
            return cost
        wanted = case.funding.cost(case.network, part.defaulted)
        return np.asarray(np.maximum(np.minimum(wanted, case.most[live]), cost))

    def _end(self, case: Case, now: State, states: _Path) -> Solved:
        """The last clearing, with the losses of all channels."""
        spent = case.flat + now.cost
        drop = case.start - now.price
        fall = marked_down(case.mine.held, case.mine.after(spent, case.start)[0], drop)
        end = self._clear(case.network, spent + fall, case.pins, "none", INNER)
        outcome = replace(
            _booked(end, np.where(case.started, 0.0, fall), now.cost),
            rounds=now.rounds,
            residual=np.maximum(end.residual, now.change),
            converged=end.converged & now.good & (now.change <= self.tolerance),
            default_round=states.when(end),
            history=tuple(states.kept),
        )
        return Solved(outcome, case.mine, now.part, now.sold, now.price, drop)

    def _marks(
        self, network: ExposureNetwork, lost: np.ndarray, pins: np.ndarray, part: Outcome
    ) -> tuple[np.ndarray, np.ndarray]:
        """(B, n) amount by which claims are marked below their payments; (B,) bool, converged."""
        if not isinstance(self.valuation, Marking):
            return np.zeros_like(lost), np.ones(len(lost), bool)
        done = self._valued(network, lost, pins)
        return np.maximum(done.claims_lost - part.claims_lost, 0.0), done.converged

    def _valued(self, network: ExposureNetwork, lost: np.ndarray, pins: np.ndarray) -> Outcome:
        assert isinstance(self.valuation, Marking)
        return self.valuation.marked(
            network, lost, pins, tolerance=self.tolerance * INNER, max_rounds=self.max_rounds
        )

    def _clear(
        self, network: ExposureNetwork, lost: np.ndarray, pins: np.ndarray, trace: Trace,
        part: float = 1.0,
    ) -> Outcome:  # fmt: skip
        return settle(
            network,
            lost,
            pins,
            tolerance=self.tolerance * part,
            trace=trace,
        )


def _booked(
    outcome: Outcome, fall: np.ndarray | None = None, cost: np.ndarray | None = None
) -> Outcome:
    """The outcome with the losses from falling prices and sale costs (B, n), money."""
    assert outcome.deadweight is not None
    none = np.zeros_like(outcome.claims_lost)
    fall, cost = none if fall is None else fall, none if cost is None else cost
    return replace(
        outcome,
        deadweight=outcome.deadweight + fall + cost,
        channels={"credit": outcome.claims_lost, "price": fall, "funding": cost},
    )
