"""Concentration of amounts over nodes.

The functions take a Series with one amount for each node, such as a column of
`network.balance_sheet`; :func:`concentration_table` and :func:`amounts` take the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import ArgumentError, expect
from ..network.exposure_network import ExposureNetwork
from ..records import Scores, Table, because
from ..text import choice, listing, plural
from .registry import Measure, of_system

Quantity = Literal["assets", "equity", "claims", "debts"]
QUANTITIES: tuple[Quantity, ...] = ("assets", "equity", "claims", "debts")
CURVE = {
    "k": "rank by amount, 1 is the largest",
    "node": "name of the node",
    "amount": "amount of the node, money",
    "share": "amount over the total of the known ones, a share",
    "cumulative": "share of this and all larger nodes together, a share",
}
NOTHING = "the total is 0, or no amount is known"


def amounts(network: ExposureNetwork, of: Quantity = "assets") -> pd.Series:
    """Assets, equity, claims or debts of every node, in money; nan where not known.

    Assets are external assets, claims and shares in other nodes. Equity is the amount that owners
    can lose, `max(equity, 0)`: negative equity counts as 0.

    Raises
    ------
    ArgumentError : for another quantity.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ["a", "b"],
    ...     orientation="creditor->debtor", external_assets=[2, 3])
    >>> amounts(net, "assets").tolist(), amounts(net, "equity").tolist()
    ([6.0, 3.0], [6.0, 0.0])
    """
    expect(network=network)
    choice(of, QUANTITIES, "of")
    book = network.book
    values = {
        "assets": book.external_assets + book.claims + book.shares,
        "equity": np.maximum(book.equity, 0.0),
        "claims": book.claims,
        "debts": book.debts,
    }[of]
    return pd.Series(values, network.names, name=of)


def _known(values: pd.Series) -> np.ndarray:
    """The known amounts, largest first."""
    numbers = values.to_numpy(float)
    below = numbers < 0
    if below.any():
        raise ArgumentError(
            f"{plural(int(below.sum()), 'amount')} below 0 ({listing(values.index[below])}): "
            "shares of a total need amounts of 0 or more. Use values.clip(lower=0)."
        )
    return np.sort(numbers[~np.isnan(numbers)])[::-1]


def hhi(values: pd.Series) -> float:
    """Herfindahl–Hirschman index: `Σ s_i²` with s_i the share of node i.

    Parameters
    ----------
    values : amounts of 0 or more, one a node; nan (not known) is left out.

    Returns
    -------
    A number in (0, 1]; 1 / hhi is the equivalent number of equal nodes. nan if the total is 0.

    Raises
    ------
    ArgumentError : for an amount below 0.

    Example
    -------
    Shares 0.5, 0.3 and 0.2: 0.25 + 0.09 + 0.04.

    >>> round(hhi(pd.Series([5, 3, 2])), 6)
    0.38

    Source: Hirschman (1964), American Economic Review 54(5).
    """
    known = _known(values)
    return float(((known / known.sum()) ** 2).sum()) if known.sum() > 0 else np.nan


def concentration_ratio(values: pd.Series, k: int) -> float:
    """CR_k: the share of the k largest nodes in the total.

    Parameters
    ----------
    values : amounts of 0 or more, one a node; nan (not known) is left out.
    k : number of nodes, 1 or more.

    Returns
    -------
    A share in (0, 1]; 1 where there are k nodes or fewer, nan where the total is 0.

    Raises
    ------
    ArgumentError : for an amount below 0 or a k below 1.

    Example
    -------
    >>> concentration_ratio(pd.Series([2, 5, 3]), 2)
    0.8

    Source: definition in common use, as in the reports of competition authorities.
    """
    if k < 1:
        raise ArgumentError(f"k={k!r}: the number of largest nodes has to be 1 or more.")
    known = _known(values)
    return float(known[:k].sum() / known.sum()) if known.sum() > 0 else np.nan


def gini(values: pd.Series) -> float:
    """Gini coefficient: `Σ_i Σ_j |x_i − x_j| / (2 n Σ x)`.

    Parameters
    ----------
    values : amounts of 0 or more, one a node; nan (not known) is left out, 0 counts.

    Returns
    -------
    A number from 0 (all equal) to 1 − 1/n (one node has the total); nan if the total is 0.

    Raises
    ------
    ArgumentError : for an amount below 0.

    Example
    -------
    Differences |5−3|, |5−2|, |3−2| count twice each: 2 · 6 / (2 · 3 · 10).

    >>> round(gini(pd.Series([5, 3, 2])), 6)
    0.2

    Source: Gini (1912), in the form of the mean difference.
    """
    known = _known(values)
    n, total = len(known), known.sum()
    rank = np.arange(n, 0, -1)  # from the largest: n, n − 1, ..., 1
    return float(((2 * rank - n - 1) * known).sum() / (n * total)) if total > 0 else np.nan


@dataclass(frozen=True, eq=False, repr=False)
class ConcentrationCurve(Table):
    """Shares of the k largest nodes; `left_out` are the nodes whose amount is not known."""

    left_out: tuple[Any, ...] = ()


def concentration_curve(values: pd.Series) -> ConcentrationCurve:
    """C(k): the share of the k largest nodes, for every k.

    Parameters
    ----------
    values : amounts of 0 or more, one a node; nan (not known) is left out.

    Returns
    -------
    ConcentrationCurve : one row a node, largest first, equal ones by name: k, node, amount, share,
    cumulative share. Shares are nan where the total is 0. `left_out` names the nodes whose amount
    is not known.

    Raises
    ------
    ArgumentError : for an amount below 0.

    Example
    -------
    >>> curve = concentration_curve(pd.Series({"a": 2, "b": 5, "c": 3}))
    >>> curve[["k", "node", "cumulative"]].to_numpy().tolist()
    [[1, 'b', 0.5], [2, 'c', 0.8], [3, 'a', 1.0]]

    Source: definition in common use; the concentration ratio CR_k drawn over k.
    """
    _known(values)
    unknown = values.isna().to_numpy()
    table = pd.DataFrame({"node": values.index, "amount": values.to_numpy(float)})[~unknown]
    table["name"] = table["node"].astype(str)
    table = table.sort_values(["amount", "name"], ascending=[False, True], kind="stable")
    amount = table["amount"].to_numpy()
    total = amount.sum() if amount.sum() > 0 else np.nan
    curve = pd.DataFrame(
        {
            "k": np.arange(1, len(table) + 1),
            "node": table["node"].to_numpy(),
            "amount": amount,
            "share": amount / total,
            "cumulative": np.cumsum(amount) / total,
        }
    )
    left_out = tuple(values.index[unknown])
    return ConcentrationCurve(curve, CURVE, because(curve, {NOTHING: True}), left_out=left_out)


def concentration_table(
    network: ExposureNetwork,
    *,
    of: Sequence[Quantity] = QUANTITIES,
    k: Sequence[int] = (1, 3, 5, 10),
) -> pd.DataFrame:
    """Concentration of assets, equity, claims and debts side by side.

    Parameters
    ----------
    network : exposures and balance sheets.
    of : quantities, see :func:`amounts`.
    k : numbers of largest nodes for CR_k.

    Returns
    -------
    DataFrame, one row a quantity: total (money), nodes (with a known amount), left_out (nodes
    without), cr_k for every k, hhi, gini, and the reason where they are nan.

    Raises
    ------
    ArgumentError : for another quantity or a k below 1.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 6, 0], [2, 0, 2], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="creditor->debtor", equity=[1, 1, 2])
    >>> concentration_table(net, of=["claims", "equity"], k=[1])[["cr_1", "hhi"]].round(4)
              cr_1    hhi
    claims     0.6  0.520
    equity     0.5  0.375

    Source: see :func:`hhi`, :func:`gini` and :func:`concentration_ratio`.
    """
    expect(network=network)
    rows = {}
    for quantity in of:
        values = amounts(network, quantity)
        total = float(values.sum())
        row: dict[str, object] = {"total": total, "nodes": int(values.notna().sum())}
        row["left_out"] = int(values.isna().sum())
        row |= {f"cr_{size}": concentration_ratio(values, size) for size in k}
        rows[quantity] = row | {
            "hhi": hhi(values),
            "gini": gini(values),
            "reason": "" if total > 0 else NOTHING,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


_OF_ASSETS: dict[str, Callable[[pd.Series], float]] = {
    "hhi": hhi,
    "gini": gini,
    "cr_5": partial(concentration_ratio, k=5),
}


def _of_assets(network: ExposureNetwork, name: str) -> Scores:
    return of_system(name, _OF_ASSETS[name](amounts(network)), NOTHING)


DEFINITIONS = tuple(
    Measure(
        name, formula, unit, source, "size", "system", partial(_of_assets, name=name),
        title=title, denominator="assets of all nodes, unknown ones left out",
    )
    for name, title, formula, unit, source in (
        ("hhi", "Herfindahl–Hirschman index of assets", "Σ_i (A_i / Σ A)²", "number",
         "Hirschman (1964), American Economic Review 54(5)"),
        ("gini", "Gini coefficient of assets", "Σ_i Σ_j |A_i − A_j| / (2 n Σ A)", "number",
         "Gini (1912), mean difference"),
        ("cr_5", "share of the 5 largest in assets", "Σ of the 5 largest A_i / Σ A", "share",
         "definition in common use"),
    )
)  # fmt: skip
