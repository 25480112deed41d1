"""The settings of a liquidation cascade, and a batch of scenarios through the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..errors import MarginError
from ..kernels.liquidation_rounds import Breaker, Liquidated, liquidate
from ..media import shown
from ..text import known_name
from .margin_book import NUMERAIRE, MarginBook
from .oracles import Market, Oracle
from .price_impact import NoImpact, PriceImpact

CHUNK = 2**17  # legs × scenarios that go through the kernel at once


@dataclass(frozen=True, repr=False)
class CascadeSolver:
    """Arrays in, arrays out; see :class:`~contagion.liquidation.LiquidationCascade`."""

    impact: PriceImpact = field(default_factory=NoImpact)
    oracle: Oracle = field(default_factory=Market)
    breakers: tuple[Breaker, ...] = ()
    partial: bool = True
    backstop: float = 0.0
    vault_capacity: float | Mapping[Any, float] = np.inf
    minimum_profit: float = -np.inf
    tolerance: float = 1e-9
    max_rounds: int = 1_000

    def __post_init__(self) -> None:
        if not 0 <= self.backstop <= 1:
            raise MarginError(f"backstop={self.backstop}: a part of the maintenance, 0 to 1.")
        limits = self.vault_capacity
        for limit in limits.values() if isinstance(limits, Mapping) else [limits]:
            if not limit >= 0:
                raise MarginError(f"vault_capacity={limit}: money >= 0.")
        if not (self.max_rounds >= 1 and self.tolerance >= 0):
            raise MarginError(
                f"max_rounds={self.max_rounds}, tolerance={self.tolerance}: at least one round, "
                "and a tolerance >= 0."
            )
        object.__setattr__(self, "breakers", tuple(self.breakers))

    @shown
    def __repr__(self) -> str:
        usual = type(self)()
        given = [
            f"{item.name}={getattr(self, item.name)!r}"
            for item in fields(self)
            if getattr(self, item.name) != getattr(usual, item.name)
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def solve(
        self, book: MarginBook, prices: np.ndarray, free: np.ndarray | None = None
    ) -> Liquidated:
        """Run a batch of scenarios on arrays.

        Parameters
        ----------
        book : positions and loans at the prices before.
        prices : (..., A) fundamental prices after the shock, in the order of `book.assets`; "money"
            costs 1.
        free : (..., K) money with which holders meet calls, in the order of `book.holders`.

        Returns
        -------
        Liquidated
            With scenarios on one leading axis, or none where `prices` had none.
        """
        prices = np.asarray(prices, float)
        if prices.shape[-1:] != (len(book.assets),):
            raise MarginError(
                f"prices have shape {prices.shape}; the last axis has to be {len(book.assets)}, "
                f"one entry an asset: {', '.join(map(str, book.assets))}."
            )
        if not (np.isfinite(prices).all() and (prices >= 0).all()):
            raise MarginError("prices have to be >= 0 and finite.")
        unit = [k for k, name in enumerate(book.assets) if name == NUMERAIRE]
        if (prices[..., unit] != 1).any():
            raise MarginError(f"{NUMERAIRE!r} is the unit of account and costs 1.")
        flat = prices.reshape(-1, len(book.assets))
        shape = (len(flat), len(book.holders))
        money = np.zeros(shape)
        if free is not None:
            given = np.asarray(free, float)
            if not (given >= 0).all():
                raise MarginError("free money has to be >= 0 for every holder.")
            money = np.broadcast_to(given, (*prices.shape[:-1], shape[1])).reshape(shape)
        step = max(1, CHUNK // max(len(book.arrays.asset), 1))
        parts = [
            self._chunk(book, flat[at : at + step], money[at : at + step])
            for at in range(0, len(flat), step)
        ]
        return _joined(parts, squeeze=prices.ndim == 1)

    def _chunk(self, book: MarginBook, prices: np.ndarray, free: np.ndarray) -> Liquidated:
        capacity = self.vault_capacity
        if isinstance(capacity, Mapping):
            for name in capacity:
                known_name(name, book.venues, "venue")
            room = np.array([float(capacity.get(venue, 0.0)) for venue in book.venues])
        else:
            room = np.full(len(book.venues), float(capacity))
        return liquidate(
            book.arrays,
            book.price,
            prices,
            free,
            self.impact,
            self.oracle,
            breakers=self.breakers,
            partial=self.partial,
            backstop=self.backstop,
            vault_capacity=room,
            minimum_profit=self.minimum_profit,
            money=np.array([name == NUMERAIRE for name in book.assets]),
            tolerance=self.tolerance,
            max_rounds=self.max_rounds,
        )


def _joined(parts: list[Liquidated], squeeze: bool) -> Liquidated:
    """Chunks one below the other; without the leading axis for a single scenario."""
    found: dict[str, Any] = {}
    for item in fields(Liquidated):
        values = [getattr(part, item.name) for part in parts]
        if item.name == "path":
            found["path"] = _paths(values) if len(values) > 1 else values[0]
            if squeeze:
                found["path"] = [tuple(side[0] for side in step) for step in found["path"]]
            continue
        whole = values[0] if len(values) == 1 else np.concatenate(values)
        found[item.name] = whole[0] if squeeze else whole
    return Liquidated(**found)


def _paths(values: list[list[tuple[np.ndarray, ...]]]) -> list[tuple[np.ndarray, ...]]:
    """Paths of several chunks; one that ended earlier stands at its last round."""
    longest = max(map(len, values))
    padded = []
    for path in values:
        quiet = (*path[-1][:2], np.zeros_like(path[-1][2]), path[-1][3])
        padded.append([*path, *[quiet] * (longest - len(path))])
    return [
        tuple(np.concatenate(sides) for sides in zip(*steps, strict=True))
        for steps in zip(*padded, strict=True)
    ]
