"""The ultimate holders of an asset or a token, directly or through wrappers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import expect
from ..kernels.linear import Solver
from ..models import EisenbergNoe
from ..network.exposure_network import ExposureNetwork
from ..records import Table, because
from ..shocks import Shock
from .backing import backing, kept, without
from .look_through import alphabet

if TYPE_CHECKING:
    from ..models.base import Model
    from ..results.run_arrays import Baseline

NOT_GIVEN = {"not in the table of nodes": True}
COLUMNS = {
    "holder": "name of the holder",
    "direct": "amount held directly",
    "look_through": "amount held directly and through claims, gross",
    "bag": "part of look_through on which no node in the network has a claim",
    "through": "node or token that accounts for the largest part of look_through",
    "tier": "most senior tier of the claims on `through`, 1 is paid first",
    "oracle": "price oracle that the holder uses",
    "exit_liquidity": "amount that can be withdrawn from `through` before withdrawals stop",
    "could_leave": "the smaller of look_through and exit_liquidity",
    "loss": "loss of the owners in the scenario",
    "external_loss": "loss of the external creditors in the scenario",
}  # amounts in the unit of the network


@dataclass(frozen=True, eq=False, repr=False)
class UltimateHolders(Table):
    """Holders of a token or asset; `sums` are the totals over them."""

    sums: Mapping[str, float] = field(default_factory=dict)


def who_holds_the_bag(
    network: ExposureNetwork,
    node_or_asset: Any,
    to: float = 0.0,
    *,
    model: Model | None = None,
    baseline: Baseline = "cleared",
) -> UltimateHolders:
    """All holders of a token or an asset, their main wrapper, and their losses in a depeg.

    The token is treated as the base asset: `h_i` is the amount that i holds directly (claims on
    the node at face value, holdings of the asset at market value), `W` the shares of
    :func:`look_through` without the column of the token, and

        look_through = (I − W)^-1 h        bag_i = (1 − Σ_k W[k, i]) look_through_i

    Parameters
    ----------
    network : the network.
    node_or_asset : a node, an asset of the holdings, or a name that is both (then both count).
    to : value of the token after the depeg, for the column loss; see :meth:`Shock.depeg`.
    model : model of the scenario, one that settles claims; by default `EisenbergNoe()`.
    baseline : reference for losses, see :meth:`Model.propagate`.

    Returns
    -------
    UltimateHolders
        One row a node that holds the token or has a loss in the scenario; largest loss first.
        Amounts in the unit of the network.

        - holder; direct: held directly; look_through: directly and through claims, gross;
        - bag: the part of look_through on which no node in the graph has a claim. It belongs to
          the owners and the external creditors of the holder. The row of the token itself is the
          amount that it holds of itself through a loop;
        - through: the node (or the token itself) that accounts for the largest part, and the tier
          of the claim on it (1 is paid first; empty where an asset is held directly);
        - oracle, if nodes have that column: the oracle that the holder uses;
        - exit_liquidity, if nodes have that column: the amount that can be withdrawn from
          `through` before withdrawals stop, and could_leave = min(look_through, exit_liquidity)
          for each holder alone: all holders together cannot withdraw more than exit_liquidity;
        - loss, external_loss: loss of its owners and of its external creditors.

        `.sums`: totals of direct and bag (equal, no amount is counted twice), of loss and
        external_loss, and the initial_loss. loss + external_loss equals initial_loss if the model
        has no deadweight loss and, in a system with shortfalls before the shock, if losses are
        counted from "cleared".

    Raises
    ------
    UnknownNameError
        For a name that is neither a node nor an asset, with the closest one.
    ShockError
        If the depeg does not fit the network.
    ModelError
        For a model that does not settle claims.

    Source: :func:`look_through`; losses by the model. The columns are our own.

    Example
    -------
    A stablecoin owes 40 to a lender and 60 to a user; the lender owes 30 to external depositors.

    >>> nodes = pd.DataFrame({"node": ["coin", "lender", "user"],
    ...     "external_assets": [100.0, 0.0, 0.0], "external_liabilities": [0.0, 30.0, 0.0]})
    >>> owed = pd.DataFrame({"creditor": ["lender", "user"], "debtor": ["coin", "coin"],
    ...                      "amount": [40.0, 60.0]})
    >>> bag = who_holds_the_bag(ExposureNetwork(nodes, owed), "coin", to=0.5)
    >>> bag[["holder", "direct", "bag", "through", "loss", "external_loss"]]
       holder  direct   bag through  loss  external_loss
    0    user    60.0  60.0    coin  30.0            0.0
    1  lender    40.0  40.0    coin  10.0           10.0
    >>> bag.sums["initial_loss"]
    50.0
    """
    shock = Shock.depeg(node_or_asset, to)
    model = EisenbergNoe() if model is None else model
    expect(network=network, model=model)
    result = model.propagate(network, shock, baseline=baseline)
    loss, external = result.loss, result.outside_losses
    direct, token = _outright(network, node_or_asset)
    flow = backing(network).flow
    flow = flow if token is None else without(flow, np.array([token]))
    held = Solver(flow).answer(direct)
    bag = kept(flow) * held
    source, best = _largest(network, flow, held)
    own = direct >= best
    at = np.where(own, -1 if token is None else token, source)
    through = network.names.astype(object).take(np.maximum(at, 0)).to_numpy(object).copy()
    through[own] = node_or_asset
    through[held <= 0] = None
    at = np.where(held > 0, at, -1)
    table = {
        "holder": network.names,
        "direct": direct,
        "look_through": held,
        "bag": bag,
        "through": pd.Series(through, dtype=object),
        "tier": _tiers(network, at),
    }
    if "oracle" in network._nodes:
        table["oracle"] = network._nodes["oracle"].to_numpy()
    if "exit_liquidity" in network._nodes:
        room = network._nodes["exit_liquidity"].to_numpy(float)
        table["exit_liquidity"] = np.where(at >= 0, room[np.maximum(at, 0)], np.nan)
        table["could_leave"] = np.minimum(held, table["exit_liquidity"])
    full = pd.DataFrame(table | {"loss": loss, "external_loss": external})
    size = float(direct.sum())
    lost = np.round((loss + external) / (size or 1.0), 12)  # ties: by bag, then by name
    order = np.lexsort((alphabet(network), -bag, -lost))
    some = (held > 1e-12 * size) | (lost > 0)
    frame: pd.DataFrame = full.iloc[order[some[order]]].reset_index(drop=True)
    columns = ("direct", "bag", "loss", "external_loss")
    sums = {name: float(frame[name].sum()) for name in columns} | {
        "initial_loss": float(result.socialization.initial_loss)
    }
    none = {"it holds none, directly or through claims": frame["look_through"] <= 0}
    outright = {"held directly, not through a node": frame["tier"].isna()}
    reasons = because(frame, none | outright | NOT_GIVEN)
    if "oracle" in frame:
        reasons |= because(frame, NOT_GIVEN, ["oracle"])
    return UltimateHolders(frame, COLUMNS, reasons, sums=sums)


def _outright(network: ExposureNetwork, name: Any) -> tuple[np.ndarray, int | None]:
    """Direct holdings of a token or asset (n,), and the position of the token if it is a node."""
    n = len(network)
    direct, token = np.zeros(n), None
    if name in network.priced_assets:
        direct += network.holdings_of(name)
    if name in network.names:
        token = network.position(name)
        on_it = network.debtor == token
        direct += np.bincount(network.creditor[on_it], network.amount[on_it], n)
    return direct, token


def _largest(
    network: ExposureNetwork, flow: csr_array, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For every node, the debtor with the largest part of its exposure, and this part (n,)."""
    edges = flow.tocoo()
    creditor, debtor = edges.coords
    part = edges.data * held[debtor]
    order = np.lexsort((alphabet(network)[debtor], -part, creditor))
    first, where = np.unique(creditor[order], return_index=True)
    source, best = np.zeros(len(network), np.int64), np.zeros(len(network))
    source[first], best[first] = debtor[order][where], part[order][where]
    return source, best


def _tiers(network: ExposureNetwork, at: np.ndarray) -> pd.arrays.IntegerArray:
    """The most senior tier of the claims of every node on the node `at` (−1: no node), Int64."""
    tier = np.ones(len(network.amount))
    if "tier" in network._columns:
        given = pd.to_numeric(network._columns["tier"]).to_numpy(float, na_value=np.nan)
        tier = np.where(np.isnan(given), 1.0, given)
    best = np.full(len(network), np.inf)
    rows = at[network.creditor] == network.debtor
    np.minimum.at(best, network.creditor[rows], tier[rows])
    none = ~np.isfinite(best)
    return pd.arrays.IntegerArray(np.where(none, 0, best).astype(np.int64), none)
