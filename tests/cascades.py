"""Small books for tests of the cascade, and the identity that every one of them has to keep."""

from __future__ import annotations

from contagion.liquidation import CascadeResult, MarginBook


def longs(*sizes_margins, fee=0.0, close_factor=1.0, maintenance=0.1) -> MarginBook:
    """Longs of X at 100, each of a holder of its own: (size, margin) by name a, b, ..."""
    rows = [
        {
            "venue": "v",
            "holder": "abcdefgh"[k],
            "instrument": "X",
            "size": size,
            "margin": money,
            "maintenance": maintenance,
            "fee": fee,
            "close_factor": close_factor,
        }
        for k, (size, money) in enumerate(sizes_margins)
    ]
    return MarginBook({"X": 100.0}, rows)


def loan(collateral, debt, price=1.0, **more) -> MarginBook:
    """One loan of money against C."""
    row = {
        "protocol": "p",
        "borrower": "b",
        "collateral_asset": "C",
        "collateral": collateral,
        "debt_asset": "money",
        "debt": debt,
    } | more
    return MarginBook({"C": price}, loans=[row])


def balanced(result: CascadeResult, rel: float = 1e-9) -> None:
    entries = dict(result.ledger)
    scale = sum(map(abs, entries.values())) + 1e-300
    start = entries.pop("start")
    assert abs(start - sum(entries.values())) <= rel * scale, result.ledger


def ladder(n=40) -> MarginBook:
    rows = [
        {"venue": "v", "holder": str(k), "instrument": "X", "size": 10, "margin": 100 + 10 * k}
        for k in range(n)
    ]
    return MarginBook({"X": 100.0}, rows)
