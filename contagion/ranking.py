"""Systemic importance: several measures of every node side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .measures.impact import _debtrank, single_defaults
from .model import Model
from .models import CrossHoldings, DebtRank, EisenbergNoe
from .network import ExposureNetwork


def rank(
    network: ExposureNetwork,
    models: Sequence[Model] | None = None,
    *,
    recovery: float = 0.0,
    progress: bool = False,
) -> pd.DataFrame:
    """Systemic importance, one row a node, most important first.

    Every node defaults once under every model (see `measures.single_defaults`). A DebtRank
    model gives the column `debtrank`; every other model gives `default_impact`,
    `contagion_index`, `vulnerability_index`, `induced_defaults` and `hazard`, with the name of
    the model behind a dot when there is more than one (its parameters too, when one model comes
    twice).

    Parameters
    ----------
    network : the exposures.
    models : by default `[EisenbergNoe(), DebtRank()]`, and without DebtRank, which knows no
        guarantees, where there are any; `[CrossHoldings()]` where nodes own each other.
    recovery : recovery rate on claims on the failing node, in [0, 1].
    progress : show a progress bar.

    Returns
    -------
    DataFrame indexed by node; `measures.MEASURES` defines the columns.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> ct.rank(net).index[0]
    'a'
    """
    owned = network.shareholdings is not None
    usual: list[Model] = [CrossHoldings() if owned else EisenbergNoe()]
    if network.guarantees is None and not owned:
        usual.append(DebtRank())
    chosen = list(models) if models is not None else usual
    clearing = [model for model in chosen if not isinstance(model, DebtRank)]
    label = {id(model): type(model).__name__ for model in clearing}
    if len(set(label.values())) < len(clearing):
        label = {id(model): repr(model) for model in clearing}
    book = network.book
    parts = [
        pd.DataFrame(
            {"equity": book.equity, "claims": book.claims, "debts": book.debts}, index=network.names
        )
    ]
    for model in chosen:
        table = single_defaults(network, model, recovery=recovery, progress=progress)
        if isinstance(model, DebtRank):
            name = "debtrank" if model.variant == "linear" else "debtrank.single_hit"
            parts.append(_debtrank(network, table).rename(name).to_frame())
            continue
        table = table.drop(columns="loss_suffered")
        parts.append(table if len(clearing) < 2 else table.add_suffix(f".{label[id(model)]}"))
    frame = pd.concat(parts, axis=1)
    names = [str(column) for column in frame]
    by = next((c for c in names if c.startswith(("default_impact", "debtrank"))), "debts")
    return frame.sort_values(by, ascending=False, kind="stable")
