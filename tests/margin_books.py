"""Books that tests of margin share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from contagion.liquidation import MarginBook


def book_of(seed: int = 1, n: int = 60) -> MarginBook:
    """Longs and shorts in two instruments at two venues, and loans against one of them."""
    rng = np.random.default_rng(seed)
    entry = 100 * (1 + 0.05 * rng.standard_normal(n))
    positions = pd.DataFrame(
        {
            "venue": rng.choice(["v", "w"], n),
            "holder": [f"h{i}" for i in rng.integers(n // 2, size=n)],
            "instrument": rng.choice(["X", "Y"], n, p=[0.8, 0.2]),
            "size": rng.choice([1, 1, 1, -1], n) * rng.lognormal(2, 1, n),
            "entry_price": entry,
            "mode": rng.choice(["cross", "isolated"], n),
        }
    )
    positions["margin"] = positions["size"].abs() * 100 / rng.uniform(3, 15, n)
    loans = pd.DataFrame(
        {
            "protocol": "p",
            "borrower": [f"h{i}" for i in range(n // 3)],
            "collateral_asset": "X",
            "collateral": rng.lognormal(2, 1, n // 3),
            "debt_asset": "USDC",
            "threshold": 0.85,
            "account": [f"a{i // 2}" for i in range(n // 3)],
        }
    )
    loans["debt"] = loans["collateral"] * 100 * rng.uniform(0.3, 0.8, n // 3)
    return MarginBook({"X": 100.0, "Y": 100.0, "USDC": 1.0}, positions, loans, unit="USD")


def one_long() -> MarginBook:
    row = {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 100}
    return MarginBook({"X": 100.0}, positions=[row])
