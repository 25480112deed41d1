"""The record of changes to claims, as tables that are stored with the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...text import money, plural
from ..contents import Contents

SET_OFF, CLOSE_OUT = "set-off", "close-out netting"
SETTLED, REVALUED = "collateral settled", "pledge revalued"
NOVATED, CLEARED, COMPRESSED = "novation", "multilateral netting", "compression"
COUNTED = {
    SET_OFF: ("of", "pair", 2),
    CLOSE_OUT: ("of", "set", 2),
    SETTLED: ("on", "claim", 1),
    NOVATED: ("of", "pair", 1),
    CLEARED: ("to", "position", 1),
    COMPRESSED: ("of", "pair", 1),
}


def table(steps: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All steps in one table: step, what, creditor, debtor, before, after, note."""
    frames = [one.assign(step=number) for number, one in enumerate(steps, 1)]
    columns = ["step", "what", "creditor", "debtor", "before", "after", "note"]
    if frames:
        return pd.concat(frames, ignore_index=True)[columns]
    types = dict.fromkeys(columns, "object") | {"step": "int64"}
    types |= {"before": "float64", "after": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in types.items()})


def summary(steps: Sequence[pd.DataFrame], unit: str = "") -> str:
    """One line of text: the number of changes by kind, and the reduction of debts in the graph."""
    rows = table(steps)
    rows = rows[rows["what"].isin(list(COUNTED))]
    parts = []
    for what, (of, word, each) in COUNTED.items():
        count = int((rows["what"] == what).sum()) // each
        parts += [f"{what} {of} {plural(count, word)}"] if count else []
    less = money(float((rows["before"] - rows["after"]).sum()), unit)
    return f"{', '.join(parts)}; {less} less owed (see .changes)"


def step(
    network: Contents,
    what: str,
    creditor: np.ndarray,
    debtor: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    note: Any,
) -> pd.DataFrame:
    """A step: one kind of change to claims of some creditors on some debtors (positions)."""
    return pd.DataFrame(
        {
            "what": what,
            "creditor": network.names.take(creditor),
            "debtor": network.names.take(debtor),
            "before": before,
            "after": after,
            "note": note,
        }
    )


def with_amounts(network: Contents, left: np.ndarray, **columns: np.ndarray) -> pd.DataFrame:
    """The exposures with other amounts, without claims whose amount becomes 0."""
    kept = (left > 0) | (network.amount == 0)
    changed = network.exposures.assign(amount=left, **columns)
    some: pd.DataFrame = changed[kept].reset_index(drop=True)
    return some
