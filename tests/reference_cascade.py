"""One scenario of a liquidation cascade in plain Python, written from the docstrings of
`LiquidationCascade`, `MarginBook` and the impacts and oracles, without the kernel.

Accounts are dicts, legs are lists, prices are dicts, and every sum is a loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

EPS = 1e-12


# Price impact: (price after volume / price before, integral of it from 0).
def no_impact(volume: float) -> tuple[float, float]:
    return 1.0, volume


def linear(depth: float, floor: float = 0.0):
    def impact(volume: float) -> tuple[float, float]:
        last = (1 - floor) * depth  # from there on buyers pay the floor
        if volume <= last:
            return 1 - volume / depth, volume - volume**2 / (2 * depth)
        return floor, last - last**2 / (2 * depth) + floor * (volume - last)

    return impact


def exponential(depth: float):
    def impact(volume: float) -> tuple[float, float]:
        return math.exp(-volume / depth), -depth * math.expm1(-volume / depth)

    return impact


def square_root(scale: float, daily: float, floor: float = 0.0):
    def impact(volume: float) -> tuple[float, float]:
        last = daily * ((1 - floor) / scale) ** 2
        inside = min(volume, last)
        slope = scale * math.sqrt(abs(inside) / daily)
        price = max(1 - math.copysign(slope, volume), floor)
        return price, inside - 2 / 3 * slope * abs(inside) + floor * (volume - inside)

    return impact


# Oracles: how many market prices they remember, and what they tell from all so far, oldest first.
MARKET = (1, lambda history: history[-1])


def mean_of(window: int):
    return window, lambda history: sum(history[-window:]) / window


def late(delay: int):
    return delay + 1, lambda history: history[-1 - delay]


def fixed(price: float):
    return 1, lambda history: price


@dataclass
class Account:
    venue: Any
    holder: Any
    loan: bool
    cash: float
    legs: list[list[Any]]  # [asset, units, maintenance rate or threshold, fee]
    close_factor: float
    bonus: float = 0.0
    full_below: float = 0.0
    vault: bool = False
    deficit: float = 0.0
    called: float = 0.0
    fees: float = 0.0
    scale: float = 0.0
    first: list[float] = field(default_factory=list)

    def equity(self, price: dict) -> float:
        return self.cash + sum(units * price[asset] for asset, units, _, _ in self.legs)

    def health(self, price: dict) -> float:
        total = self.cash
        for asset, units, rate, _ in self.legs:
            value = units * price[asset]
            if not self.loan:
                total += value - rate * abs(value)
            elif units > 0:
                total += rate * value
            else:
                total += value
        return total

    def collateral(self, price: dict) -> float:
        return sum(units * price[asset] for asset, units, _, _ in self.legs if units > 0)

    def debt(self, price: dict) -> float:
        return -sum(units * price[asset] for asset, units, _, _ in self.legs if units < 0)


def accounts_of(prices: dict, positions: list[dict], loans: list[dict]) -> list[Account]:
    """Cross positions of a holder at a venue are one account, so are loans with one `account`."""
    found: dict[Any, Account] = {}
    for number, row in enumerate(positions):
        alone = number if row.get("mode", "cross") == "isolated" else "cross"
        key = ("position", row["venue"], row["holder"], alone)
        if key not in found:
            found[key] = Account(
                row["venue"], row["holder"], False, 0.0, [], row.get("close_factor", 1.0)
            )
        entry = row.get("entry_price", prices[row["instrument"]])
        found[key].cash += row.get("margin", 0.0) - row["size"] * entry
        leg = [row["instrument"], row["size"], row.get("maintenance", 0.05), row.get("fee", 0.0)]
        found[key].legs.append(leg)
    for number, row in enumerate(loans):
        key = ("loan", row["protocol"], row["borrower"], row.get("account", number))
        if key not in found:
            found[key] = Account(
                row["protocol"],
                row["borrower"],
                True,
                0.0,
                [],
                row.get("close_factor", 0.5),
                row.get("bonus", 0.05),
                row.get("full_below", 0.95),
            )
        found[key].legs.append([row["collateral_asset"], row["collateral"], row["threshold"], 0.0])
        found[key].legs.append([row["debt_asset"], -row["debt"], 1.0, 0.0])
    for account in found.values():
        gross = sum(abs(units) * prices[asset] for asset, units, _, _ in account.legs)
        account.scale = (abs(account.cash) + gross) or 1.0
        account.first = [abs(units) for _, units, _, _ in account.legs]
    return list(found.values())


def part_to_close(account: Account, price: dict, partial: bool) -> float:
    """Of a position the part of all its legs, of a loan the part of its debts that is repaid."""
    equity, health = account.equity(price), account.health(price)
    if account.loan:
        debt, collateral = account.debt(price), account.collateral(price)
        if debt <= 0:
            return 0.0
        factor = (health + debt) / debt
        most = 1.0 if factor <= account.full_below else account.close_factor
        return min(most, collateral / (debt * (1 + account.bonus)))
    if equity <= 0:
        return 1.0
    needed = -health / (equity - health) if partial else 1.0
    return min(needed, account.close_factor)


def run(
    prices: dict,
    positions: list[dict],
    loans: list[dict],
    shock: dict,
    free: dict,
    impacts: dict,
    oracles: dict,
    *,
    partial: bool = True,
    backstop: float = 0.0,
    capacity: float = math.inf,
    recovery: float = 0.0,
    tolerance: float = 1e-9,
    max_rounds: int = 1_000,
) -> dict[str, Any]:
    """The state after the last round; `impacts` and `oracles` by asset, money has neither."""
    accounts = accounts_of(prices, positions, loans)
    base = {asset: price * (1 + shock.get(asset, 0.0)) for asset, price in prices.items()}
    free = dict(free)
    room = {account.venue: capacity for account in accounts}
    volume = dict.fromkeys(prices, 0.0)
    history = {asset: [price] * 40 for asset, price in prices.items()}
    buyers = liquidators = 0.0
    before = {asset: (price, price) for asset, price in prices.items()}
    number = 0
    while True:
        number += 1
        assert number <= max_rounds
        marked = {}
        for asset in prices:
            moved = 1.0 if asset == "money" else impacts[asset](volume[asset])[0]
            marked[asset] = base[asset] * moved
        for asset in prices:
            history[asset].append(marked[asset])
        told = {asset: told_of(oracles, history, asset) for asset in prices}
        busy = False
        weak = [
            account
            for account in accounts
            if not account.vault
            and any(units != 0 for _, units, _, _ in account.legs)
            and account.health(told) < -EPS * account.scale
        ]
        # margin calls
        asked: dict[Any, float] = {}
        for account in weak:
            asked[account.holder] = asked.get(account.holder, 0.0) - account.health(told)
        payers = {h for h, need in asked.items() if free.get(h, 0.0) >= need * (1 - EPS)}
        for account in weak:
            if account.holder in payers:
                need = -account.health(told)
                account.cash += need
                account.called += need
                free[account.holder] = max(free[account.holder] - need, 0.0)
                busy = True
        weak = [account for account in weak if account.holder not in payers]
        # the vault
        if backstop > 0:
            thin = []
            for account in weak:
                equity = account.equity(told)
                if not account.loan and equity < backstop * (equity - account.health(told)):
                    thin.append(account)
            for venue in room:
                mine = [account for account in thin if account.venue == venue]
                hole = sum(max(-account.equity(told), 0.0) for account in mine)
                if hole <= room[venue]:
                    room[venue] -= hole
                    for account in mine:
                        account.vault = True
                        weak.remove(account)
        # what leaves each leg
        orders: list[tuple[Account, list[float]]] = []
        for account in weak:
            part = part_to_close(account, told, partial)
            if account.loan and part > 0:  # nobody liquidates at a loss
                repaid = part * account.debt(told)
                share = repaid * (1 + account.bonus) / account.collateral(told)
                if share * account.collateral(marked) < part * account.debt(marked):
                    continue
            if part > 0:
                orders.append((account, leaving(account, part, told)))
        net = dict.fromkeys(prices, 0.0)
        for account, sales in orders:
            for (asset, *_), sale in zip(account.legs, sales, strict=True):
                net[asset] += sale
        price = {}
        for asset, amount in net.items():
            price[asset] = marked[asset]
            if asset != "money" and amount != 0:
                _, start = impacts[asset](volume[asset])
                _, end = impacts[asset](volume[asset] + amount)
                price[asset] = base[asset] * (end - start) / amount
                volume[asset] += amount
            buyers += (base[asset] - price[asset]) * amount
        for account, sales in orders:
            busy = True
            charge = 0.0
            for k, sale in enumerate(sales):
                asset, _, _, fee = account.legs[k]
                proceeds = sale * price[asset]
                account.legs[k][1] -= sale
                if account.loan:
                    liquidators += proceeds
                else:
                    account.cash += proceeds
                    charge += fee * abs(proceeds)
            charge = min(charge, max(account.equity(told), 0.0))
            account.cash -= charge
            account.fees += charge
            for k, start in enumerate(account.first):
                if abs(account.legs[k][1]) <= EPS * start:
                    account.legs[k][1] = 0.0
            if account.loan:
                gone = account.collateral(told) <= EPS * account.debt(told)
            else:
                gone = all(units == 0 for _, units, _, _ in account.legs)
            worth = account.equity(base)
            if gone and worth < 0:
                account.deficit += -worth
                account.cash = 0.0
                for leg in account.legs:
                    leg[1] = 0.0
        for asset in volume:
            volume[asset] *= math.exp(-recovery)
        for asset in prices:
            for now, then in zip((marked[asset], told[asset]), before[asset], strict=True):
                busy |= abs(now - then) > tolerance * abs(now)
            # an oracle that remembers other prices may still have something to say
            past = history[asset]
            window = 1 if asset == "money" else oracles[asset][0]
            for k in range(1, window + 1):
                busy |= abs(past[-k] - past[-k - 1]) > tolerance * abs(past[-k])
            before[asset] = (marked[asset], told[asset])
        if not busy:
            break
    end = {
        asset: base[asset] * (1.0 if asset == "money" else impacts[asset](volume[asset])[0])
        for asset in prices
    }
    return {
        "accounts": accounts,
        "prices": end,
        "volume": volume,
        "free": free,
        "rounds": number,
        "buyers": buyers,
        "liquidators": liquidators,
        "base": base,
    }


def told_of(oracles: dict, history: dict, asset: Any) -> float:
    return 1.0 if asset == "money" else oracles[asset][1](history[asset])


def leaving(account: Account, part: float, price: dict) -> list[float]:
    """Units that leave each leg; a liquidator takes collateral pro rata, worth what it repays and
    the bonus."""
    if not account.loan:
        return [units * part for _, units, _, _ in account.legs]
    seized = part * account.debt(price) * (1 + account.bonus)
    share = min(seized / account.collateral(price), 1.0)
    return [units * (share if units > 0 else part) for _, units, _, _ in account.legs]
