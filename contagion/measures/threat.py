"""The threat index: the increase in total debt repayments by one more unit of cash at a node."""

from __future__ import annotations

import numpy as np

from ..errors import ConvergenceError, ModelError, expect
from ..kernels import adjoint as kernel
from ..kernels.adjoint import Side, System
from ..kernels.clearing import clear
from ..models.base import NO_SHOCK
from ..network.exposure_network import ExposureNetwork
from ..network.hit import external_left
from ..records import Scores
from ..shocks import Shock
from ..text import choice
from .partials import LOST, SHOCK, shortfalls
from .registry import Measure, scored

UNKNOWN = "balance sheet not known"


def threat_index(
    network: ExposureNetwork,
    shock: Shock = NO_SHOCK,
    *,
    side: Side = "gain",
    tolerance: float = 1e-10,
) -> Scores:
    """The increase in total debt repayments by one more unit of cash at a node.

        μ_i = 1 + Σ_{j in default} π_ij μ_j     i in default
        μ_i = 0                                 i solvent

    at the clearing vector of Eisenberg and Noe after the shock, with π the relative liabilities. A
    node in default pays the unit on to its creditors; it counts once at each node in default that
    it passes. With other rules π_i are the shares in the next unit paid: those of the most senior
    claims that are not paid in full. A unit paid to creditors outside the graph counts once. The
    index is minus the derivative of the total shortfall by cash.

    Parameters
    ----------
    network : any rules; guarantees and shareholdings are refused.
    shock : the shock before; without a shock the index is 0 if all nodes are solvent.
    side : "gain" is the effect of more cash: a node that can just pay its debts is solvent;
        "loss" is the effect of one unit less.
    tolerance : as in `EisenbergNoe`.

    Returns
    -------
    Scores : (n,), repayments per unit of cash; nan if the balance sheet is not known. Nodes with a
    recovery rate fixed by the shock have 0, because their payments are fixed.

    Raises
    ------
    ModelError : for a network with guarantees or shareholdings.
    ConvergenceError : if cash would circulate in a closed cycle without limit.
    ShockError : when the shock does not fit the network.

    Example
    -------
    a owes b 10 and has 6, b owes c 8 and has 7: one unit at a repays 1 of a and 1 of b.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 8], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", external_assets=[12, 1, 5])
    >>> threat_index(net, ct.Shock.loss({"a": 6})).tolist()
    [2.0, 1.0, 0.0]

    Source: after Demange (2018), Contagion in financial networks: a threat index, Management
    Science 64(2); the abstract was read (an index of the marginal effect of cash on aggregate debt
    repayments), the formula is the derivative of clearing that the abstract describes.
    """
    expect(network=network, shock=shock)
    choice(side, ("loss", "gain"), "side")
    if network._shareholdings is not None or network._guarantees is not None:
        raise ModelError(
            "The threat index does not compute guarantees and shareholdings. Leave them out: "
            "net.with_guarantees(None), net.with_shareholdings(None)."
        )
    hit = shock.arrays(network)
    losses, pins = hit.losses, hit.pins
    book, due = network.book, network.segments.due
    assets = book.stated_assets
    external = external_left(network, losses)
    done = clear(
        network.segments,
        external[None],
        book.claims,
        book.can_fail,
        pinned=None if np.isnan(pins).all() else pins[None],
        tolerance=tolerance,
    )
    one, free = np.ones(len(network)), book.can_fail & np.isnan(pins)
    slack = kernel.KINK * (assets + book.claims + due)
    system = System(network.segments, done.unpaid[0], done.funds[0], free, one, one, slack)
    moves = kernel.moving(system, side)
    partial = shortfalls(system, due, pins, side)
    found = kernel.adjoint(system, moves, partial[LOST], 0.0)
    if not (done.converged.all() and found.converged):
        raise ConvergenceError(
            "The threat index did not converge. Look for a group of nodes "
            "without own assets or external creditors, in which cash moves in a closed cycle."
        )
    saved = partial[SHOCK] + found.at(moves)
    return scored("threat_index", saved, network.names, {UNKNOWN: ~book.known})


DEFINITIONS = (
    Measure(
        "threat_index",
        "μ_i = 1 + Σ_{j in default} π_ij μ_j for i in default, 0 for the solvent",
        "pure number",
        "after Demange (2018), Management Science 64(2), the marginal effect of cash on the "
        "repayment of all debts; formula derived",
        denominator="one unit of cash at i",
    ),
)
