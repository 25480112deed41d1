"""A shock on the lines of the balance sheets: what models run on, and how each line is hit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ShockError
from ..text import listing, money
from .contents import Contents

Pairs = tuple[tuple[Any, float], ...]  # (node or asset, number); the node None stands for all


class Hit(NamedTuple):
    """A shock, or a batch of them, on the lines of the balance sheets of one network.

    It is what models run on: `model.solve(network, *hit)`. A model without a market sees the money
    that every node loses, one with a market also which prices have moved.

    Attributes
    ----------
    losses : (..., n) what the assets of each node lose at once, money: what holdings lose by
        `prices` and what is taken from equity are part of it.
    recoveries : (..., n) recovery rate of nodes pinned in default, nan elsewhere; `None`: nowhere.
    prices : (..., A) price after the shock over the price before, of `net.priced_assets`; `None`:
        no price moves.
    """

    losses: np.ndarray
    recoveries: np.ndarray | None = None
    prices: np.ndarray | None = None

    @property
    def pins(self) -> np.ndarray:
        """(..., n) the recoveries, nan throughout where no node is pinned."""
        return np.full(self.losses.shape, np.nan) if self.recoveries is None else self.recoveries

    @property
    def triggers(self) -> np.ndarray:
        """(..., n) bool: the nodes that the shock hits."""
        return np.asarray((self.losses > 0) | ~np.isnan(self.pins))

    def marks(self, network: Contents) -> np.ndarray:
        """(..., n) the part of the losses that prices take from holdings, money; a gain below 0."""
        if self.prices is None:
            return np.zeros_like(self.losses)
        return np.asarray((1.0 - self.prices) @ network.held.T)

    def at(self, rows: slice | np.ndarray) -> Hit:
        """Some scenarios of a batch."""
        return Hit(*(None if side is None else side[rows] for side in self))  # type: ignore[arg-type]


def external_left(network: Contents, losses: np.ndarray) -> np.ndarray:
    """(..., n) external assets after losses; below 0 where more equity is lost than they are.

    That much is owed to creditors outside the graph that the balance sheet does not show.
    """
    book = network.book
    external: np.ndarray = book.stated_assets - losses
    if not book.known.all():
        np.maximum(external, 0.0, out=external, where=~book.known)
    return external


def stated_parts(network: Contents, parts: Pairs) -> np.ndarray:
    """(n,) money of external assets destroyed by pairs (node, part).

    Raises
    ------
    ShockError
        Where only the equity of a node is known: its external assets are no data.
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
    """(A,) relative price changes; moves of one asset add up. `None` for no moves.

    Raises
    ------
    ShockError, UnknownNameError
        For an asset that falls by more than its price, or that no node holds.
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
    """(n,) money of equity destroyed by pairs (node, money) and (node, part).

    Raises
    ------
    ShockError
        For a node without known or without positive equity, and for more than it has.
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
