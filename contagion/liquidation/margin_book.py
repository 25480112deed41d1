"""Positions and loans as one book of accounts: equity, health, leverage, liquidation prices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..errors import Finding, MarginError
from ..kernels.accounts import LOAN, MARGIN, POSITION, Accounts
from ..margin import ScenarioGrid, TieredSchedule
from ..media import shown
from ..network.tables.reading import reading, refuse_unknown
from ..text import did_you_mean, known_name, listing, money, plural
from . import position_tables as tables
from .instruments import VOLATILITY, Columns, Instrument, names_behind, priced
from .margin_rules import MarginRules, rules_of

NUMERAIRE = tables.NUMERAIRE


class MarginBook:
    """Leveraged positions and loans by holder and venue, with prices. Immutable.

    Account a has cash and units q of assets with prices p; debts are units below 0:

        equity_a = cash_a + Σ q p             health_a = cash_a + Σ w q p

    with `w = 1 − m sign(q)` for a position of maintenance rate m, `w` the liquidation threshold for
    collateral of a loan and 1 for its debt. An account is liquidated when its health is below 0.
    The cash of a position is `margin − size · entry price`. Positions of one holder at one venue
    share an account unless they are isolated.

    Parameters
    ----------
    prices : {asset: money per unit}, or a table asset, price; "money" itself has price 1. If a
        venue has its own market, the price is named "asset@venue".
    positions : table or file venue, holder, instrument, size and optionally kind, side,
        entry_price, margin, mode, maintenance, close_factor, fee, decimals, contract_size.
    loans : table or file protocol, borrower, collateral_asset, collateral, debt_asset, debt,
        threshold and optionally bonus, close_factor, full_below, account and decimals.
    maintenance : rate for positions without one in their row.
    instruments : {name: :class:`~contagion.liquidation.Option` or `Future`}; options are priced
        from their underlying.
    schedules : {asset: :class:`~contagion.margin.TieredSchedule`}, maintenance by size instead of
        a rate, for linear positions.
    portfolio : {venue: :class:`~contagion.margin.ScenarioGrid`}, maintenance of all linear
        positions and options of an account together, instead of rates and schedules.
    unit : unit of money, for texts.
    **options : options for reading tables, see :class:`~contagion.network.tables.Reading`.

    Raises
    ------
    MarginError : for a missing column, a cell that does not fit the schema, an asset without a
        price, no rows at all, an invalid price, rows of one account that differ in a value that is
        unique per account (close_factor, bonus, full_below).

    Example
    -------
    Long 2 at 100 with a margin of 30, maintenance 5 %: at 90 equity is 10 and maintenance is 9.

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
        prices: Any,
        positions: Any = None,
        loans: Any = None,
        *,
        maintenance: float = 0.05,
        instruments: Mapping[str, Instrument] | None = None,
        schedules: Mapping[str, TieredSchedule] | None = None,
        portfolio: Mapping[Any, ScenarioGrid] | None = None,
        unit: str = "",
        **options: Any,
    ):
        put = self.__dict__
        put["unit"] = unit
        refuse_unknown(options)
        how = reading(options, unit)
        given, told = tables.prices(prices, how)
        put["prices"] = {NUMERAIRE: 1.0, **given}
        _check_prices(self.prices)
        held, owed = tables.read(positions, "positions", how), tables.read(loans, "loans", how)
        how.finish([*held.headings, *owed.headings])
        put["told"] = {"prices": told, "positions": held.findings, "loans": owed.findings}
        put["instruments"], put["schedules"] = dict(instruments or {}), dict(schedules or {})
        put["portfolio"] = dict(portfolio or {})
        put["prices"] = priced(self.prices, self.instruments)
        put["positions"] = tables.positions(held, maintenance)
        put["loans"] = tables.loans(owed)
        if not len(self.positions) and not len(self.loans):
            raise MarginError("The book has no positions and no loans.")
        frame = pd.concat(
            [tables.position_legs(self.positions, self.prices), tables.loan_legs(self.loans)]
        )
        known = list(self.prices)
        own = frame["asset"].astype(str) + "@" + frame["venue"].astype(str)
        put["_base"] = dict(zip(own, frame["asset"], strict=True))
        frame["asset"] = frame["asset"].where(~own.isin(known), own)
        for name in [name for name in frame["asset"].unique() if name not in self.prices]:
            raise MarginError(f"No price is given. {did_you_mean(name, known, 'asset')}")
        names = list(dict.fromkeys(frame["asset"]))
        put["assets"] = tuple(dict.fromkeys([*names, *names_behind(names, self.instruments)]))
        put["price"] = np.array([self.prices[name] for name in self.assets])
        entry = frame["entry_price"]
        frame["entry_price"] = entry.where(entry.notna(), frame["asset"].map(self.prices))
        frame["cash"] = frame["margin"] - np.where(frame["loan"], 0.0, frame["units"]) * np.where(
            frame["loan"], 0.0, frame["entry_price"]
        )
        frame = frame.astype(dict.fromkeys(("loan", "debt", "borrows", "linear"), bool))
        frame["grid"] = frame["linear"] & frame["venue"].isin(list(self.portfolio))
        base = frame["asset"].map(lambda name: self._base.get(name, name))
        frame["tiered"] = frame["linear"] & base.isin(list(self.schedules)) & ~frame["grid"]
        frame["rate"] = np.abs(1 - frame["weight"])
        frame["weight"] = frame["weight"].mask(frame["grid"] | frame["tiered"], 1.0)
        account = pd.factorize(pd.MultiIndex.from_frame(frame[["venue", "holder", "key"]]))[0]
        frame = frame.assign(account=account)
        tables.check_accounts(frame)
        put["_frame"] = tables.netted(frame).sort_values(
            "account", kind="stable", ignore_index=True
        )

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"a MarginBook is immutable; {key!r} cannot be set")

    told: dict[str, list[Finding]]
    prices: dict[str, float]
    instruments: dict[str, Instrument]
    schedules: dict[str, TieredSchedule]
    portfolio: dict[Any, ScenarioGrid]
    positions: pd.DataFrame
    loans: pd.DataFrame
    assets: tuple[str, ...]
    price: np.ndarray
    unit: str
    _base: dict[str, Any]
    _frame: pd.DataFrame

    @property
    def findings(self) -> tuple[Finding, ...]:
        """How prices, positions and loans were read, repaired and filled in."""
        return sum(map(tuple, self.told.values()), ())

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
            kind=np.where(
                one["loan"],
                LOAN,
                np.where(frame.groupby("account")["borrows"].any(), MARGIN, POSITION),
            ),
            close_factor=one["close_factor"].to_numpy(float),
            full_below=one["full_below"].to_numpy(float),
            reserve=self._reserve[0],
        )

    @property
    def columns(self) -> Columns:
        """The markets that are instruments with an expiry."""
        found = {
            name: self.instruments.get(of) for name, of in zip(self.assets, self.base, strict=True)
        }
        return Columns(self.assets, {name: one for name, one in found.items() if one is not None})

    @cached_property
    def rules(self) -> MarginRules | None:
        """Maintenance by schedules and grids; None if there are only rates."""
        return rules_of(self, self.schedules, self.portfolio)

    def required(self) -> np.ndarray:
        """(N,) maintenance of schedules and grids at the prices of the book, money."""
        if self.rules is None:
            return np.zeros(len(self))
        units, price = self.arrays.units[None], self.price[None]
        return np.asarray(self.rules.required(units, price, np.zeros(1))[0])

    @cached_property
    def _reserve(self) -> tuple[np.ndarray, pd.DataFrame]:
        """(L,) reserve to which a debt is owed, as a number, −1 for other legs; the reserves."""
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
        """Venue and asset of every reserve that lends, in the order of their numbers."""
        return self._reserve[1]

    @property
    def base(self) -> tuple[Any, ...]:
        """(A,) the asset traded in each market of `assets`: "USDe" for "USDe@v"."""
        return tuple(self._base.get(name, name) for name in self.assets)

    def markets(self, name: Any) -> list[int]:
        """The markets of a name: one of `assets`, or all markets of an asset."""
        found = [self.assets.index(name)] if name in self.assets else []
        both = [k for k, base in enumerate(self.base) if base == name and k not in found]
        if not found + both:
            known_name(name, dict.fromkeys((*self.assets, *self.base)), "asset of the book")
        return found + both

    @cached_property
    def venues(self) -> tuple[Any, ...]:
        """Venues and protocols, in order of first appearance."""
        return tuple(dict.fromkeys(self._frame["venue"]))

    @cached_property
    def holders(self) -> tuple[Any, ...]:
        """Holders and borrowers, in order of first appearance."""
        return tuple(dict.fromkeys(self._frame["holder"]))

    @property
    def accounts(self) -> pd.DataFrame:
        """One row per account, in money.

        Columns: venue, holder, loan, equity, notional (Σ |q p|), leverage (notional / equity of
        a position, collateral / equity of a loan; inf without equity), maintenance (equity −
        health), health, health_factor (loans: Σ w q p of the collateral over the debt; else nan).
        """
        a, one = self.arrays, self._frame.drop_duplicates("account")
        value = a.units * self.price[a.asset]
        n = len(a.cash)
        total = np.bincount(a.account, value, n)
        equity = a.cash + total
        health = a.cash + np.bincount(a.account, value * a.weight, n) - self.required()
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
        """One row per leg: account, venue, holder, asset, units, price, value, two prices, greeks.

        bankruptcy_price and liquidation_price: prices at which the equity and the health of the
        account reach 0 if only this asset moves, `p − equity / Q` and `p − health / Σ w q` with Q
        the units of the account in the asset; nan if the account has none, below 0 if no fall is
        large enough. delta, gamma: change of the value, and of delta, per unit of the price of the
        asset (for an option, of its underlying); vega: per point (0.01) of volatility.
        """
        a, frame, table = self.arrays, self._frame, self.accounts
        price = self.price[a.asset]
        group = pd.factorize(a.account * np.int64(len(self.assets)) + a.asset)[0]
        units, weighted = (np.bincount(group, x)[group] for x in (a.units, a.units * a.weight))
        greeks = a.units * self.columns.greeks(self.price)[:, a.asset]
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
                **dict(zip(("delta", "gamma", "vega"), greeks, strict=True)),
            }
        )

    def at(self, prices: Mapping[str, float]) -> MarginBook:
        """The same book at other prices (entry prices and margins stay)."""
        new = object.__new__(MarginBook)
        own = ("arrays", "venues", "holders", "rules")
        new.__dict__.update({k: v for k, v in self.__dict__.items() if k not in own})
        for name in prices:
            known_name(name, self.prices, "asset")
        given = {**self.prices, **{k: float(v) for k, v in prices.items()}}
        new.__dict__["prices"] = priced(given, self.instruments)
        _check_prices(new.prices)
        new.__dict__["price"] = np.array([new.prices[name] for name in self.assets])
        return new

    def holding(
        self, units: np.ndarray, cash: np.ndarray, price: np.ndarray, elapsed: float = 0.0
    ) -> MarginBook:
        """The same accounts with other units (L,), cash (N,) and prices (A,), some days later."""
        frame = self._frame
        first = ~frame["account"].duplicated()
        own = np.where(first, cash[frame["account"]], 0.0)
        legs = frame.assign(units=units, own=own).sort_values("row", kind="stable")
        placed = legs[~legs["loan"]]
        size, entry = placed["units"].to_numpy(), placed["entry_price"].to_numpy()
        isolated = placed["key"] != "cross"
        if (isolated & placed["account"].duplicated(keep=False)).any():
            raise MarginError("An isolated inverse position cannot go on in a book: make it cross.")
        positions = placed[["venue", "holder", "close_factor", "fee"]].assign(
            instrument=placed["asset"].map(lambda name: self._base.get(name, name)),
            kind=np.where(entry == 0, "spot", "linear"),
            size=size,
            entry_price=entry,
            margin=placed["own"].to_numpy() + size * entry,
            mode=np.where(isolated, "isolated", "cross"),
            maintenance=placed["rate"],
        )
        held, owed = (legs[legs["loan"] & (legs["debt"] == debt)] for debt in (False, True))
        loans = self.loans.assign(
            collateral=held["units"].to_numpy(), debt=-owed["units"].to_numpy() + 0.0,
            cash=held["own"].to_numpy() + owed["own"].to_numpy(),
        )  # fmt: skip
        known = {**self.prices, **dict(zip(self.assets, price.tolist(), strict=True))}
        later = {
            name: one.later(
                elapsed, known.get(VOLATILITY + str(getattr(one, "underlying", "")), 1.0)
            )
            for name, one in self.instruments.items()
        }
        calm = {name: 1.0 for name in known if str(name).startswith(VOLATILITY)}
        after = self.at(known)
        after.__dict__.update(instruments=later, prices={**known, **calm})
        return rebuilt(after, positions, loans)

    def __len__(self) -> int:
        return len(self.arrays.cash)

    @shown
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
    return MarginBook(
        book.prices, positions.assign(decimals=0), loans, instruments=book.instruments,
        schedules=book.schedules, portfolio=book.portfolio, unit=book.unit,
    )  # fmt: skip


def _check_prices(prices: Mapping[str, float]) -> None:
    bad = [name for name, price in prices.items() if not (np.isfinite(price) and price >= 0)]
    if bad:
        raise MarginError(f"The price of {listing(bad)} is not money >= 0.")
    if prices[NUMERAIRE] != 1:
        raise MarginError(
            f"The price of {NUMERAIRE!r} is {prices[NUMERAIRE]:g}; it is the unit of account and "
            "costs 1. Give a coin that can lose its peg a name of its own."
        )
