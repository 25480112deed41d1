"""The loss of the system, and how much depends on single nodes: runs with and without them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ..errors import ConvergenceError, ModelError, ShockError, expect
from ..media import shown
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..parallel import each
from ..results.ledger import entries
from ..results.outcome import Outcome
from ..results.run_arrays import claim_losses
from ..shocks import Shock
from ..text import choice, same_scale
from .registry import Measure

Of = Literal["owners", "external creditors", "everybody", "socialized"]
CHUNK = 2**21  # entries of the loss matrix held at a time


@dataclass(frozen=True, eq=False, repr=False)
class Attribution:
    """A total, split over players; the parts sum to it.

    Attributes
    ----------
    values : amount attributed to each player, in `unit`.
    standard_errors : of each value; 0 without sampling, nan if not known.
    total : the sum of the values.
    exact : True if nothing was sampled or truncated.
    evaluations : model runs (coalitions, points); 0 if computed from given samples.
    reached : whether the target error was reached.
    method, unit : text for display.
    """

    values: pd.Series
    standard_errors: pd.Series
    total: float
    exact: bool
    evaluations: int
    reached: bool = True
    method: str = "Shapley"
    unit: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """One row a player, largest first: value, standard_error, share (nan for a total of 0)."""
        share = self.values / self.total if self.total else self.values * np.nan
        columns = {"value": self.values, "standard_error": self.standard_errors, "share": share}
        return pd.DataFrame(columns).sort_values("value", ascending=False, kind="stable")

    @shown
    def __repr__(self) -> str:
        made = f"{self.evaluations:,} evaluations" if self.evaluations else "from samples"
        error = float(self.standard_errors.max())
        say = same_scale([self.total, *self.values], self.unit)
        sampled = f"standard errors up to {say(error)}"
        how = "exact" if self.exact else sampled if error else "truncated at the tolerance"
        lines = [f"{self.method}: {say(self.total)}, {made}, {how}"]
        if not self.reached:
            lines.append("  the target error is not reached")
        for row in self.table.head(8).itertuples():
            share = "" if np.isnan(row.share) else f" ({row.share:.1%})"  # type: ignore[arg-type]
            lines.append(f"  {row.Index}: {say(float(row.value))}{share}")  # type: ignore[arg-type]
        if len(self.values) > 8:
            lines.append(f"  and {len(self.values) - 8:,} more")
        return "\n".join(lines)


@dataclass(frozen=True)
class SystemLoss:
    """Total loss that a shock causes, relative to the run without the shock, in money.

        owners               Σ_j ℓ_j,  ℓ_j the fall of max(equity, 0) of j
        external creditors   Σ_j (payments of j outside the graph without the shock − with it)
        everybody            the sum of both
        socialized           everybody − the immediate loss of the owners of the nodes hit

    See :mod:`contagion.results.ledger`. If nodes hold shares in each other, only owners that are
    not nodes themselves count, which avoids double counting. For nodes that cannot default, or
    whose balance sheet is unknown, the loss is not capped at equity, as in `result.loss`.

    Parameters
    ----------
    network, model : any model; all but "owners" needs one that settles claims.
    of : whose losses count.

    Raises
    ------
    ModelError : for losses that the model does not compute.
    ConvergenceError : by a call, if the model does not converge in a scenario.

    Example
    -------
    >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 1])
    >>> from contagion import EisenbergNoe
    >>> SystemLoss(net, EisenbergNoe())(np.array([[0.0, 0.0], [3.0, 0.0]]))  # 1 of a, 2 of b
    array([0., 3.])
    """

    network: ExposureNetwork
    model: Model
    of: Of = "owners"
    base: Outcome = field(init=False, repr=False)

    def __post_init__(self) -> None:
        expect(network=self.network, model=self.model)
        choice(self.of, get_args(Of), "of")
        if self.of != "owners" and not self.model.settles:
            raise ModelError(
                f"{type(self.model).__name__} does not compute losses of {self.of!r}, it does not "
                "settle claims. Take of='owners'."
            )
        nothing = np.zeros(len(self.network))
        object.__setattr__(self, "base", solved(self.model, self.network, nothing, None))

    def __call__(self, losses: np.ndarray, pins: np.ndarray | None = None) -> np.ndarray:
        """Total loss (B,) by losses on external assets (B, n) and recoveries (B, n), in batches."""
        size = max(1, CHUNK // len(self.network))
        parts = [
            self._of(losses[at : at + size], None if pins is None else pins[at : at + size])
            for at in range(0, len(losses), size)
        ]
        return np.concatenate(parts)

    def owners(self, outcome: Outcome, losses: np.ndarray, pins: np.ndarray | None) -> np.ndarray:
        """(B, n) losses of the owners of each node that are not nodes themselves."""
        found = entries(self.network, outcome, self.base, Hit(losses, pins))
        return np.asarray(found.shock + found.contagion)

    def _of(self, losses: np.ndarray, pins: np.ndarray | None) -> np.ndarray:
        outcome = solved(self.model, self.network, losses, pins)
        found = entries(self.network, outcome, self.base, Hit(losses, pins))
        if self.of == "socialized":
            return found.socialized
        borne = found.borne.sum(axis=1)
        owners, external = borne[:, 0] + borne[:, 1], borne[:, 2]
        return np.asarray(
            {"owners": owners, "external creditors": external}.get(self.of, owners + external)
        )


def solved(
    model: Model, network: ExposureNetwork, losses: np.ndarray, pins: np.ndarray | None
) -> Outcome:
    """The outcome of scenarios (..., n); `ConvergenceError` if one did not converge."""
    if pins is not None and np.isnan(pins).all():
        pins = None
    outcome = model.solve(network, losses, pins)
    bad = int((~np.atleast_1d(outcome.converged)).sum())
    if bad:
        raise ConvergenceError(
            f"{type(model).__name__} did not converge in {bad:,} of "
            f"{np.size(outcome.converged):,} scenarios. Raise max_rounds.",
            outcome,
        )
    return outcome


def triggers_of(
    network: ExposureNetwork, shock: Shock | Iterable[Any], model: Model
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nodes that a shock hits (k,), its losses (n,) and recoveries (n,).

    If `shock` is a list of node names, each defaults with recovery 0. Raises `ShockError` for a
    shock that hits no node.
    """
    if not isinstance(shock, Shock):
        if isinstance(shock, str) or not isinstance(shock, Iterable):
            expect(shock=shock)
        shock = Shock.default(shock)
    whole = model.in_money(network, shock, "an attribution to nodes")
    losses, pins = whole.losses, whole.pins
    hit = np.flatnonzero((losses > 0) | ~np.isnan(pins))
    if not len(hit):
        raise ShockError("The shock hits no node: there is no loss to attribute.")
    return hit, losses, pins


def coalition_losses(
    loss: SystemLoss, hit: np.ndarray, losses: np.ndarray, pins: np.ndarray, masks: np.ndarray
) -> np.ndarray:
    """Value (B,) of coalitions (B, k): the shock hits only the triggers in each. In batches."""
    n, parts = len(losses), []
    size = max(1, CHUNK // n)
    for at in range(0, len(masks), size):
        part = masks[at : at + size]
        some, some_pins = np.zeros((len(part), n)), np.full((len(part), n), np.nan)
        some[:, hit] = np.where(part, losses[hit], 0.0)
        some_pins[:, hit] = np.where(part, pins[hit], np.nan)
        parts.append(loss(some, some_pins))
    return np.concatenate(parts)


def leave_one_out(
    network: ExposureNetwork,
    model: Model,
    shock: Shock | Iterable[Any],
    *,
    of: Of = "owners",
) -> pd.DataFrame:
    """System loss without each trigger, and with each trigger alone, in one batch of runs.

        averted_i = v(all) − v(all but i),     alone_i = v(i)

    Parameters
    ----------
    network, model : any model.
    shock : a shock, or names of nodes that default with recovery 0. The loss and the default of one
        node are kept or removed together.
    of : whose losses, see :class:`SystemLoss`.

    Returns
    -------
    DataFrame, one row a trigger, largest first, money: `total` (the whole shock), `without`,
    `averted`, `alone`. The sum of `averted` is below the total if the effects of defaults overlap,
    and above it if they reinforce each other; `shapley_of_defaults` splits the total.

    Raises
    ------
    ShockError, ModelError, ConvergenceError : as in :class:`SystemLoss` and `Shock.arrays`;
        ShockError for a shock that hits no node.

    Example
    -------
    c (capital 3) has claims of 2 on a and 2 on b: one default costs it 2, both together cost 3.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0, 2], [0, 0, 2], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", equity=[1, 1, 3])
    >>> leave_one_out(net, ct.EisenbergNoe(), ["a", "b"]).loc["a"].tolist()  # 1 + 1 + 3
    [5.0, 3.0, 2.0, 3.0]

    Source: own definition.
    """
    loss = SystemLoss(network, model, of)
    hit, losses, pins = triggers_of(network, shock, model)
    k = len(hit)
    one = np.eye(k, dtype=bool)
    worth = coalition_losses(
        loss, hit, losses, pins, np.concatenate([np.ones((1, k), bool), ~one, one])
    )
    total, without, alone = worth[0], worth[1 : k + 1], worth[k + 1 :]
    table = {"total": total, "without": without, "averted": total - without, "alone": alone}
    frame = pd.DataFrame(table, index=network.names[hit])
    return frame.sort_values("averted", ascending=False, kind="stable")


def protection(
    network: ExposureNetwork,
    model: Model,
    shock: Shock | Iterable[Any],
    *,
    nodes: Iterable[Any] | None = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Losses of the other nodes that are averted if one node pays its debts in full in any case.

        averted_i = Σ_{j≠i} ℓ_j(shock) − Σ_{j≠i} ℓ_j(shock, i pays in full)
        cost_i    = support that i then needs to pay in full: max(−equity_i, 0)

    A node that the shock sets to default (`Shock.default`) still defaults, but its creditors are
    paid in full: its cost is the part of its debts that the shock leaves unpaid. Any other node is
    run as one that cannot default.

    Parameters
    ----------
    network, model : any model. One run for each node in `nodes`.
    shock : a shock, or names of nodes that default with recovery 0.
    nodes : nodes to protect, one at a time; by default all whose creditors lose in the shock.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Returns
    -------
    DataFrame, one row a node, largest first: averted (money, owners of all other nodes), cost
    (money), ratio (averted / cost, nan where the cost is 0).

    Raises
    ------
    ShockError, ConvergenceError, UnknownNameError : as in `leave_one_out`; UnknownNameError for an
        unknown node, with the closest name.

    Example
    -------
    a defaults and owes b 10, b (capital 3) owes c 6, c has capital 4. Paying for a costs 10 and
    averts the losses of b and c (7); paying for b costs its shortfall of 7 and averts the 4 of c.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 6], [0, 0, 0]], list("abc"),
    ...     orientation="debtor->creditor", equity=[1, 3, 4])
    >>> protection(net, ct.EisenbergNoe(), ["a"])[["averted", "cost"]].values.tolist()
    [[7.0, 10.0], [4.0, 7.0]]

    Source: own definition.
    """
    loss = SystemLoss(network, model)
    _, losses, pins = triggers_of(network, shock, model)
    whole = solved(model, network, losses[None], pins[None])
    owners = loss.owners(whole, losses[None], pins[None])[0]
    rows = _failing(network, whole) if nodes is None else [network.position(x) for x in nodes]
    tasks = [(loss, losses, pins, owners, i) for i in rows]
    found = each(_paying, tasks, n_jobs=n_jobs, progress=progress, label="protection", unit="node")
    averted, cost = np.array(list(found), float).reshape(-1, 2).T
    ratio = np.divide(averted, cost, out=np.full(len(rows), np.nan), where=cost > 0)
    frame = pd.DataFrame(
        {"averted": averted, "cost": cost, "ratio": ratio}, index=network.names[rows]
    )
    return frame.sort_values("averted", ascending=False, kind="stable")


def _paying(
    loss: SystemLoss, losses: np.ndarray, pins: np.ndarray, owners: np.ndarray, i: int
) -> tuple[float, float]:
    """Losses of others averted if node i pays in full, and the cost of it."""
    network, paid = loss.network, pins.copy()
    changed = network
    if np.isnan(pins[i]):
        changed = network.with_nodes(can_fail={network.names[i]: False})
    else:
        paid[i] = 1.0
    outcome = solved(loss.model, changed, losses[None], paid[None])
    after = loss.owners(outcome, losses[None], paid[None])[0]
    lacks = np.maximum(-outcome.equity[0, i], 0.0)
    cost = lacks if np.isnan(pins[i]) else (1.0 - pins[i]) * network.segments.due[i]
    return float(np.delete(owners - after, i).sum()), float(cost)


def _failing(network: ExposureNetwork, outcome: Outcome) -> list[int]:
    """Debtors whose creditors in the graph have losses."""
    unpaid = np.bincount(network.debtor, claim_losses(network, outcome)[0], len(network))
    return [int(i) for i in np.flatnonzero(unpaid > 1e-10 * network.book.debts)]


DEFINITIONS = (
    Measure(
        "averted",
        "v(shock) − v(shock without i)",
        "money",
        "own definition; v as in attribution.SystemLoss",
        title="loss averted without it",
    ),
)
