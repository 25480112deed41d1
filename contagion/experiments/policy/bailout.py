"""The cash injections that repay most debt: a linear programme, confirmed by a model run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ModelError, PolicyError, expect
from ...media import shown
from ...models import EisenbergNoe
from ...network.exposure_network import ExposureNetwork
from ...results.outcome import Outcome
from ...shocks import Shock
from ...text import listing, plural, same_scale
from .intervention import rows_of
from .money_interventions import Capital, with_cash
from .program import Program

NEAR = 1e-6  # of the balance sheets: largest difference between the programme and the model run


@dataclass(frozen=True, eq=False, repr=False)
class Bailout:
    """The share of each node in a budget, and the debts that it repays.

    Attributes
    ----------
    table : DataFrame, one row a node: injection, unpaid_before, unpaid_after (of all its debts, in
        the graph and outside), weight; money.
    budget : money available; `spent` is the part used.
    avoided : weighted reduction of unpaid debts, money.
    shadow_price : debts that one more unit of the budget would repay. For a mixed-integer programme
        it assumes unchanged switches; a change of a switch may repay more.
    switches : number of binary variables (switches of segments); 0: the programme is linear.
    gap : relative difference between the solved programme and its dual.
    verified : a model run with the injections confirms the repayments of the programme.
    unit : of money.
    """

    table: pd.DataFrame
    budget: float
    avoided: float
    shadow_price: float
    switches: int
    gap: float
    verified: bool
    unit: str

    @property
    def injections(self) -> pd.Series:
        """Injections above 0 by node, largest first, money."""
        given = self.table["injection"]
        return given[given > 0].sort_values(ascending=False, kind="stable")

    @property
    def spent(self) -> float:
        """Money that is used."""
        return float(self.table["injection"].sum())

    @property
    def intervention(self) -> Capital:
        """The injections as an intervention, to compare with others."""
        return Capital(add={node: float(x) for node, x in self.injections.items()})

    @shown
    def __repr__(self) -> str:
        given = self.injections
        say = same_scale([*given, self.spent, self.budget, self.avoided], self.unit)
        who = ", ".join(f"{node} {say(x)}" for node, x in given.head(5).items()) or "no node"
        more = f" and {len(given) - 5} more" if len(given) > 5 else ""
        kind = "linear programme"
        if self.switches:
            kind = f"mixed-integer programme, {plural(self.switches, 'switch', 'switches')}"
        lines = [
            f"Bailout of {say(self.spent)} (budget {say(self.budget)}): {who}{more}",
            f"  unpaid debts fall by {say(self.avoided)}"
            + ("" if (self.table["weight"] == 1).all() else " (weighted)")
            + f"; one more unit would repay {self.shadow_price:.4g}",
            f"  {kind}, within {self.gap:.0e} of its dual; "
            + ("run with the model" if self.verified else "NOT confirmed by a run of the model"),
        ]
        return "\n".join(textwrap.fill(line, 79, subsequent_indent="    ") for line in lines)


def optimal_bailout(
    network: ExposureNetwork,
    shock: Shock,
    budget: float,
    *,
    nodes: Iterable[Any] | None = None,
    weights: Mapping[Any, float] | None = None,
    seconds: float = 60.0,
) -> Bailout:
    """The cash injections that repay most debt, in clearing without default costs.

        max Σ_i v_i d_i    over   s >= 0,  Σ_i s_i <= budget
        d_i <= due_i,   d_i <= f_i                          payments of node i to all its creditors
        p_k <= w_k,     p_k <= f_i − b_k                    its payments on segment k
        f_i = e_i + s_i + claims_i − Σ_k S_ki (w_k − p_k)   its funds after the shock

    with v the weights, e the external assets after the shock, w and b the width and start of the
    segments of its rule, and S the shares of their holders. Every feasible p is at most the
    clearing payments for s, and these are feasible, so the optimum is a clearing vector.

    No switch is needed if a segment starts at 0 (claims pro rata, with external creditors pari
    passu or none), or if the funds of its owner cannot cross its start within the budget; this is
    tested by two clearing runs, with no injection and with the full budget at every node. Any other
    segment (claims behind senior creditors, layers of a waterfall) needs a binary switch,
    p_k <= w_k u_k with u_k 0 or 1: the programme is then mixed-integer, also exact but slower.

    Among the injections with the same repayment, one with the smallest sum is returned.

    Parameters
    ----------
    network : any rules; no guarantees or shareholdings.
    shock : the shock before the injections. The payments of nodes that it sets to default are
        fixed by their recovery rate.
    budget : money >= 0.
    nodes : nodes that may get cash; by default all with a known balance sheet that can fail.
    weights : {node: v >= 0} of the debts of each node, by default 1. Repayments along a chain count
        at every node of the chain, as in :func:`contagion.measures.threat_index`.
    seconds : time limit of a mixed-integer programme.

    Raises
    ------
    PolicyError : for a budget or weight below 0, an unknown node, or a programme that is not solved
        in time.
    ModelError : for networks with guarantees or shareholdings.
    ArithmeticError : if the solved programme and its dual differ.

    Example
    -------
    a owes b 10 and has 6, b owes c 8 and has 1 + 6: the first unit at a repays 1 of the debt of a
    and 1 of the debt of b. Then c is paid in full, and the second unit only repays debt of a.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 8], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", external_assets=[12, 1, 5])
    >>> found = optimal_bailout(net, ct.Shock.loss({"a": 6}), budget=2.0)
    >>> found.injections.to_dict(), round(found.avoided, 6), round(found.shadow_price, 6)
    ({'a': 2.0}, 3.0, 1.0)

    Source: after Li, Lin, Peleato-Inarrea & Pollak (2014), arXiv:1410.2570 (abstract read: weighted
    unpaid liabilities under a budget are a linear programme), and Pokutta, Schmaltz & Stiller
    (2011), SSRN 1773089 (abstract read: optimal bailouts for a budget). Segments, switches and the
    test of whether they are needed are ours. The shadow price is the largest threat index of
    Demange (2018), Management Science 64(2) (abstract read) after the injections, or more if cash
    can be taken from a node that others now pay. With default costs the problem is NP-hard
    (arXiv:2202.10986, an appendix read), and not computed here.
    """
    expect(network=network, shock=shock)
    if not (np.isfinite(budget) and budget >= 0):
        raise PolicyError(f"budget={budget!r}: money >= 0.")
    if network._guarantees is not None or network._shareholdings is not None:
        raise ModelError(
            "optimal_bailout does not compute guarantees and shareholdings. Leave them out: "
            "net.with_guarantees(None), net.with_shareholdings(None)."
        )
    hit = shock.arrays(network)
    losses, pins = hit.losses, hit.pins
    v = _weights(network, weights)
    open_to = np.zeros(len(network), bool)
    open_to[rows_of(network, nodes, "optimal_bailout")] = True
    open_to &= np.isnan(pins) & network.book.can_fail
    model = EisenbergNoe(tolerance=1e-12)
    whole = model.solve(with_cash(network, budget * open_to, "A bailout"), losses[None], pins[None])
    none = model.solve(network, losses[None], pins[None])
    program = Program.of(network, losses, pins, funds(network, none), funds(network, whole))
    solved = program.solve(float(budget), open_to, v, seconds)
    given = solved.injections
    after = model.solve(with_cash(network, given, "A bailout"), losses[None], pins[None])
    before, left = _unpaid(network, none), _unpaid(network, after)
    scale = float((network.book.claims + network.segments.due).sum())
    said = network.segments.due - solved.paid
    verified = bool(np.abs((said - left) * (v > 0)).sum() <= NEAR * max(scale, 1e-300))
    table = pd.DataFrame(
        {"injection": given, "unpaid_before": before, "unpaid_after": left, "weight": v},
        index=network.names,
    )
    return Bailout(
        table,
        float(budget),
        float(v @ (before - left)),
        solved.price,
        solved.switches,
        solved.gap,
        verified,
        network.unit,
    )


def funds(network: ExposureNetwork, outcome: Outcome) -> np.ndarray:
    """(n,) funds of each node for payments, from an outcome of one scenario."""
    due, book = network.segments.due, network.book
    assert outcome.claims_lost is not None
    kept = np.nan_to_num(outcome.equity[0]) + due
    return np.asarray(np.where(book.known, kept, due))


def _unpaid(network: ExposureNetwork, outcome: Outcome) -> np.ndarray:
    """(n,) unpaid debts of each node to all creditors."""
    assert outcome.payments is not None and outcome.external_paid is not None
    short = network.segments.due - outcome.payments[0] - outcome.external_paid[0]
    return np.asarray(np.where(short > 1e-12 * network.segments.due, short, 0.0))


def _weights(network: ExposureNetwork, given: Mapping[Any, float] | None) -> np.ndarray:
    v = np.ones(len(network))
    for node, value in (given or {}).items():
        v[network.position(node)] = value
    wrong = ~(np.isfinite(v) & (v >= 0))
    if wrong.any():
        raise PolicyError(f"The weight of {listing(network.names[wrong])} has to be >= 0.")
    return v
