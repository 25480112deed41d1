"""Scenarios that are listed one by one: shocks, a grid of shocks, every single default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import ShockError, expect, located
from ..network.exposure_network import ExposureNetwork
from ..network.hit import Hit
from ..shocks import Shock
from ..text import known_name, money
from .scenario_set import Batch, Scenarios, assets_of
from .shock_tables import shock_words
from .values import Values, by_node, said


@dataclass(frozen=True, eq=False, repr=False)
class Listed(Scenarios):
    """Scenarios that are sums of one shock from each axis; a single axis is a list of shocks.

    Attributes
    ----------
    hits : for each axis its v shocks.
    held : assets (A,) and holdings of the nodes (n, A), money.
    index : (len,) names of the scenarios.
    """

    hits: tuple[Hit, ...]
    held: tuple[pd.Index, csr_array]
    index: pd.Index

    @property
    def labels(self) -> pd.Index:
        """(len,) a name for each scenario: its number, its name, or its position in the grid."""
        return self.index

    @property
    def sampled(self) -> bool:
        """A list, no sample."""
        return False

    @property
    def pins(self) -> bool:
        """True if some scenarios set nodes to default with a fixed recovery rate."""
        return any(bool(np.isfinite(hit.pins).any()) for hit in self.hits)

    @property
    def portfolio(self) -> tuple[pd.Index, csr_array] | None:
        """Assets and holdings of them, if some scenario moves prices."""
        return None if all(hit.prices is None for hit in self.hits) else self.held

    def _block(self, number: int) -> Batch:
        start = number * self.block
        numbers = np.arange(start, min(start + self.block, self.count))
        places = np.unravel_index(numbers, [len(hit.losses) for hit in self.hits])
        parts = [hit.at(at) for hit, at in zip(self.hits, places, strict=True)]
        rates = parts[0].pins
        for part in parts[1:]:
            rates = np.where(np.isnan(rates), part.pins, rates)
        changes = [part.prices - 1.0 for part in parts if part.prices is not None]
        return Batch(
            np.sum([part.losses for part in parts], axis=0),
            rates if self.pins else None,
            prices=1.0 + np.sum(changes, axis=0) if changes else None,
        )


@dataclass(frozen=True, eq=False, repr=False)
class SingleDefaults(Scenarios):
    """Scenario k: only the default of one node.

    Attributes
    ----------
    places : (len,) rows of the nodes that default.
    recovery : (n,) recovery of every node.
    """

    places: np.ndarray
    recovery: np.ndarray

    @property
    def sampled(self) -> bool:
        """A list, no sample."""
        return False

    @property
    def pins(self) -> bool:
        """True: every scenario sets a node to default."""
        return True

    @property
    def labels(self) -> pd.Index:
        """(len,) the node that defaults."""
        return self.names.take(self.places).rename("scenario")

    def _block(self, number: int) -> Batch:
        places = self.places[number * self.block : (number + 1) * self.block]
        rates = np.full((len(places), len(self.names)), np.nan)
        rates[np.arange(len(places)), places] = self.recovery[places]
        return Batch(np.zeros_like(rates), rates)


def single_defaults(
    network: ExposureNetwork, nodes: Iterable[Any] | None = None, *, recovery: Values = 0.0
) -> SingleDefaults:
    """Every node defaults alone, one scenario for each node.

    Parameters
    ----------
    nodes : nodes that default, by default every node.
    recovery : recovery rate on claims on the node, in [0, 1]; a number, {node: number} or a column.

    Raises
    ------
    ShockError : for unknown nodes and recoveries outside [0, 1].

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 0])
    >>> single_defaults(net).draw(0, 2).recoveries
    array([[ 0., nan],
           [nan,  0.]])
    """
    expect(network=network)
    names = network.names if nodes is None else pd.Index(list(nodes))
    places = network.names.get_indexer(names)
    for name in names[places < 0]:
        known_name(name, network.names, "node")
    if not len(places):
        raise ShockError("There is no node that could default.")
    rates = by_node(network, recovery, "recovery", 0.0, 1.0)
    words: dict[str, Any] = {"kind": "single_defaults", "scenarios": len(places)}
    if nodes is not None:
        words["nodes"] = [str(name) for name in names]
    words["recovery"] = said(recovery)
    assets = assets_of(network)
    return SingleDefaults(network.names, assets, len(places), words, (), places, rates)


def from_shocks(network: ExposureNetwork, shocks: Iterable[Shock] | Mapping[str, Shock]) -> Listed:
    """A list of shocks, one scenario each; a dict gives them names.

    Raises
    ------
    ShockError : if the list is empty, or a shock does not fit the network; the message names it.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 10])
    >>> two = from_shocks(net, {"mild": ct.Shock.relative(0.1), "failure": ct.Shock.default("a")})
    >>> two.draw(0, 2).losses
    array([[0.5, 1. ],
           [0. , 0. ]])
    >>> two.labels.tolist()
    ['mild', 'failure']
    """
    expect(network=network)
    named = shocks if isinstance(shocks, Mapping) else dict(enumerate(shocks))
    hit = _hits(network, "shocks", named)
    words = {
        "kind": "from_shocks",
        "scenarios": len(named),
        "shocks": [shock_words(name, shock) for name, shock in named.items()],
    }
    index = pd.Index(list(named), name="scenario")
    assets = assets_of(network)
    held = network.priced_assets, network.held
    return Listed(network.names, assets, len(named), words, (), (hit,), held, index)


def grid(network: ExposureNetwork, axes: Mapping[str, Sequence[Shock]]) -> Listed:
    """Every combination of one shock from each axis; a scenario is their sum.

    The last axis changes fastest. `labels` is a MultiIndex of positions along the axes.

    Parameters
    ----------
    axes : {name: list of shocks}; `Shock()` means no shock.

    Raises
    ------
    ShockError : if a list is empty, a shock does not fit the network, or a combination sets a node
        to default with two recovery rates or destroys more than its external assets.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[5, 10])
    >>> found = grid(net, {"market": [ct.Shock.relative(x) for x in (0, 0.2)],
    ...                    "bank": [ct.Shock(), ct.Shock.default("a", recovery=0.4)]})
    >>> found.labels.tolist()
    [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> found.shock(3)
    Shock.loss({'a': 1.0, 'b': 2.0}) + Shock.default('a', recovery=0.4)
    """
    expect(network=network)
    if not axes:
        raise ShockError("A grid needs at least one axis: {name: list of shocks}.")
    hits = tuple(_hits(network, name, dict(enumerate(shocks))) for name, shocks in axes.items())
    equity = any(s.equities or s.equity_fractions for part in axes.values() for s in part)
    _combinable(network, list(axes), hits, equity)
    sizes = [len(hit.losses) for hit in hits]
    count = int(np.prod([float(size) for size in sizes]))
    index = pd.MultiIndex.from_product([range(size) for size in sizes], names=list(axes))
    words = {
        "kind": "grid",
        "scenarios": count,
        "axes": {
            str(name): [shock_words(place, shock) for place, shock in enumerate(shocks)]
            for name, shocks in axes.items()
        },
    }
    assets = assets_of(network)
    held = network.priced_assets, network.held
    return Listed(network.names, assets, count, words, (), hits, held, index)


def _hits(network: ExposureNetwork, axis: str, shocks: Mapping[Any, Shock]) -> Hit:
    """The v shocks of one axis."""
    if not shocks:
        raise ShockError(f"{axis}: the list of shocks is empty.")
    losses = np.empty((len(shocks), len(network)))
    rates, prices = np.empty_like(losses), np.ones((len(shocks), len(network.priced_assets)))
    for at, (name, shock) in enumerate(shocks.items()):
        if not isinstance(shock, Shock):
            raise ShockError(f"{axis}, {name}: {shock!r} is not a Shock.")
        with located(f"{axis}, {name}"):
            losses[at], rates[at], moved = shock.arrays(network)
            prices[at] = 1.0 if moved is None else moved
    return Hit(losses, rates, prices if (prices != 1.0).any() else None)


def _combinable(
    network: ExposureNetwork, axes: list[str], hits: tuple[Hit, ...], equity: bool
) -> None:
    """Refuse combinations that destroy more than the assets, or have two recoveries for a node."""
    rates = [hit.pins for hit in hits]
    most = np.sum([hit.losses.max(0) for hit in hits], 0)
    assets = network.book.external_assets
    limit = np.fmax(assets, network.book.equity) if equity else assets
    over = most > limit * (1 + 1e-12)
    over &= ~np.any([np.isfinite(values).any(0) for values in rates], 0)
    if over.any():
        at = int(np.flatnonzero(over)[0])
        raise ShockError(
            f"{str(network.names[at])!r} would lose {money(most[at], network.unit)} if the "
            f"worst shocks of {', '.join(axes)} are combined, and has external assets of "
            f"{money(assets[at], network.unit)}."
        )
    moved = [hit.prices.min(0) - 1.0 for hit in hits if hit.prices is not None]
    if moved and (np.sum(moved, 0) < -1 - 1e-12).any():
        raise ShockError(
            f"If the worst shocks of {', '.join(axes)} are combined, a price falls by more than "
            "all of it: price moves add up."
        )
    low = np.array([np.nan_to_num(values, nan=np.inf).min(0) for values in rates])
    high = np.array([np.nan_to_num(values, nan=-np.inf).max(0) for values in rates])
    several = np.isfinite(low).sum(0) > 1
    clash = several & (low.min(0) != high.max(0))
    if clash.any():
        at = int(np.flatnonzero(clash)[0])
        raise ShockError(
            f"{str(network.names[at])!r} defaults on several axes with different recoveries, "
            f"from {low[:, at].min():g} to {high[:, at].max():g}."
        )
