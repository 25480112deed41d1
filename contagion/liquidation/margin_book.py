"""Positions and loans as one book of accounts: equity, health, leverage, liquidation prices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MarginError
from ..kernels.accounts import LOAN, POSITION, Accounts
from ..text import did_you_mean, known_name, listing, money, plural
from . import position_tables as tables

NUMERAIRE = "money"


class MarginBook:
    """Who holds which leveraged positions and loans, at which prices. Immutable.

    Account a has cash and units q of assets with prices p; debts are units below 0:

        equity_a = cash_a + Σ q p             health_a = cash_a + Σ w q p

    with `w = 1 − m sign(q)` for a position of maintenance rate m, `w` the liquidation threshold for
    collateral of a loan and 1 for its debt. An account is liquidated when its health is below 0.
    The cash of a position is `margin − size · entry price`. Positions of one holder at one venue
    share an account unless they are isolated.

    Parameters
    ----------
    prices : {asset: money per unit}; "money" itself has price 1.
    positions : table venue, holder, instrument, size and optionally entry_price, margin, mode,
        maintenance, close_factor, fee, decimals.
    loans : table protocol, borrower, collateral_asset, collateral, debt_asset, debt, threshold and
        optionally bonus, close_factor, full_below, account and decimals.
    maintenance : rate for positions whose row has none.
    unit : unit of money, for texts.

    Raises
    ------
    MarginError : for a column that is missing, a cell that is not what the schema says, an asset
        without a price, no rows at all, a price that is not money, rows of one account that differ
        in what an account has one of (close_factor, bonus, full_below).

    Example
    -------
    Long 2 at 100 with 30 of margin, maintenance 5 %: at 90 equity is 10 and 9 are needed.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 90.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 2, "entry_price": 100, "margin": 30, "maintenance": 0.05}])
    >>> book.accounts[["equity", "maintenance", "health"]].values.tolist()
    [[10.0, 9.0, 1.0]]
    >>> book.legs[["bankruptcy_price", "liquidation_price"]].round(6).values.tolist()
    [[85.0, 89.473684]]
    """

    def __init__(
        self,
        prices: Mapping[str, float],
        positions: Any = None,
        loans: Any = None,
        *,
        maintenance: float = 0.05,
        unit: str = "",
    ):
        put = self.__dict__
        put["unit"] = unit
        put["prices"] = {NUMERAIRE: 1.0, **{str(k): float(v) for k, v in prices.items()}}
        _check_prices(self.prices)
        put["positions"] = tables.positions(positions, maintenance)
        put["loans"] = tables.loans(loans)
        if not len(self.positions) and not len(self.loans):
            raise MarginError("The book has no positions and no loans.")
        frame = pd.concat([tables.position_legs(self.positions), tables.loan_legs(self.loans)])
        known = list(self.prices)
        for name in frame["asset"].unique():
            if name not in self.prices:
                raise MarginError(f"No price is given. {did_you_mean(name, known, 'asset')}")
        put["assets"] = tuple(dict.fromkeys(frame["asset"]))
        put["price"] = np.array([self.prices[name] for name in self.assets])
        own = frame["entry_price"].isna()
        frame["entry_price"] = frame["entry_price"].where(~own, frame["asset"].map(self.prices))
        frame["cash"] = frame["margin"] - np.where(frame["loan"], 0.0, frame["units"]) * np.where(
            frame["loan"], 0.0, frame["entry_price"]
        )
        account = pd.factorize(pd.MultiIndex.from_frame(frame[["venue", "holder", "key"]]))[0]
        frame = frame.assign(account=account)
        tables.check_accounts(frame)
        put["_frame"] = frame.sort_values("account", kind="stable", ignore_index=True)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"a MarginBook is immutable; {key!r} cannot be set")

    prices: dict[str, float]
    positions: pd.DataFrame
    loans: pd.DataFrame
    assets: tuple[str, ...]
    price: np.ndarray
    unit: str
    _frame: pd.DataFrame

    @cached_property
    def arrays(self) -> Accounts:
        """The accounts as arrays, for the kernel."""
        frame = self._frame
        one = frame.drop_duplicates("account")
        return Accounts(
            account=frame["account"].to_numpy(),
            asset=pd.Index(self.assets).get_indexer_for(pd.Index(frame["asset"])),
            units=frame["units"].to_numpy(float),
            weight=frame["weight"].to_numpy(float),
            fee=frame["fee"].to_numpy(float),
            bonus=frame["bonus"].to_numpy(float),
            cash=np.bincount(frame["account"], frame["cash"]),
            venue=pd.Index(self.venues).get_indexer_for(pd.Index(one["venue"])),
            holder=pd.Index(self.holders).get_indexer_for(pd.Index(one["holder"])),
            kind=np.where(one["loan"], LOAN, POSITION),
            close_factor=one["close_factor"].to_numpy(float),
            full_below=one["full_below"].to_numpy(float),
            reserve=self._reserve[0],
        )

    @cached_property
    def _reserve(self) -> tuple[np.ndarray, pd.DataFrame]:
        """(L,) number of the reserve that a debt is owed to, −1 for other legs; the reserves."""
        frame = self._frame
        owed = (frame["loan"] & frame["debt"]).to_numpy(bool)
        keys = frame.loc[owed, ["venue", "asset"]]
        numbers, first = np.full(len(frame), -1), keys.drop_duplicates()
        if len(first):
            numbers[owed] = pd.MultiIndex.from_frame(first).get_indexer(
                pd.MultiIndex.from_frame(keys)
            )
        return numbers, first.reset_index(drop=True)

    @property
    def reserves(self) -> pd.DataFrame:
        """Venue and asset of every reserve that loans owe to, in the order of their numbers."""
        return self._reserve[1]

    @cached_property
    def venues(self) -> tuple[Any, ...]:
        """Venues and protocols, in the order in which they come."""
        return tuple(dict.fromkeys(self._frame["venue"]))

    @cached_property
    def holders(self) -> tuple[Any, ...]:
        """Holders and borrowers, in the order in which they come."""
        return tuple(dict.fromkeys(self._frame["holder"]))

    @property
    def accounts(self) -> pd.DataFrame:
        """One row an account, in money.

        Columns: venue, holder, loan, equity, notional (Σ |q p|), leverage (notional / equity of
        a position, collateral / equity of a loan; inf without equity), maintenance (equity −
        health), health, health_factor (loans: Σ w q p of the collateral over the debt; nan else).
        """
        a, one = self.arrays, self._frame.drop_duplicates("account")
        value = a.units * self.price[a.asset]
        n = len(a.cash)
        total = np.bincount(a.account, value, n)
        equity = a.cash + total
        health = a.cash + np.bincount(a.account, value * a.weight, n)
        notional = np.bincount(a.account, np.abs(value), n)
        assets = np.where(a.loan, np.bincount(a.account, np.maximum(value, 0.0), n), notional)
        debt = np.bincount(a.account, np.maximum(-value, 0.0), n)
        with np.errstate(divide="ignore", invalid="ignore"):
            leverage = np.where(equity > 0, assets / equity, np.inf)
            factor = np.where(a.loan & (debt > 0), (health + debt) / debt, np.nan)
        return pd.DataFrame(
            {
                "venue": one["venue"].to_numpy(),
                "holder": one["holder"].to_numpy(),
                "loan": a.loan,
                "equity": equity,
                "notional": notional,
                "leverage": leverage,
                "maintenance": equity - health,
                "health": health,
                "health_factor": factor,
            }
        )

    @property
    def legs(self) -> pd.DataFrame:
        """One row a leg: account, venue, holder, asset, units, price, value and two prices.

        bankruptcy_price and liquidation_price: where the equity and the health of the account
        reach 0 when the price of this asset alone moves, `p − equity / Q` and `p − health / Σ w q`
        with Q the units of the account in the asset; nan where the account has none, and below 0
        where no fall is enough.
        """
        a, frame, table = self.arrays, self._frame, self.accounts
        price = self.price[a.asset]
        group = pd.factorize(a.account * np.int64(len(self.assets)) + a.asset)[0]
        units, weighted = (np.bincount(group, x)[group] for x in (a.units, a.units * a.weight))
        with np.errstate(divide="ignore", invalid="ignore"):
            ruin = price - table["equity"].to_numpy()[a.account] / units
            call = price - table["health"].to_numpy()[a.account] / weighted
        return pd.DataFrame(
            {
                "account": a.account,
                "venue": frame["venue"],
                "holder": frame["holder"],
                "asset": frame["asset"],
                "units": a.units,
                "price": price,
                "value": a.units * price,
                "bankruptcy_price": np.where(np.isfinite(ruin), ruin, np.nan),
                "liquidation_price": np.where(np.isfinite(call), call, np.nan),
            }
        )

    def at(self, prices: Mapping[str, float]) -> MarginBook:
        """The same book at other prices (entry prices and margins stay)."""
        new = object.__new__(MarginBook)
        new.__dict__.update(
            {k: v for k, v in self.__dict__.items() if k not in ("arrays", "venues", "holders")}
        )
        for name in prices:
            known_name(name, self.prices, "asset")
        new.__dict__["prices"] = {**self.prices, **{k: float(v) for k, v in prices.items()}}
        _check_prices(new.prices)
        new.__dict__["price"] = np.array([new.prices[name] for name in self.assets])
        return new

    def holding(self, units: np.ndarray, cash: np.ndarray, price: np.ndarray) -> MarginBook:
        """The same accounts with other units (L,), cash (N,) and prices (A,)."""
        frame = self._frame
        first = ~frame["account"].duplicated()
        own = np.where(first, cash[frame["account"]], 0.0)
        legs = frame.assign(units=units, own=own).sort_values("row", kind="stable")
        placed = legs[~legs["loan"]]
        size = placed["units"].to_numpy()
        positions = self.positions.assign(
            size=size,
            entry_price=placed["entry_price"].to_numpy(),
            margin=placed["own"].to_numpy() + size * placed["entry_price"].to_numpy(),
        )
        held, owed = (legs[legs["loan"] & (legs["debt"] == debt)] for debt in (False, True))
        loans = self.loans.assign(
            collateral=held["units"].to_numpy(), debt=-owed["units"].to_numpy() + 0.0,
            cash=held["own"].to_numpy() + owed["own"].to_numpy(),
        )  # fmt: skip
        known = {**self.prices, **dict(zip(self.assets, price.tolist(), strict=True))}
        return rebuilt(self.at(known), positions, loans)

    def __len__(self) -> int:
        return len(self.arrays.cash)

    def __repr__(self) -> str:
        table = self.accounts
        weak = int((table["health"] < 0).sum())
        return (
            f"MarginBook: {plural(len(table), 'account')} of {plural(len(self.holders), 'holder')} "
            f"at {plural(len(self.venues), 'venue')}, {plural(len(self.assets), 'asset')}\n"
            f"  notional {money(float(table['notional'].sum()), self.unit)}, equity "
            f"{money(float(table['equity'].sum()), self.unit)}; {plural(weak, 'account')} below "
            "maintenance"
        )


def rebuilt(book: MarginBook, positions: pd.DataFrame, loans: pd.DataFrame) -> MarginBook:
    """The book with other positions and loans; raw integers have been scaled already."""
    loans = loans.assign(collateral_decimals=0, debt_decimals=0)
    return MarginBook(book.prices, positions.assign(decimals=0), loans, unit=book.unit)


def _check_prices(prices: Mapping[str, float]) -> None:
    bad = [name for name, price in prices.items() if not (np.isfinite(price) and price >= 0)]
    if bad:
        raise MarginError(f"The price of {listing(bad)} is not money >= 0.")
    if prices[NUMERAIRE] != 1:
        raise MarginError(
            f"The price of {NUMERAIRE!r} is {prices[NUMERAIRE]:g}; it is the unit of account and "
            "costs 1. Give a coin that can lose its peg a name of its own."
        )
