"""Bounds that need no exposures: how far contagion from a node can reach at most."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import expect
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from .registry import Measure, reasoned


def glasserman_young(network: ExposureNetwork) -> pd.DataFrame:
    """The contagion index of Glasserman and Young for each node, from balance sheets alone.

        λ_i = c_i / w_i      β_i = debts_i / (debts_i + external liabilities_i)
        index_i = the part of the shortfall max(0, c_i − w_i) borne by creditors in the graph
                = w_i β_i (λ_i − 1)            all creditors rank alike, as in the paper
                = min(c_i − w_i, debts_i)      creditors outside the graph are senior

    with c external assets and w equity (money). When a shock of any size hits the external assets
    of i alone, contagion cannot make a set of other nodes default whose total equity exceeds the
    index: no set D with `Σ_{j in D} w_j > index_i` defaults, whatever the exposures. The proof of
    the paper only needs that no party bears less of a larger shortfall. So the bound holds for
    every rule, tier and queue of a network, with the part that creditors in the graph bear there.

    Parameters
    ----------
    network : the bound holds only without default costs.

    Returns
    -------
    DataFrame, one row a node: outside_assets, equity (money), outside_leverage λ, connectivity β
    (share), index (money), reason. Where a balance sheet is not known, equity is not positive,
    nothing is owed, or guarantees or shareholdings pass losses on as well, λ, β or the index are
    nan, and `reason` says why.

    Example
    -------
    Assets 90 outside and 10 inside, 40 of 90 owed inside, equity 10: λ = 9, β = 4/9. Of the
    shortfall of 80, b bears 10 · 4/9 · 8 if all creditors rank alike, and 40 (its whole claim) if
    the others are paid first.

    >>> import contagion as ct
    >>> for order in ("pari_passu", "senior"):
    ...     net = ct.ExposureNetwork.from_matrix([[0, 40], [10, 0]], ["a", "b"],
    ...         orientation="debtor->creditor", external_assets=[90, 30],
    ...         external_liabilities=[50, 40], external_creditors=order)
    ...     print(glasserman_young(net).loc["a", "index"].round(6))
    35.555556
    40.0

    Source: Glasserman & Young (2015), Journal of Banking & Finance 50, contagion index, where
    payments outside the graph share with those inside; the formula after the notes of the project,
    checked against the index computed from the EBA data. Other orders are ours, by the same proof.
    """
    expect(network=network)
    book = network.book
    w, c = book.equity, book.external_assets
    owed = book.debts + book.external_liabilities
    reason = np.full(len(network), "", object)
    reason[~(owed > 0)] = "nothing is owed"
    reason[~(w > 0)] = "equity is not positive"
    reason[~book.known] = "balance sheet not known"
    if network._guarantees is not None or network._shareholdings is not None:
        reason[:] = "guarantees or shareholdings pass losses on as well"
    good = reason == ""
    with np.errstate(divide="ignore", invalid="ignore"):
        leverage = np.where(w > 0, c / w, np.nan)
        connectivity = np.where(owed > 0, book.debts / owed, np.nan)
    segments, short = network.segments, np.where(good, np.maximum(c - w, 0.0), 0.0)
    unpaid = np.clip(segments.end - (segments.due - short)[segments.owner], 0.0, segments.width)
    inside = np.bincount(segments.owner, segments.inside * unpaid, len(network))
    index = np.where(good, inside, np.nan)
    return pd.DataFrame(
        {
            "outside_assets": c,
            "equity": w,
            "outside_leverage": leverage,
            "connectivity": connectivity,
            "index": index,
            "reason": reason,
        },
        index=network.names,
    )


def _index(network: ExposureNetwork) -> Scores:
    return reasoned("glasserman_young", glasserman_young(network), "index")


DEFINITIONS = (
    Measure(
        "glasserman_young",
        "part of max(0, c_i − w_i) that creditors in the graph bear; w_i β_i (λ_i − 1) if all rank "
        "alike, λ_i = c_i / w_i, β_i = debts_i / all liabilities_i",
        "money",
        "after Glasserman & Young (2015), Journal of Banking & Finance 50",
        title="Glasserman–Young index",
        of=_index,
    ),
)
