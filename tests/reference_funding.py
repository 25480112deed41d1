"""Credit and funding shocks and hoarding once more, node by node in plain loops.

Only the tables of a network are read: nothing of the package's kernels or matrices is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import contagion as ct

CLOSE = 1e-12


@dataclass
class Spread:
    """Per node, in money: credit, funding, price; when: round of default, -1 never."""

    credit: list[float]
    funding: list[float]
    price: list[float]
    when: list[int]
    illiquid: list[bool]


def cell(net: ct.ExposureNetwork, column: str, i: int, empty: float) -> float:
    """A cell of the node table, or `empty`."""
    value = float(net.nodes[column].iloc[i]) if column in net.nodes else math.nan
    return empty if math.isnan(value) else value


def claims(net: ct.ExposureNetwork) -> list[tuple[int, int, float, float]]:
    """Creditor, debtor, amount and own rate (nan without) of every claim."""
    table = net.exposures
    own = table["lgd"] if "lgd" in table else [math.nan] * len(table)
    place = {name: i for i, name in enumerate(net.names)}
    rows = zip(table["creditor"], table["debtor"], table["amount"], own, strict=True)
    return [(place[a], place[b], float(x), float(r)) for a, b, x, r in rows]


def credit_funding(
    net: ct.ExposureNetwork, model: ct.models.CreditFunding, losses: np.ndarray, pins: np.ndarray
) -> Spread:
    """Rounds: everything is added up again from the set of nodes in default."""
    n, rows, sheet = len(net), claims(net), net.balance_sheet
    assets = [0.0 if math.isnan(x) else x for x in sheet["external_assets"]]
    equity = [0.0 if math.isnan(x) else x for x in sheet["equity"]]
    total = [a + c for a, c in zip(assets, sheet["claims"], strict=True)]
    floor = [cell(net, "equity_floor", i, model.hurdle * total[i]) for i in range(n)]
    cash = [cell(net, "liquid_assets", i, 0.0) for i in range(n)]
    pledged = [cell(net, "secured_funding", i, 0.0) for i in range(n)]
    free = [max(cell(net, "sellable_assets", i, math.inf) - pledged[i], 0.0) for i in range(n)]
    other = [max(a - c, 0.0) for a, c in zip(assets, cash, strict=True)]
    when, number, d = [-1] * n, 0, model.sale_cost
    while True:
        credit, gone = [0.0] * n, [0.0] * n
        for creditor, debtor, amount, own in rows:
            if when[debtor] >= 0:
                rate = model.loss_given_default
                if not math.isnan(pins[debtor]):
                    rate = 1.0 - pins[debtor]
                credit[creditor] += amount * (rate if math.isnan(own) else own)
            if when[creditor] >= 0:
                gone[debtor] += model.not_replaced * amount
        raised = [(1 + d) * max(x - q, 0.0) for x, q in zip(gone, cash, strict=True)]
        sold = [min(x, most) for x, most in zip(raised, free, strict=True)]
        funding = [x * d / (1 + d) for x in sold]
        fall = min(1.0, model.price_impact * sum(sold) / sum(other)) if sum(other) else 0.0
        price = [fall * max(m - x, 0.0) for m, x in zip(other, losses, strict=True)]
        new = []
        for i in range(n):
            size = CLOSE * (abs(equity[i]) + sheet["claims"].iloc[i] + sheet["debts"].iloc[i])
            loss, capital = losses[i] + credit[i] + funding[i] + price[i], equity[i] - floor[i]
            short = raised[i] > free[i] + size
            if model.strict:
                fails = loss > capital + size
            else:
                fails = loss >= capital - size and (loss > 0 or capital < -size)
            trigger = number == 0 and not math.isnan(pins[i])
            if when[i] < 0 and (trigger or (net.book.can_fail[i] and (fails or short))):
                new.append(i)
        if not new:
            illiquid = [
                bool(net.book.can_fail[i] and raised[i] > free[i] * (1 + 1e-9) + 1e-9)
                for i in range(n)
            ]
            return Spread(credit, funding, price, when, illiquid)
        for i in new:
            when[i] = number
        number += 1


def hoarding(
    net: ct.ExposureNetwork,
    model: ct.models.LiquidityHoarding,
    losses: np.ndarray,
    pins: np.ndarray,
) -> list[int]:
    """The round in which every node starts to hoard, -1 never."""
    n, rows, assets = len(net), claims(net), net.balance_sheet["external_assets"]
    when, number = [-1] * n, 0
    while True:
        position = []
        for i in range(n):
            share = model.liquid_share * (0.0 if math.isnan(assets.iloc[i]) else assets.iloc[i])
            here = cell(net, "liquid_assets", i, share) - losses[i]
            here += (1 - model.haircut) * cell(net, "sellable_assets", i, 0.0)
            here -= cell(net, "secured_funding", i, 0.0)
            for creditor, debtor, amount, _ in rows:
                if debtor == i and when[creditor] >= 0:
                    here -= model.withdrawal * amount
            position.append(here)
        new = [
            i
            for i in range(n)
            if when[i] < 0
            and (
                (number == 0 and not math.isnan(pins[i]))
                or (net.book.can_fail[i] and position[i] < -1e-12)
            )
        ]
        if not new:
            return when
        for i in new:
            when[i] = number
        number += 1
