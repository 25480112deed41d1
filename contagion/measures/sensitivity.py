"""The gradient of a system loss: its derivatives by all balance sheets and claims in one solve."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

import numpy as np
import pandas as pd

from ..errors import ConvergenceError, ModelError, expect
from ..kernels import adjoint as kernel
from ..kernels.adjoint import Adjoint, Moving, Side, System
from ..kernels.debtrank import reached
from ..media import shown
from ..models.base import NO_SHOCK, Model
from ..network.exposure_network import ExposureNetwork
from ..records import Scores, Table, because
from ..results.propagation_result import PropagationResult
from ..rules import FirstCome, Priority, ProRata, Queue, Rule
from ..shocks import Shock
from ..text import choice, listing, money, plural
from .partials import (
    ASSETS,
    CLAIMS,
    DUE,
    LOST,
    SHOCK,
    Of,
    before,
    clearing_system,
    debtrank_system,
    direct,
    solved,
)
from .registry import Measure, scored

UNKNOWN = "balance sheet not known"
EMPTY = "no equity: the node passes on a first loss in full"
ENDLESS = "a first loss here would grow without limit until nodes default"
TIER = "the rank of the external creditors does not follow from the tables of the network"
CLAIM = {
    "creditor": "node that holds the claim",
    "debtor": "node that owes it",
    "amount": "face value, money",
    "gradient": "change of the loss by a unit of the claim, external assets fixed, money by money",
    "funded": "the same with the equity of creditor and debtor fixed, money by money",
}
BY_ASSETS = "change of the loss by a unit of external assets, money by money"
BY_LOSSES = "change of the loss by a unit of external assets lost, money by money"
BY_CAPITAL = "change of the loss by a unit of capital for external liabilities, money by money"
RULE = "no closed form in the amount (the rule of the debtor, or a claim of 0)"


@dataclass(frozen=True, eq=False, repr=False)
class Gradient:
    """The change of a system loss by one unit of money; all numbers are money per unit of money.

    Attributes
    ----------
    of : name of the loss, "weighted" for weights of the caller.
    side : "loss" or "gain", the direction of the one-sided derivatives at kinks.
    value : the loss itself, money.
    external_assets : (n,) by the external assets of each node, with the shock fixed in money.
    losses : (n,) by the loss of external assets in the shock. Its negative is the effect of cash
        paid in after the shock, which owners did not have before.
    capital : (n,) by capital that replaces external liabilities, external assets fixed.
    exposures : one row a claim: creditor, debtor, amount, gradient (external assets and
        liabilities of both fixed, so that the equity of the creditor rises and that of the debtor
        falls) and funded (both equities fixed: the creditor lends from its external assets, the
        debtor keeps the amount as external assets). The claims on a node have to share pro rata
        in tiers (Priority, ProRata, Queue, FirstCome); other rules have no closed form in the
        amounts, and claims under them are nan.
    kinks : number of nodes at a kink, where the other side has another derivative.

    Undefined entries are nan; `external_assets.reasons` (and that of the others) says why.
    """

    network: ExposureNetwork
    of: str
    side: Side
    value: float
    external_assets: Scores
    losses: Scores
    capital: Scores
    kinks: int
    _by_claim: np.ndarray = field(repr=False)  # (m,)
    _funded: np.ndarray = field(repr=False)  # (m,)
    _unclear: np.ndarray = field(repr=False)  # (m,) claims whose gradient has no formula

    @property
    def exposures(self) -> Table:
        """One row a claim: creditor, debtor, amount, gradient, funded."""
        table = self.network.exposures[["creditor", "debtor", "amount"]]
        table = table.assign(gradient=self._by_claim, funded=self._funded)
        reasons = {RULE: self._unclear, "not defined for creditor or debtor": True}
        return Table(table, CLAIM, because(table, reasons))

    @shown
    def __repr__(self) -> str:
        net, unit = self.network, self.network.unit
        best = self.losses.nlargest(3)
        names = ", ".join(f"{name} {value:.3g}" for name, value in best.items() if value > 0)
        lines = [
            f"Gradient of {self.of} ({money(self.value, unit)}) on {net.name or 'network'}, "
            f"{len(net):,} nodes, side {self.side!r}",
            f"  one unit lost more costs most at: {names or 'no node'}",
            f"  {plural(self.kinks, 'node')} at a kink",
        ]
        return "\n".join(textwrap.fill(line, 79, subsequent_indent="    ") for line in lines)


def gradient(
    network: ExposureNetwork,
    model: Model,
    shock: Shock = NO_SHOCK,
    *,
    of: Of = "owners",
    side: Side = "loss",
) -> Gradient:
    """The gradient of a system loss V with respect to every balance sheet and every exposure.

        V = Σ_i w_i loss_i                    owners (w = 1), or weights of the caller
            Σ_i shortfall_i                   unpaid debts to creditors in and outside the graph
            Σ_i external liabilities_i − paid_i     external creditors
            Σ_i (loss_i − d_i) + external         socialized loss, over the run without shock

    At the clearing vector let D be the nodes that pass on a shortfall, each through the marginal
    segment of its rule. One adjoint solve, `worth = −∂V/∂lost − passed · S_D (outside − worth)`,
    gives all derivatives, see :mod:`contagion.kernels.adjoint`. Losses are relative to book values,
    the socialized loss (see :mod:`contagion.results.ledger`) to the model without the shock.

    Parameters
    ----------
    network : any rules; guarantees and shareholdings are refused.
    model : EisenbergNoe, RogersVeraart, or DebtRank("linear").
    shock : fixed in money; prices, fractions and fixed recovery rates are converted to money first.
    of : "owners", "shortfall", "external", "socialized", or weights on the losses of owners:
        {node: weight} (the others 0), a Series, or an array (n,).
    side : at a kink (a node that can just pay its debts, a segment that is just full, in DebtRank
        every node that no loss has reached) "loss" gives the derivative towards more losses,
        "gain" that towards fewer. The derivative by an exposure can mix the two if both its
        creditor and its debtor lead to kinks.

    Raises
    ------
    ModelError : for models without such a derivative, losses that a model does not compute, and
        default costs with a node on the boundary of default, where V jumps.
    ConvergenceError : when the model or the adjoint solve does not converge.
    ShockError : when the shock does not fit the network.

    Example
    -------
    a owes b 10 and has 6 left, b (capital 3) owes c 8. One unit less at a is one unit less at c:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 8], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", external_assets=[12, 1, 5])
    >>> found = gradient(net, ct.EisenbergNoe(), ct.Shock.loss({"a": 6}), of="shortfall")
    >>> found.value, found.losses.tolist()         # b has 7 of 8: it defaults too
    (5.0, [2.0, 1.0, 0.0])
    >>> found.external_assets.tolist()
    [-2.0, -1.0, 0.0]

    Source: after Liu & Staum (2010), Operations Research Letters 38, 489–491, sensitivities of
    clearing payments to initial wealth, and Feinstein, Pang, Rudloff, Schaanning, Sturm & Wildman
    (2018), arXiv:1708.01561, directional derivatives by liabilities; both abstracts read, not the
    equations. The derivation here is the chain rule on the segments.
    """
    expect(network=network, model=model, shock=shock)
    return _record(differentiated(solved(network, model, shock), of, side))


@dataclass(frozen=True)
class Slopes:
    """Derivatives of a loss as arrays, without labels; undefined entries are not yet nan.

    assets, shock, outside (n,) by external assets, losses and external liabilities; claims (m,)
    by the amount alone, funded (m,) by an amount that also moves external assets; unclear (m,)
    and endless (n,) bool: entries without a formula, and with an infinite derivative.
    """

    result: PropagationResult
    name: str
    side: Side
    value: float
    moves: Moving
    done: Adjoint
    endless: np.ndarray
    assets: np.ndarray
    shock: np.ndarray
    outside: np.ndarray
    claims: np.ndarray
    funded: np.ndarray
    unclear: np.ndarray


def differentiated(result: PropagationResult, of: Of, side: Side) -> Slopes:
    """The derivatives of a loss at a result of :func:`solved`; see :func:`gradient`."""
    choice(side, ("loss", "gain"), "side")
    system = clearing_system(result) if result.model.settles else debtrank_system(result)
    name, value, partial, outside = direct(result, system, of, side)
    found = _slopes(result, system, (name, value, partial, outside), side)
    if name != "socialized" or result.before is None or not result.before.borne.any():
        return found
    reference = solved(result.network, cast(Model, result.model), NO_SHOCK)
    old = clearing_system(reference)
    lost = name, value, before(result, reference, old, side), outside
    less, arrays = _slopes(reference, old, lost, side), ("assets", "outside", "claims", "funded")
    return replace(found, **{key: getattr(found, key) - getattr(less, key) for key in arrays})


def _slopes(
    result: PropagationResult,
    system: System,
    of: tuple[str, float, np.ndarray, float],
    side: Side,
) -> Slopes:
    """The derivatives of a loss (name, value, partial derivatives, that by unpaid debts inside)."""
    name, value, partial, outside = of
    valued, n = not result.model.settles, len(result.network)
    moves = kernel.moving(system, side)
    endless = _endless(result, system, moves) if valued and side == "loss" else np.zeros(n, bool)
    if endless.any():
        moves = replace(moves, segment=np.where(endless, -1, moves.segment))
    if not valued:
        _no_jump(result, system, side)
    done = kernel.adjoint(system, moves, partial[LOST], outside)
    if not done.converged:
        raise ConvergenceError(
            f"The adjoint solve of {type(result.model).__name__} did not converge: a group of "
            "nodes without own assets or external creditors passes losses in a closed cycle."
        )
    write = _by_equity if valued else _by_segments
    arrays = write(result, system, moves, done, partial, outside)
    return Slopes(result, name, side, value, moves, done, endless, *arrays)


def _no_jump(result: PropagationResult, system: System, side: Side) -> None:
    """Raise `ModelError` for a node on the boundary of default, where default costs make V jump."""
    model, due = result.model, result.network.segments.due
    if not hasattr(model, "kept") or model.kept(result.network) is None:
        return
    gap = result.outcome.equity + system.segments.absorbing
    near = result.network.book.can_fail & ~result.pinned & (due > 0)
    near &= np.abs(np.nan_to_num(gap, nan=np.inf)) <= system.slack
    crosses = near & (result.outcome.defaulted if side == "gain" else ~result.outcome.defaulted)
    if crosses.any():
        names = listing(result.network.names[crosses])
        raise ModelError(
            f"{type(model).__name__} has no derivative on the side of a {side} here: "
            f"{plural(int(crosses.sum()), 'node is', 'nodes are')} on the boundary of "
            f"default ({names}), where default costs make the loss jump."
        )


def _endless(result: PropagationResult, system: System, moves: Moving) -> np.ndarray:
    """(n,) nodes of DebtRank whose next loss is amplified without limit.

    These are nodes without a loss that amplify a first loss among themselves, and nodes that lead
    to a node without loss and equity, which passes on its first loss in full.
    """
    net, book, follows = result.network, result.network.book, moves.segment >= 0
    quiet = book.can_fail & ~result.pinned & (book.equity <= 0) & (book.debts > 0)
    quiet &= system.unpaid == 0
    able = follows | quiet
    endless = reached(net.liabilities.T.tocsr(), quiet[None], able[None])[0] & able
    fresh = follows & (system.unpaid <= system.slack)
    at = np.flatnonzero(fresh)
    if not kernel.reaches_an_end(system.segments.shares.direct[at][:, at]):
        endless |= fresh
    return np.asarray(endless)


# -- from prices to derivatives ---------------------------------------------------------------


Arrays: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _by_segments(
    result: PropagationResult,
    system: System,
    moves: Moving,
    done: Adjoint,
    partial: np.ndarray,
    outside: float,
) -> Arrays:
    """Clearing: a unit of funds changes the marginal segment."""
    net, price = result.network, done.at(moves)
    simple, together = _rules(net)
    assets = partial[ASSETS] - system.own * price
    place = kernel.places(net.segments)
    if not simple.all():
        place = np.where(simple[net.debtor], place, -1)
    by_claim = kernel.by_claim(system, moves, done, place, net.creditor, outside)
    unclear = place < 0
    if unclear.any():  # nodes that always pay in full need no formula
        by_claim = np.where(unclear, 0.0, by_claim)
        unclear &= (net.book.can_fail | result.pinned)[net.debtor]
        by_claim[unclear] = np.nan
    by_claim += (partial[CLAIMS] - system.passed * price)[net.creditor]
    by_claim += partial[DUE][net.debtor]
    external = net.book.stated_liabilities
    owed = partial[DUE] + kernel.by_outside(system, moves, done, external, together, simple)
    shock = partial[SHOCK] + system.own * price
    return assets, shock, owed, by_claim, _funded(net, by_claim, assets), unclear


def _by_equity(
    result: PropagationResult,
    system: System,
    moves: Moving,
    done: Adjoint,
    partial: np.ndarray,
    outside: float,
) -> Arrays:
    """DebtRank: equity is the width of the segment; its relative loss is the rate of all debts."""
    net, price, rate = result.network, done.at(moves), system.rate
    by_equity = -rate * price
    assets = partial[ASSETS] + by_equity
    owed = partial[DUE] - by_equity
    lent = (partial[CLAIMS] + by_equity)[net.creditor]
    lost = rate[net.debtor] * (outside - done.worth[net.creditor])
    by_claim = lent + owed[net.debtor] + lost
    funded, clear = _funded(net, by_claim, assets), np.zeros(len(lost), bool)
    return assets, partial[SHOCK] + price, owed, by_claim, funded, clear


def _funded(network: ExposureNetwork, by_claim: np.ndarray, assets: np.ndarray) -> np.ndarray:
    """(m,) derivatives by an amount that also moves external assets."""
    return np.asarray(by_claim - assets[network.creditor] + assets[network.debtor])


def _rules(network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray]:
    """(n,) bool: claims share pro rata in tiers; external creditors share with a tier."""
    rules, of = network.distinct_rules()
    simple = np.array([_tiered(rule) for rule in rules], bool)[of]
    default = 1.0 if network.external_creditors == "pari_passu" else 0.0
    if "external_tier" not in network.nodes:
        return simple, np.full(len(network), default > 0)
    tier = pd.to_numeric(network.nodes["external_tier"]).to_numpy(float, na_value=np.nan)
    return simple, np.where(np.isnan(tier), default, tier) > 0


def _tiered(rule: Rule) -> bool:
    """Whether every claim belongs to one tier, in which all claims lose the same share."""
    if isinstance(rule, Priority):
        return rule.within == ProRata() and not rule.tiers and rule.tier != "amount"
    if isinstance(rule, (Queue, FirstCome)):
        return rule.by != "amount"
    return rule == ProRata()


def _record(found: Slopes) -> Gradient:
    """The derivatives with their labels, and the reasons for undefined ones."""
    result, net = found.result, found.result.network
    book = net.book
    empty = book.can_fail & (np.nan_to_num(book.equity) == 0) & (not result.model.settles)
    why = {UNKNOWN: ~book.known, EMPTY: empty, ENDLESS: found.endless}
    stands = result.limited & ~result.pinned
    level = np.where(stands, np.abs(result.outcome.equity), np.inf)
    even = level <= kernel.KINK * (book.claims + net.segments.due)
    endless = {ENDLESS: found.endless}
    bad, claims = empty | found.endless, found.claims
    if bad.any():
        claims = np.where(bad[net.creditor] | bad[net.debtor], np.nan, claims)
    tier = {**why, TIER: np.isnan(found.outside)}
    return Gradient(
        network=net,
        of=found.name,
        side=found.side,
        value=found.value,
        external_assets=scored("external_assets", found.assets + 0.0, net.names, why, BY_ASSETS),
        losses=scored("losses", found.shock + 0.0, net.names, endless, BY_LOSSES),
        capital=scored("capital", 0.0 - found.outside, net.names, tier, BY_CAPITAL),
        kinks=int((found.moves.kinked | even).sum()),
        _by_claim=claims,
        _funded=found.funded,
        _unclear=found.unclear,
    )


DEFINITIONS = (
    Measure(
        "loss_gradient",
        "dV / d loss of external assets_i = ∂V/∂loss_i + price of the segment of i that moves, "
        "price = S (∂V/∂unpaid − worth), worth = −∂V/∂lost − price of the moving segment",
        "pure number",
        "after Liu & Staum (2010), Operations Research Letters 38, and Feinstein et al. (2018), "
        "arXiv:1708.01561; the chain rule on the segments of the rules",
        title="gradient of a system loss",
        denominator="one unit of external assets lost at i",
    ),
)
