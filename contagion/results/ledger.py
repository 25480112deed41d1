"""The ledger: the losses that the shock causes, by bearer, as arrays for a batch and as a table.

The *reference* is the same model without the shock; every amount is an increment over it, in the
unit of the network. Owners of a node that are nodes themselves are excluded: their losses are
counted at these nodes, so no loss is counted twice.

    shock_i      = d_i,   d_i = min(initial_i, e_i⁺, owners' loss_i)     e_i equity in the reference
    contagion_i  = owners' loss_i − d_i, plus all losses of the external creditors of i
    Σ (shock + contagion) = initial loss + deadweight + relief

`initial_i` is the value that the shock destroys at node i. The bound e_i⁺ does not apply where
liability is unlimited or the balance sheet is unknown. If nodes own a part of i, that part of d_i
is passed on to them and to their owners as `shock`, with their debts held at the payments of the
reference: splitting a firm into a holding and a subsidiary changes nothing. *Relief* is a gain
because of the shock (e.g. of a guarantor that is no longer called); it is never netted against
losses. The split is continuous in the shock. Shortfalls of the reference against book values are
a separate ledger, see :func:`missing_before`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..kernels.calls import by_node
from ..kernels.ownership import equities
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from .outcome import Outcome

NEGLIGIBLE = 1e-10  # residual of the solver, relative to the balance sheet
ROUNDING = 1e-12  # rounding error, relative to the deadweight of a node or to its balance sheet
CAUSES = {"price": "falling prices", "funding": "forced sales", "failure costs": "failure costs",
          "liquidations": "forced sales"}  # fmt: skip
SHOCK, CONTAGION, MISSING = "shock", "contagion", "missing before"
MEANING = {
    "bearer": "node that bears the loss, or whose owners or external creditors bear it",
    "role": "owners, holder (balance sheet not known) or external creditors of the node",
    "cause": "shock, contagion, or missing before the shock",
    "hop": "steps from the nearest node hit, -1 if no loss of the shock reaches the node",
    "rule": "how the loss was assigned",
    "amount": "amount in the unit of the network",
}
COLUMNS = [*MEANING]


@dataclass(frozen=True, eq=False)
class Ledger:
    """Losses that the shock causes; arrays (..., n) of amounts, increments over the reference.

    Attributes
    ----------
    triggers : bool, nodes that the shock hits.
    initial : value that it destroys at each node; for a default set by the shock, the assets of the
        node at the prices of the reference, minus its payments and its losses on claims.
    direct : d, direct loss of all owners of the node, including owners that are nodes.
    shock, contagion : direct loss of its owners outside the graph, and their remaining loss.
    external : loss of its external creditors, all of it contagion; `None` for models that do
        not settle claims.
    relief : gain of owners and external creditors because of the shock, >= 0.
    deadweight : {cause: value destroyed during contagion}, negative where the shock reduces the
        deadweight of the reference.
    """

    triggers: np.ndarray
    initial: np.ndarray
    direct: np.ndarray
    shock: np.ndarray
    contagion: np.ndarray
    external: np.ndarray | None
    relief: np.ndarray
    deadweight: dict[str, np.ndarray]

    @property
    def outside(self) -> np.ndarray:
        """(..., n) loss of external creditors, 0 for models that do not settle claims."""
        return np.zeros_like(self.contagion) if self.external is None else self.external

    @property
    def borne(self) -> np.ndarray:
        """(..., n, 3) losses of owners by shock, of owners by contagion, of external creditors."""
        return np.stack([self.shock, self.contagion, self.outside], axis=-1)

    @property
    def socialized(self) -> np.ndarray:
        """(...,) the socialized loss, Σ contagion."""
        return np.asarray((self.contagion + self.outside).sum(axis=-1))

    @property
    def destroyed(self) -> np.ndarray:
        """(..., n) deadweight at each node, sum over the causes."""
        return np.asarray(sum(self.deadweight.values(), np.zeros_like(self.initial)))


def entries(
    network: ExposureNetwork,
    outcome: Outcome,
    reference: Outcome,
    hit: Hit,
) -> Ledger:
    """The ledger of one scenario or a batch.

    Parameters
    ----------
    network : the exposures.
    outcome : (..., n) with the shock; reference : (n,) without it.
    hit : the shock, losses (..., n).

    Example
    -------
    a (equity 2) owes b (equity 3) 10 and loses 8. The owners of a bear 2 at once, the owners of b
    bear 3 by contagion, and the depositors of b bear the remaining 3.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 1], external_liabilities=[0, 8])
    >>> hit = Hit(np.array([[8.0, 0.0], [0.0, 0.0]]))
    >>> model = ct.EisenbergNoe()
    >>> found = entries(net, model.solve(net, *hit), model.solve(net, np.zeros(2)), hit)
    >>> found.borne[0].tolist(), found.socialized.tolist()
    ([[2.0, 0.0, 0.0], [0.0, 3.0, 3.0]], [6.0, 0.0])
    """
    losses, pins = hit.losses, hit.recoveries
    pins = None if pins is None or np.isnan(pins).all() else pins
    initial = np.asarray(losses, float)
    if outcome.marked is not None:
        initial = initial + np.maximum(-outcome.marked, 0.0)
    deadweight = _deadweight(outcome, reference)
    if pins is not None:
        pinned = ~np.isnan(pins)
        gone = pinned_losses(network, outcome, pins, reference.claims_lost)
        initial = np.where(pinned, gone, initial)
        _marked(initial, deadweight, pinned, reference)
    loss = owners_loss(network, outcome, reference, hit)
    direct, shock, owners = _direct(network, outcome, reference, initial, loss, pins)
    contagion, external = owners - shock, None
    relief = np.maximum(-contagion, 0.0)
    if outcome.external_paid is not None and reference.external_paid is not None:
        external = reference.external_paid - outcome.external_paid
        relief += np.maximum(-external, 0.0)
        np.maximum(external, 0.0, out=external)
    if pins is not None:  # owners with unlimited liability whose node the shock sets to default
        relief += np.where(pinned & _bottomless(network), _hole(reference), 0.0)
    np.maximum(contagion, 0.0, out=contagion)
    return Ledger(
        triggers(hit, outcome), initial, direct, shock, contagion, external, relief, deadweight
    )


def triggers(hit: Hit, outcome: Outcome) -> np.ndarray:
    """(..., n) bool: the nodes that the shock hits, on the balance sheet or on margin positions."""
    return hit.triggers if outcome.marked is None else hit.triggers | (outcome.marked < 0)


def missing_before(network: ExposureNetwork, reference: Outcome) -> Ledger:
    """The ledger of the reference against book values: all its losses are missing before."""
    return entries(network, reference, at_face(network), Hit(np.zeros(len(network))))


def at_face(network: ExposureNetwork) -> Outcome:
    """The outcome (n,) without losses, in which all debts are paid at face value."""
    book, none, zero = network.book, np.zeros(len(network)), np.zeros(())
    flags = np.zeros(len(network), bool), np.zeros((), int), zero, np.ones((), bool)
    paid = book.stated_liabilities
    calls = network.segments.calls
    called = None if calls is None else np.zeros(len(calls.cap))
    return Outcome(
        book.equity, none, *flags, external_paid=paid, deadweight=none, called=called, unmet=called,
        unpaid=np.zeros(len(network.segments.owner)),
    )  # fmt: skip


# -- losses at each node ------------------------------------------------------------------------


def owners_loss(
    network: ExposureNetwork,
    outcome: Outcome,
    reference: Outcome,
    hit: Hit,
) -> np.ndarray:
    """(..., n) loss of all owners of each node, including owners that are nodes.

    The fall of `max(equity, 0)`. For a node that cannot default, or whose balance sheet is unknown,
    the loss on assets and claims is not capped at equity.
    """
    book, before = network.book, np.maximum(np.nan_to_num(reference.equity), 0.0)
    gain = 0.0 if outcome.marked is None else np.maximum(outcome.marked, 0.0)
    loss = np.asarray(before + gain - np.maximum(outcome.equity, 0.0))
    free = ~(book.can_fail & book.known)
    if free.any():
        lost = outcome.lost[..., free] - reference.lost[free]
        apart = hit.losses[..., free] + lost
        if outcome.marked is not None:
            apart = apart + np.maximum(outcome.marked, 0.0)[..., free]
        if (pins := hit.recoveries) is not None:
            passed = (1.0 - pins) * (network.segments.due + _called(network, outcome))
            rest = np.maximum(lost - passed[..., free], 0.0)
            within = np.where(book.known[free], loss[..., free], rest)
            apart = np.where(np.isnan(pins[..., free]), apart, within)
        loss[..., free] = apart
    return loss


def pinned_losses(
    network: ExposureNetwork, outcome: Outcome, pins: np.ndarray, before: np.ndarray | float = 0.0
) -> np.ndarray:
    """(..., n) value destroyed at each node if the shock sets it to default.

    That is `assets − payments` at the solution. The node's own losses on claims in the graph are
    subtracted from its assets, because they are counted at the nodes where they began. Where the
    balance sheet is unknown, it is the shortfall of the creditors minus the losses of the node on
    its claims because of the shock.
    """
    book, due, calls = network.book, network.segments.due, _called(network, outcome)
    rate, lost = np.nan_to_num(pins), outcome.claims_lost
    held = book.external_assets + book.claims + book.shares
    known = held - lost + (1 - rate) * calls - rate * due
    unknown = np.maximum((1 - rate) * (due + calls) - (lost - before), 0.0)
    return np.asarray(np.where(np.isnan(known), unknown, known))


def _called(network: ExposureNetwork, outcome: Outcome) -> np.ndarray | float:
    """(..., n) sum of the calls on the node as a guarantor."""
    calls = network.segments.calls
    if calls is None or outcome.called is None:
        return 0.0
    return by_node(calls.guarantor, outcome.called, len(network))


def _bottomless(network: ExposureNetwork) -> np.ndarray:
    return np.asarray(~network.book.can_fail & network.book.known)


def _hole(outcome: Outcome) -> np.ndarray:
    return np.asarray(np.maximum(-np.nan_to_num(outcome.equity), 0.0))


def _deadweight(outcome: Outcome, reference: Outcome) -> dict[str, np.ndarray]:
    """Deadweight at each node, {cause: (..., n)}, over the reference.

    Causes are "default costs" for models that settle claims, and, where the model has them,
    "falling prices" (of assets that several nodes sell), "forced sales" (costs of raising cash)
    and "failure costs".
    """
    before = reference.channels or {}
    found = {
        CAUSES[name]: np.asarray(money - before.get(name, 0.0))
        for name, money in (outcome.channels or {}).items()
        if name in CAUSES
    }
    if outcome.external_paid is None:
        return found
    assert outcome.deadweight is not None and reference.deadweight is not None
    dead = outcome.deadweight - reference.deadweight
    rest = dead - sum(found.values(), np.zeros_like(dead))
    scale = ROUNDING * (np.abs(outcome.deadweight) + np.abs(reference.deadweight))
    return {"default costs": np.where(np.abs(rest) > scale, rest, 0.0), **found}


def _marked(
    initial: np.ndarray, deadweight: dict[str, np.ndarray], pinned: np.ndarray, reference: Outcome
) -> None:
    """Value the initial loss of a default set by the shock at the prices of the reference."""
    if (fell := (reference.channels or {}).get("price")) is not None:
        marked = np.where(pinned, fell, 0.0)
        initial -= marked
        deadweight["falling prices"] = deadweight["falling prices"] + marked


def _direct(
    network: ExposureNetwork,
    outcome: Outcome,
    reference: Outcome,
    initial: np.ndarray,
    loss: np.ndarray,
    pins: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """d (..., n), the part of d borne by owners outside the graph, and their part of the loss."""
    book, before = network.book, np.maximum(np.nan_to_num(reference.equity), 0.0)
    limited = book.can_fail & book.known
    if pins is not None:
        limited = limited | (book.known & ~np.isnan(pins))
    most = np.maximum(initial, 0.0)
    if network._shareholdings is not None:
        held = network.ownership
        base = reference.equity - held @ before - most
        alone = equities(held, base.reshape(-1, len(before)).T).T.reshape(base.shape)
        fall = before - np.maximum(np.nan_to_num(alone), 0.0)
        most = most + (held @ fall.reshape(-1, len(before)).T).T.reshape(fall.shape)
        most = np.where(limited, fall, most)
    direct = np.minimum(most, np.where(limited, before, np.inf))
    np.minimum(direct, np.maximum(loss, 0.0), out=direct)
    if network._shareholdings is None:
        return direct, direct, loss
    owned = np.asarray(held.sum(axis=0)).ravel()
    end = np.maximum(np.nan_to_num(outcome.equity), 0.0)
    size = np.abs(np.nan_to_num(reference.equity)) + book.claims + network.segments.due
    fall = np.where(np.abs(before - end) > ROUNDING * size, before - end, 0.0)
    return direct, direct - owned * np.minimum(direct, fall), loss - owned * fall


# -- the table ----------------------------------------------------------------------------------


def table(
    network: ExposureNetwork, found: Ledger, hop: np.ndarray, before: Ledger | None = None
) -> pd.DataFrame:
    """The ledger of one scenario as a table, largest amount first.

    Parameters
    ----------
    found : of one scenario; before : the ledger of amounts missing before it, in separate rows.
    hop : (n,) steps from the nodes hit, see :func:`contagion.results.hops.hops`.

    Returns
    -------
    One row a bearer, role and cause: bearer (node), role ("owners" of the node that are not nodes
    themselves, "holder" for a node with unknown balance sheet, "external creditors" of the node),
    cause ("shock", "contagion", "missing before"), hop (steps from the shock; 0 for owners of a
    node that was hit, one more for external creditors than for owners, -1 if no loss of the shock
    reaches the node), rule (how the loss was assigned), amount. Rounding errors have no row.
    """
    book = network.book
    owner = np.where(book.known, "owners", "holder").astype(object)
    rules, of = network.distinct_rules()
    words = np.array([rule.word for rule in rules], object)[of]
    outer = np.where(hop < 0, -1, hop + 1)
    alike = np.full(len(network), "residual", object)
    outside = np.full(len(network), "external creditors", object)
    sides = [
        (SHOCK, owner, hop, alike, found.shock),
        (CONTAGION, owner, hop, alike, found.contagion),
        (CONTAGION, outside, outer, words, found.outside),
    ]
    if before is not None:
        never = np.full(len(network), -1)
        sides += [
            (MISSING, owner, never, alike, before.contagion),
            (MISSING, outside, never, words, before.outside),
        ]
    floor, parts = noise(network), []
    for cause, role, step, rule, amount in sides:
        at = np.flatnonzero(amount > floor)
        parts.append(
            pd.DataFrame(
                dict(zip(COLUMNS, (network.names.take(at), role[at], cause, step[at], rule[at],
                                   amount[at]), strict=True))
            )
        )  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    return frame.sort_values("amount", ascending=False, kind="stable", ignore_index=True)


def noise(network: ExposureNetwork) -> np.ndarray:
    """(n,) amounts below which a loss of a node counts as 0: the residual of the solver."""
    return np.asarray(NEGLIGIBLE * (network.book.claims + network.segments.due))
