"""Interventions on the accounts of a market: margin, maintenance, add-ons, position limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import PolicyError
from ...liquidation import CoupledCascade, LiquidationCascade, MarginBook
from ...liquidation.coupling.link import conversion_of, stakes_of
from ...liquidation.margin_book import rebuilt
from ...liquidation.position_limits import MarginAddOn, PositionLimit
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...text import known_name
from .intervention import Intervention, MarketIntervention, on_market, positive
from .money_interventions import with_cash


@dataclass(frozen=True, repr=False)
class Margin(Intervention):
    """More margin behind positions.

        margin'_p = multiple · margin_p + add_h · |size_p| price_p / Σ of the holder h

    A holder that is a node posts the margin from its external assets. If those outside its venues
    are not sufficient, its owners pay in the remainder, as with `Capital`.

    Parameters
    ----------
    add : {holder: money}, in the unit of the book.
    multiple : of the margin of every position, >= 1.
    price : cost of one unit posted.

    Cost: `price` · Σ posted.

    Example
    -------
    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> more, _ = Margin({"h": 95.0}).market(book, ct.liquidation.LiquidationCascade())
    >>> more.accounts["equity"].tolist()
    [195.0]

    Source: own.
    """

    add: Mapping[Any, float] | None = None
    multiple: float = 1.0
    price: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for money in (self.add or {}).values():
            positive(self, add=money)
        if self.multiple < 1 or not (self.add or self.multiple > 1):
            raise PolicyError("Margin: give add={holder: money}, or multiple= above 1.")

    def posted(self, book: MarginBook) -> pd.Series:
        """Money posted behind each position, in the unit of the book.

        Raises
        ------
        PolicyError : for a holder without positions.
        """
        held = book.positions
        size = held["size"].abs() * held["instrument"].map(book.prices)
        whole = size.groupby(held["holder"]).transform("sum")
        for name in self.add or {}:
            known_name(name, list(held["holder"].unique()), "holder", "Margin")
        more = held["holder"].map(dict(self.add or {})).fillna(0.0).astype(float)
        return (self.multiple - 1) * held["margin"] + more * size / whole.where(whole > 0, 1.0)

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        held = book.positions
        return rebuilt(
            book, held.assign(margin=held["margin"] + self.posted(book)), book.loans
        ), cascade

    def act(self, network: ExposureNetwork, model: Model) -> tuple[ExposureNetwork, Model]:
        after = on_market(self, model)
        assert isinstance(model, CoupledCascade)
        names, rate = network.names, conversion_of(network, after.book)
        at = names.get_indexer_for(pd.Index(list(after.book.holders), dtype=object))
        stakes = (stakes_of(each.book, rate)[at >= 0] for each in (model, after))
        before, now = (np.bincount(at[at >= 0], stake, len(names)) for stake in stakes)
        short = now - np.nan_to_num(network.book.external_assets, nan=np.inf)
        return with_cash(network, np.clip(short, 0.0, now - before), "Margin"), after

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        book = _book(self, model)
        return float(self.price * conversion_of(network, book) * self.posted(book).sum())


@dataclass(frozen=True, repr=False)
class Maintenance(MarketIntervention):
    """Higher maintenance rates: max(rate, least), so that accounts are closed earlier.

    Parameters
    ----------
    least : the lowest rate of any position, below 1.
    price : cost of the change, money.

    Cost: `price`; 0 unless given.

    Example
    -------
    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100, "maintenance": 0.05}])
    >>> Maintenance(0.1).market(book, ct.liquidation.LiquidationCascade())[0].accounts["health"][0]
    np.float64(0.0)

    Source: own.
    """

    least: float
    price: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.least >= 1:
            raise PolicyError(f"Maintenance(least={self.least}): part of a position, below 1.")

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        rates = np.maximum(book.positions["maintenance"], self.least)
        return rebuilt(book, book.positions.assign(maintenance=rates), book.loans), cascade

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price)


@dataclass(frozen=True, repr=False)
class PositionRule(MarketIntervention):
    """A position limit or a margin add-on.

    Parameters
    ----------
    rule : a :class:`~contagion.liquidation.PositionLimit` or
        :class:`~contagion.liquidation.MarginAddOn`.
    depth : {instrument: units}.
    volatility : {instrument: relative standard deviation}, for add-ons.
    price : cost of one unit of positions cut by a limit, or of additional maintenance by an add-on.

    Cost: `price` · Σ value cut, or `price` · Σ additional maintenance, at the prices of the book; 0
    unless a price is given.

    Example
    -------
    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> limit = PositionRule(ct.liquidation.PositionLimit(0.05), {"X": 100})
    >>> limit.market(book, ct.liquidation.LiquidationCascade())[0].positions["size"].tolist()
    [5.0]

    Source: as in the rules.
    """

    rule: PositionLimit | MarginAddOn
    depth: Mapping[str, float] | None = None
    volatility: Mapping[str, float] | None = None
    price: float = 0.0

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        if isinstance(self.rule, PositionLimit):
            return self.rule.apply(book, self.depth or {}).book, cascade
        return self.rule.apply(book, self.depth, self.volatility).book, cascade

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        if not self.price:
            return 0.0
        before = _book(self, model)
        after = on_market(self, model).book  # type: ignore[arg-type]
        sums = [float((each.positions["size"].abs() * each.positions["instrument"].map(each.prices)
                       * (1 if isinstance(self.rule, PositionLimit) else
                          each.positions["maintenance"])).sum())
                for each in (before, after)]  # fmt: skip
        return self.price * conversion_of(network, before) * abs(sums[1] - sums[0])


def _book(one: Intervention, model: Model | None) -> MarginBook:
    if not isinstance(model, CoupledCascade):
        raise PolicyError(
            f"What {type(one).__name__} costs depends on accounts: cost(network, model) with a "
            "CoupledCascade."
        )
    return model.book
