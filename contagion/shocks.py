"""Shocks: the initial losses, defaults and price changes of a run. Immutable, added with `+`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .errors import ShockError, expect
from .media import shown
from .network.exposure_network import ExposureNetwork
from .network.hit import Hit, equity_lost, price_changes, stated_parts
from .text import known_name, listing, money, plural

FEW = 100  # up to this number of names, single look-ups are faster than building an index


@dataclass(frozen=True)
class Shock:
    """A set of losses, defaults and price changes; `Shock()` is empty.

    Build it with :meth:`loss`, :meth:`relative`, :meth:`equity`, :meth:`default`, :meth:`price`,
    :meth:`depeg`, and add.

    Attributes
    ----------
    losses : pairs (node, amount of external assets destroyed).
    fractions : pairs (node or None for all, fraction of external assets destroyed).
    defaults : pairs (node, recovery rate).
    prices : pairs (asset, relative change).
    depegs : pairs (token, value after / value before); the effect depends on the network.
    equities : pairs (node, amount of equity destroyed).
    equity_fractions : pairs (node or None for all, fraction of positive equity destroyed).

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
    equities: tuple[tuple[Any, float], ...] = ()
    equity_fractions: tuple[tuple[Any, float], ...] = ()

    @staticmethod
    def loss(amounts: Mapping[Any, float]) -> Shock:
        """Destroy external assets: `{node: amount >= 0}`.

        Raises
        ------
        ShockError
            For an amount that is negative or not finite; in :meth:`arrays` for an amount above
            the external assets of the node.
        """
        return Shock(losses=_amounts(amounts))

    @staticmethod
    def relative(fraction: float, nodes: Iterable[Any] | None = None) -> Shock:
        """Destroy the same fraction (0 to 1) of the external assets of `nodes`, by default of all.

        Raises
        ------
        ShockError
            For a fraction outside [0, 1]; in :meth:`arrays` for nodes with only equity known: their
            external assets are not data but the smallest value consistent with the equity. Use
            :meth:`equity` for them.
        """
        return Shock(fractions=_parts(dict.fromkeys([None] if nodes is None else nodes, fraction)))

    @staticmethod
    def equity(
        amounts: Mapping[Any, float] | None = None,
        *,
        relative: float | Mapping[Any, float] | None = None,
    ) -> Shock:
        """Destroy equity, regardless of the assets behind it; works if only equity is known.

            loss_i = amount_i + part_i · max(equity_i, 0)

        This is the usual shock of DebtRank. The loss reduces external assets. An amount above the
        external assets counts as a debt to creditors outside the graph that the balance sheet does
        not show: like other external liabilities it ranks before (or pari passu with) the claims
        of the graph.

        Parameters
        ----------
        amounts : {node: amount >= 0}, at most the equity of the node.
        relative : {node: fraction of its equity, 0 to 1}, or one fraction for all nodes with
            positive equity.

        Raises
        ------
        ShockError
            For amounts and fractions out of range; in :meth:`arrays` for a node without known
            positive equity, and for an amount above the equity.

        Example
        -------
        >>> net = ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
        ...     orientation="debtor->creditor", equity=[10, 2])
        >>> Shock.equity({"a": 3.0}).arrays(net).losses
        array([3., 0.])
        >>> Shock.equity(relative={"b": 0.25}).arrays(net).losses
        array([0. , 0.5])
        """
        if not isinstance(relative, Mapping):
            relative = {} if relative is None else {None: relative}
        return Shock(
            equities=_amounts(amounts or {}, "loss of equity"), equity_fractions=_parts(relative)
        )

    @staticmethod
    def default(node: Any, recovery: float | Iterable[float] = 0.0) -> Shock:
        """Default of a node for outside reasons, with a fixed recovery rate on all claims.

        The initial loss is the node's equity plus its creditors' shortfall, minus the node's own
        losses on claims in the graph, which are attributed to the debtors of these claims.

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
        """Change the prices of assets that nodes hold: `{asset: relative change >= −1}`."""
        for asset, change in changes.items():
            if not (np.isfinite(change) and change >= -1):
                raise ShockError(
                    f"The price change of {str(asset)!r} is {change}; it has to be >= -1."
                )
        return Shock(prices=tuple((asset, float(change)) for asset, change in changes.items()))

    @staticmethod
    def depeg(token: Any, to: float = 0.9) -> Shock:
        """The value of a token falls to `to` times its value before, 0 ≤ to ≤ 1; 1: no change.

        The effect depends on the network (:meth:`resolved`). If the token is an asset in the table
        of holdings, its price changes by to − 1 for every holder. If the token is a node, the node
        defaults with a fixed recovery rate of `to` on all claims; as in any default, its equity is
        also written to zero, which does not affect the holders. A name that is both has both
        effects.

        Raises
        ------
        ShockError
            For `to` outside [0, 1].
        UnknownNameError
            In :meth:`arrays`, for a name that the network does not have, with the closest one.

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
        """The same shock with every depeg replaced by a price change, a default or both.

        Raises
        ------
        UnknownNameError
            For a token that is neither a node nor an asset of the holdings, with the closest name.
        ShockError
            For two recovery rates of one node.

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
            self.equities + other.equities,
            self.equity_fractions + other.equity_fractions,
        )

    def arrays(self, network: ExposureNetwork) -> Hit:
        """The shock as arrays for one network: losses, recovery rates and prices.

            losses_i = external assets destroyed + Σ_a (1 − price_a) holdings_ia + equity destroyed

        Raises
        ------
        UnknownNameError
            For a name that the network does not have, with the closest one.
        ShockError
            For a loss above the external assets, or the equity, of its node.
        """
        expect(network=network)
        if self.depegs:
            return self.resolved(network).arrays(network)
        n = len(network)
        loss, recovery = np.zeros(n), np.full(n, np.nan)
        assets = network.book.external_assets
        np.add.at(loss, _places(network, self.losses), [amount for _, amount in self.losses])
        loss += stated_parts(network, self.fractions)
        moved = price_changes(network, self.prices)
        if moved is not None:
            loss -= network.held @ moved
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
        gone = equity_lost(network, self.equities, self.equity_fractions)
        prices = None if moved is None else 1.0 + moved
        return Hit(np.fmin(loss, assets) + gone, recovery, prices)

    @shown
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
        if self.equities:
            parts.append(f"Shock.equity({dict(self.equities)})")
        parts += [
            f"Shock.equity(relative={part if node is None else {node: part}})"
            for node, part in self.equity_fractions
        ]
        return " + ".join(parts) or "Shock()"


def _amounts(amounts: Mapping[Any, float], what: str = "loss") -> tuple[tuple[Any, float], ...]:
    """Pairs (node, amount >= 0)."""
    for node, amount in amounts.items():
        if not (np.isfinite(amount) and amount >= 0):
            raise ShockError(
                f"The {what} of {str(node)!r} is {amount}; it has to be >= 0 and finite."
            )
    return tuple((node, float(amount)) for node, amount in amounts.items())


def _parts(parts: Mapping[Any, float]) -> tuple[tuple[Any, float], ...]:
    """Pairs (node or None, fraction between 0 and 1)."""
    for part in parts.values():
        if not 0 <= part <= 1:
            raise ShockError(f"The fraction is {part}; a node can lose between 0 and 1.")
    return tuple((node, float(part)) for node, part in parts.items())


def pairs_of(names: pd.Index, values: np.ndarray) -> tuple[tuple[Any, float], ...]:
    """Pairs (name, number) for the entries (n,) that are not 0.

    >>> pairs_of(pd.Index(["a", "b"]), np.array([0.0, 2.0]))
    (('b', 2.0),)
    """
    return tuple((names[i], float(values[i])) for i in np.flatnonzero(values).tolist())


def _places(network: ExposureNetwork, pairs: tuple[tuple[Any, float], ...]) -> np.ndarray:
    """Positions of the nodes in (node, value) pairs."""
    nodes = [node for node, _ in pairs]
    if len(nodes) > FEW:
        found = network.names.get_indexer_for(pd.Index(nodes))
        if (found >= 0).all():
            return found
    return np.array([network.position(node) for node in nodes], np.intp)
