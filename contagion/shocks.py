"""Shocks: what goes wrong at the start. Frozen, named, added with `+`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .errors import ShockError, expect
from .network.exposure_network import ExposureNetwork
from .text import known_name, listing, money, plural

FEW = 100  # names that are found one by one in the time that an index of their own takes


@dataclass(frozen=True)
class Shock:
    """A set of losses, defaults and price moves; `Shock()` is none.

    Build it with :meth:`loss`, :meth:`relative`, :meth:`default`, :meth:`price`, :meth:`depeg`,
    and add.

    Attributes
    ----------
    losses : pairs (node, money of external assets destroyed).
    fractions : pairs (node or None for all, part of external assets destroyed).
    defaults : pairs (node, recovery rate).
    prices : pairs (asset, relative change).
    depegs : pairs (token, value after over value before); what they are is said by the network.

    Example
    -------
    >>> Shock.default("a", recovery=0.4) + Shock.loss({"b": 10.0})
    Shock.loss({'b': 10.0}) + Shock.default('a', recovery=0.4)
    """

    losses: tuple[tuple[Any, float], ...] = ()
    fractions: tuple[tuple[Any, float], ...] = ()
    defaults: tuple[tuple[Any, float], ...] = ()
    prices: tuple[tuple[Any, float], ...] = ()
    depegs: tuple[tuple[Any, float], ...] = ()

    @staticmethod
    def loss(amounts: Mapping[Any, float]) -> Shock:
        """Destroy external assets: `{node: money >= 0}`.

        Raises
        ------
        ShockError
            For an amount that is negative or not finite; at :meth:`arrays` for more than the
            node has.
        """
        for node, amount in amounts.items():
            if not (np.isfinite(amount) and amount >= 0):
                raise ShockError(
                    f"The loss of {str(node)!r} is {amount}; it has to be >= 0 and finite."
                )
        return Shock(losses=tuple((node, float(amount)) for node, amount in amounts.items()))

    @staticmethod
    def relative(fraction: float, nodes: Iterable[Any] | None = None) -> Shock:
        """Destroy the same part (0 to 1) of the external assets of `nodes`, by default of all."""
        if not 0 <= fraction <= 1:
            raise ShockError(
                f"The fraction is {fraction}; external assets can lose between 0 and 1."
            )
        return Shock(
            fractions=tuple(
                (node, float(fraction)) for node in ([None] if nodes is None else nodes)
            )
        )

    @staticmethod
    def default(node: Any, recovery: float | Iterable[float] = 0.0) -> Shock:
        """Fail a node for reasons outside the graph; every claim on it is paid `recovery` of face.

        Its initial loss is the rest: its equity and what its creditors do not get, less what
        the node itself loses on claims of the graph (that is counted where it began).

        Parameters
        ----------
        node : a name, or several in a list, tuple, set or Index: all of them default.
        recovery : recovery rate (0 to 1), one for all nodes or one for each.

        Example
        -------
        >>> Shock.default(["a", "b"], recovery=[0.4, 0.2])
        Shock.default('a', recovery=0.4) + Shock.default('b', recovery=0.2)
        """
        nodes = [node] if isinstance(node, str) or not isinstance(node, Iterable) else list(node)
        rates = list(recovery) if isinstance(recovery, Iterable) else [recovery] * len(nodes)
        if len(rates) != len(nodes):
            raise ShockError(
                f"{plural(len(rates), 'recovery rate')} for {plural(len(nodes), 'node')}: give "
                "one for all or one for each."
            )
        for name, rate in zip(nodes, rates, strict=True):
            if not 0 <= rate <= 1:
                raise ShockError(
                    f"The recovery of {str(name)!r} is {rate}; it has to lie in [0, 1]."
                )
        return Shock(defaults=tuple(zip(nodes, map(float, rates), strict=True)))

    @staticmethod
    def price(changes: Mapping[Any, float]) -> Shock:
        """Move the price of assets that nodes hold: `{asset: relative change >= −1}`."""
        for asset, change in changes.items():
            if not (np.isfinite(change) and change >= -1):
                raise ShockError(
                    f"The price change of {str(asset)!r} is {change}; it has to be >= -1."
                )
        return Shock(prices=tuple((asset, float(change)) for asset, change in changes.items()))

    @staticmethod
    def depeg(token: Any, to: float = 0.9) -> Shock:
        """A token is worth `to` of its value before, 0 ≤ to ≤ 1; 1 moves nothing.

        What that does is decided by the network (:meth:`resolved`). A token in the table of
        holdings: its price moves by to − 1, at every holder. A token that is a node: claims on
        it are worth `to` of face, a default with the recovery pinned; like any default it takes
        the equity of the node too, which a holder of the token never sees. A name that is both
        does both.

        Raises
        ------
        ShockError
            For `to` outside [0, 1]; at :meth:`arrays` for a name that the network does not
            have, with the closest one.

        Example
        -------
        >>> import pandas as pd
        >>> nodes = pd.DataFrame({"node": ["coin", "holder"], "external_assets": [100.0, 40.0]})
        >>> owed = pd.DataFrame({"creditor": ["holder"], "debtor": ["coin"], "amount": [100.0]})
        >>> held = pd.DataFrame({"node": ["holder"], "asset": ["stETH"], "value": [40.0]})
        >>> net = ExposureNetwork(nodes, owed, holdings=held)
        >>> Shock.depeg("stETH", to=0.75).arrays(net)[0]
        array([ 0., 10.])
        >>> Shock.depeg("coin", to=0.75).arrays(net)[1]
        array([0.75,  nan])
        """
        if not 0 <= to <= 1:
            raise ShockError(f"The depeg of {str(token)!r} is to {to}; it has to lie in [0, 1].")
        return Shock(depegs=((token, float(to)),))

    def resolved(self, network: ExposureNetwork) -> Shock:
        """The same shock with every depeg written as the price move or default that it is.

        Raises
        ------
        ShockError
            For a token that is neither a node nor an asset of the holdings, with the closest
            name; for two recoveries of one node.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["coin", "holder"],
        ...     orientation="debtor->creditor", external_assets=[5, 0])
        >>> Shock.depeg("coin", to=0.5).resolved(net)
        Shock.default('coin', recovery=0.5)
        """
        expect(network=network)
        if not self.depegs:
            return self
        held = network._holdings
        assets = [] if held is None else list(held["asset"].unique())
        total = replace(self, depegs=())
        for token, to in self.depegs:
            if token not in assets and token not in network.names:
                names = list(dict.fromkeys([*network.names, *assets]))
                known_name(token, names, "token")
            if token in assets and to < 1:
                total += Shock.price({token: to - 1})
            if token in network.names and to < 1:
                total += Shock.default(token, recovery=to)
        return total

    def __add__(self, other: Shock) -> Shock:
        if not isinstance(other, Shock):
            return NotImplemented
        rates = dict(self.defaults)
        for node, recovery in other.defaults:
            if rates.setdefault(node, recovery) != recovery:
                raise ShockError(
                    f"{str(node)!r} defaults twice, with recovery {rates[node]} and {recovery}."
                )
        pegs = dict(self.depegs)
        for token, to in other.depegs:
            if pegs.setdefault(token, to) != to:
                raise ShockError(f"{str(token)!r} depegs twice, to {pegs[token]} and to {to}.")
        return Shock(
            self.losses + other.losses,
            self.fractions + other.fractions,
            tuple(rates.items()),
            self.prices + other.prices,
            tuple(pegs.items()),
        )

    def arrays(self, network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray]:
        """The shock on a network: losses (n,) in money, recoveries (n,), nan where not pinned.

        Raises
        ------
        ShockError
            For a name that the network does not have (with the closest one), and for a loss
            above the external assets of its node.
        """
        expect(network=network)
        if self.depegs:
            return self.resolved(network).arrays(network)
        n = len(network)
        loss, recovery = np.zeros(n), np.full(n, np.nan)
        assets = network.book.external_assets
        np.add.at(loss, _places(network, self.losses), [amount for _, amount in self.losses])
        for node, fraction in self.fractions:
            at = slice(None) if node is None else network.position(node)
            loss[at] += fraction * network.book.stated_assets[at]
        for asset, change in self.prices:
            loss -= change * network.holdings_of(asset)
        recovery[_places(network, self.defaults)] = [rate for _, rate in self.defaults]
        if self.prices and (gains := loss < 0).any():
            raise ShockError(
                f"The price moves are a gain for {listing(network.names[gains])}; "
                "a shock destroys value. Leave those prices out."
            )
        over = (loss > assets * (1 + 1e-12)) & np.isnan(recovery)
        if over.any():
            at = int(np.flatnonzero(over)[0])
            has, lost = (money(side[at], network.unit) for side in (assets, loss))
            raise ShockError(
                f"{str(network.names[at])!r} has external assets of {has} and cannot lose {lost}"
                + (f" ({int(over.sum())} such nodes)." if over.sum() > 1 else ".")
            )
        return np.fmin(loss, assets), recovery

    def __repr__(self) -> str:
        parts = []
        if self.losses:
            parts.append(f"Shock.loss({dict(self.losses)})")
        parts += [
            f"Shock.relative({fraction}{'' if node is None else f', [{node!r}]'})"
            for node, fraction in self.fractions
        ]
        parts += [f"Shock.default({node!r}, recovery={rate})" for node, rate in self.defaults]
        if self.prices:
            parts.append(f"Shock.price({dict(self.prices)})")
        parts += [f"Shock.depeg({token!r}, to={to})" for token, to in self.depegs]
        return " + ".join(parts) or "Shock()"


def _places(network: ExposureNetwork, pairs: tuple[tuple[Any, float], ...]) -> np.ndarray:
    """Rows of the nodes of (node, value) pairs."""
    nodes = [node for node, _ in pairs]
    if len(nodes) > FEW:
        found = network.names.get_indexer_for(pd.Index(nodes))
        if (found >= 0).all():
            return found
    return np.array([network.position(node) for node in nodes], np.intp)
