"""The joint fixed point once more, node by node and claim by claim: the reference of the tests."""

from __future__ import annotations

import numpy as np
import reference
import reference_firesale as plain

import contagion as ct

Prices, Funding = tuple[float, float, float], tuple[float, float]


def joint(
    net: ct.ExposureNetwork,
    losses: np.ndarray,
    pins: np.ndarray,
    *,
    prices: Prices | None = None,
    funding: Funding | None = None,
    marks: bool = False,
) -> tuple[np.ndarray, dict[str, float], list[float]]:
    """Equity (n,), prices and sale costs; prices are (ratio, impact, weight of other assets).

    Funding is (not replaced, sale cost); marks are those of linear DebtRank.
    """
    own, n, book, table = plain.held(net), len(net), net.book, net.exposures
    place = {name: i for i, name in enumerate(net.names)}
    rows = [
        (place[creditor], place[debtor], amount)
        for creditor, debtor, amount in zip(
            table["creditor"], table["debtor"], table["amount"], strict=True
        )
    ]
    assets, size = np.nan_to_num(book.external_assets), reference.checks.scale(net)
    free = [bool(np.isnan(pin)) for pin in pins]
    whole, _ = plain.left(net, losses)
    price, cost = dict.fromkeys(plain.ASSETS, 1.0), [0.0] * n
    while True:
        spent = losses + np.array(cost)
        part, other = plain.left(net, spent)
        drop = [part[i] * sum(own[a][i] * (1 - price[a]) for a in plain.ASSETS) for i in range(n)]
        paid, equity = reference.clearing(net, spent + np.array(drop), pins)
        after, dear = dict(price), list(cost)
        got = [0.0] * n
        for (i, _, _), amount in zip(rows, paid, strict=True):
            got[i] += amount
        if prices is not None:
            ratio, impact, weight = prices
            value = list(got)
            if marks:
                value = [0.0] * n
                worth = linear(net, assets - spent - np.array(drop), pins)
                for i, j, amount in rows:
                    value[i] += amount * worth[j]
                value = [min(v, g) for v, g in zip(value, got, strict=True)]
            sold = dict.fromkeys(plain.ASSETS, 0.0)
            for i in range(n):
                mark = part[i] * sum(own[a][i] * price[a] for a in plain.ASSETS)
                theta = 0.0 if free[i] else 1.0
                room = (equity[i] - got[i] + value[i]) / ratio - weight * other[i] - value[i]
                if free[i] and book.can_fail[i] and book.known[i]:
                    if mark > 1e-12 * size:
                        theta = min(max(1.0 - room / mark, 0.0), 1.0)
                    elif whole[i] > 0:  # costs took all value: the units are there and are sold
                        theta = float(room < -1e-12 * size)
                for a in plain.ASSETS:
                    sold[a] += theta * own[a][i]
            after = plain.falling(impact, sold, own)
        if funding is not None:
            rho, delta = funding
            for i in range(n):
                if not (free[i] and book.known[i]):
                    continue
                failed = [
                    not free[j] or bool(book.can_fail[j] and equity[j] < -1e-12 * size)
                    for j in range(n)
                ]
                need = rho * sum(amount for j, k, amount in rows if k == i and failed[j])
                dear[i] = min(delta * need, max(assets[i] - losses[i], 0.0))
        moved = max(abs(after[a] - price[a]) for a in plain.ASSETS)
        if moved < 1e-12 and max(abs(x - y) for x, y in zip(dear, cost, strict=True)) < 1e-12:
            return equity, price, cost
        price, cost = after, dear


def linear(net: ct.ExposureNetwork, assets: np.ndarray, pins: np.ndarray) -> list[float]:
    """What a claim of 1 on each node is worth, linear DebtRank, by plain rounds."""
    book, n = net.book, len(net)
    due = np.nan_to_num(book.external_liabilities) + book.debts
    dense = net.liabilities.toarray()  # [debtor, creditor]
    worth = [1.0] * n
    while True:
        new = []
        for j in range(n):
            equity = max(assets[j], 0.0) - due[j]
            equity += sum(dense[k, j] * worth[k] for k in range(n))
            if not np.isnan(pins[j]):
                new.append(float(pins[j]))
            elif not book.can_fail[j]:
                new.append(1.0)
            elif book.equity[j] <= 0:
                new.append(0.0)
            else:
                new.append(min(max(equity / book.equity[j], 0.0), 1.0))
        if max(abs(x - y) for x, y in zip(new, worth, strict=True)) < 1e-13:
            return new
        worth = new
