"""A shock as arrays for the balance sheets of one network, the input of the models."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ShockError
from ..text import listing, money
from .contents import Contents

Pairs = tuple[tuple[Any, float], ...]  # (node or asset, number); the node None stands for all


class Hit(NamedTuple):
    """A shock, or a batch of shocks, as arrays for the balance sheets of one network.

    It is the input of models: `model.solve(network, *hit)`. Models without a market use only the
    losses; models with a market also use the prices.

    Attributes
    ----------
    losses : (..., n) direct loss of each node on its assets, in the unit of the network. It
        includes losses on holdings from `prices` and losses of equity.
    recoveries : (..., n) recovery rate of nodes that the shock sets to default, nan for all others;
        `None`: no such node.
    prices : (..., A) price after / price before the shock, of `net.priced_assets`; `None`: no
        price changes.
    """

    losses: np.ndarray
    recoveries: np.ndarray | None = None
    prices: np.ndarray | None = None

    @property
    def pins(self) -> np.ndarray:
        """(..., n) the recovery rates, nan for nodes that the shock does not set to default."""
        return np.full(self.losses.shape, np.nan) if self.recoveries is None else self.recoveries

    @property
    def triggers(self) -> np.ndarray:
        """(..., n) bool: the nodes that the shock hits."""
        return np.asarray((self.losses > 0) | ~np.isnan(self.pins))

    def marks(self, network: Contents) -> np.ndarray:
        """(..., n) losses on holdings from price changes, part of `losses`; negative for a gain."""
        if self.prices is None:
            return np.zeros_like(self.losses)
        return np.asarray((1.0 - self.prices) @ network.held.T)

    def at(self, rows: slice | np.ndarray) -> Hit:
        """Some scenarios of a batch."""
        return Hit(*(None if side is None else side[rows] for side in self))  # type: ignore[arg-type]


def external_left(network: Contents, losses: np.ndarray) -> np.ndarray:
    """(..., n) external assets after losses; negative if more equity is lost than external assets.

    The negative amount is a debt to creditors outside the graph not shown in the balance sheet.
    """
    book = network.book
    external: np.ndarray = book.stated_assets - losses
    if not book.known.all():
        np.maximum(external, 0.0, out=external, where=~book.known)
    return external


def stated_parts(network: Contents, parts: Pairs) -> np.ndarray:
    """(n,) external assets destroyed by pairs (node, fraction).

    Raises
    ------
    ShockError
        For a node with only equity known: its external assets are not data.
    """
    lost, hit = np.zeros(len(network)), np.zeros(len(network), bool)
    for node, part in parts:
        at = _rows(network, node)
        lost[at] += part * network.book.stated_assets[at]
        hit[at] |= part > 0
    if hit.any() and (hit := hit & network.only_equity).any():
        first = next((part for node, part in parts if node is None), None)
        asked = {node: part for node, part in parts if part} if first is None else first
        raise ShockError(
            f"Only the equity of {listing(network.names[hit])} is known: external assets are the "
            "least that carries it, and a part of them says nothing. Take a part of equity, "
            f"Shock.equity(relative={asked}), or give external_assets."
        )
    return lost


def price_changes(network: Contents, changes: Pairs) -> np.ndarray | None:
    """(A,) relative price changes; changes of one asset add up. `None` for no changes.

    Raises
    ------
    ShockError, UnknownNameError
        For an asset whose price would fall below 0, or that no node holds.
    """
    if not changes:
        return None
    moved = np.zeros(len(network.priced_assets))
    for asset, change in changes:
        moved[network.asset_position(asset)] += change
    if (moved < -1).any():
        fallen = listing(network.priced_assets[moved < -1])
        raise ShockError(f"The price of {fallen} falls by more than all of it.")
    return moved


def equity_lost(network: Contents, amounts: Pairs, parts: Pairs) -> np.ndarray:
    """(n,) equity destroyed by pairs (node, amount) and (node, fraction).

    Raises
    ------
    ShockError
        For a node without known positive equity, and for an amount above the equity.
    """
    lost = np.zeros(len(network))
    if not (amounts or parts):
        return lost
    equity = network.book.equity
    have = np.fmax(equity, 0.0)
    for node, amount in amounts:
        lost[network.position(node)] += amount
    for node, part in parts:
        at = _rows(network, node)
        lost[at] += part * have[at]
    hit = [node for node, part in (*amounts, *parts) if node is not None and part]
    named = {network.position(node) for node in hit}
    without = [at for at in sorted(named) if not equity[at] > 0]
    if without:
        raise ShockError(
            f"{listing(network.names[without])} has no known positive equity that could be lost. "
            "Give the equity, or use Shock.loss."
        )
    over = np.flatnonzero(lost > have * (1 + 1e-12))
    if len(over):
        at = int(over[0])
        has, gone = (money(side[at], network.unit) for side in (equity, lost))
        raise ShockError(
            f"{str(network.names[at])!r} has equity of {has} and cannot lose {gone} of it. "
            "Shock.loss takes external assets, also beyond equity."
        )
    return lost


def _rows(network: Contents, node: Any) -> slice | int:
    return slice(None) if node is None else network.position(node)
