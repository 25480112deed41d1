"""Firms that own each other's shares as well as each other's debts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ..errors import AmbiguousSolution
from ..network.exposure_network import ExposureNetwork
from ..results.outcome import Outcome
from ..text import choice
from .base import Model, Trace
from .settlement import Certify, settle

APART = 1e-6  # two solutions count as different above this share of the balance sheet


@dataclass(frozen=True, repr=False)
class CrossHoldings(Model):
    """Joint clearing of debts and of shares that nodes hold in each other.

        r = min(due, max(0, a + received(r) + Γ s))        payments on debts
        s = max(0, a + received(r) + Γ s − due)            value of equity

    with a (n,) external assets after the shock (money), due (n,) the debts of a node inside and
    outside the graph, received(r) the payments from its debtors, each by the debtor's own rule
    (tiers, queues, waterfalls), and `Γ[i, j]` (n, n) the fraction of the equity of company j owned
    by i (table `shareholdings`). Shareholders bear losses before all creditors of the company, at
    most the value of their shares. Without shareholdings this is :class:`EisenbergNoe`.

    Columns of `result.table`: `equity_after` is s, including shares held in other nodes; negative
    values are the shortfall. `claims_lost` is the loss of a node on claims and shares together.
    Losses of nodes overlap if one owns another. `result.bearers` counts owners outside the graph
    and adds up: their loss plus that of external creditors equals the initial loss plus the
    shortfall before the shock.

    Equity is unique unless a group of companies is owned entirely by its own members. The network
    checks this when it is built (fractions held inside the graph below 1, or a chain of owners to
    a company of this kind). Payments are then unique too, except for debts in a closed cycle of
    nodes without other assets; payments to outside creditors are always unique (Elsinger).

    Parameters
    ----------
    which : "greatest" or "least" solution; `None` raises where they differ.
    tolerance, certify : as in :class:`EisenbergNoe`.

    Raises
    ------
    AmbiguousSolution
        With `which=None`, when the solutions differ; states the number of nodes.
    ModelError
        For guarantees together with shareholdings.

    Example
    -------
    a has 4, owes 5 outside and owns half of b, which has 6 and owes 2. The shares of a are worth
    (6 − 2) / 2 = 2, so its equity is 1. After b loses 3, half of its equity is worth 0.5 and a has
    4.5 for its debt of 5.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 0], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[4, 6], external_liabilities=[5, 2],
    ...     shareholdings=[{"owner": "a", "company": "b", "fraction": 0.5}])
    >>> result = ct.models.CrossHoldings().propagate(net, ct.Shock.loss({"b": 3}))
    >>> result.table["equity_after"].tolist()
    [-0.5, 1.0]
    >>> result.bearers[["bearer", "role", "amount"]].values.tolist()
    [['b', 'owners', 1.5], ['a', 'owners', 1.0], ['a', 'external creditors', 0.5]]

    Source: Suzuki (2002), Journal of the Operations Research Society of Japan 45(2),
    DOI 10.15807/jorsj.45.123; Elsinger (2009), OeNB Working Paper 156 (without DOI); Fischer
    (2014), Mathematical Finance 24(1), DOI 10.1111/j.1467-9965.2012.00526.x, without its
    derivatives.
    """

    title: ClassVar[str] = "Clearing of debts and equities held across the graph"
    source: ClassVar[str] = (
        "Suzuki (2002), J. Oper. Res. Soc. Japan 45(2); Elsinger (2009), OeNB WP 156; "
        "Fischer (2014), Mathematical Finance 24(1)"
    )
    settles: ClassVar[bool] = True
    values_shares: ClassVar[bool] = True

    which: Literal["greatest", "least"] | None = "greatest"
    tolerance: float = 1e-10
    certify: Certify = "auto"

    def __post_init__(self) -> None:
        choice(self.which, ("greatest", "least", None), "which")

    def run(
        self,
        network: ExposureNetwork,
        losses: np.ndarray,
        recoveries: np.ndarray | None = None,
        prices: np.ndarray | None = None,
        *,
        trace: Trace = "none",
    ) -> Outcome:
        def solution(*, least: bool, trace: Trace) -> Outcome:
            return settle(
                network,
                losses,
                recoveries,
                least=least,
                tolerance=self.tolerance,
                certify=self.certify,
                trace=trace,
            )

        outcome = solution(least=False, trace=trace)
        if self.which == "greatest":
            return outcome
        least = solution(least=True, trace="none")
        if self.which == "least":
            when = outcome.default_round  # the least has no default order, as in RogersVeraart
            if when is not None:
                when = np.where(least.defaulted, np.where(when == 0, 0, 1), -1)
            last = (least.equity, least.defaulted)
            states = (outcome.history[0], last) if outcome.history else ()
            return replace(least, default_round=when, history=states)
        scale = network.book.claims + network.segments.due
        assert outcome.payments is not None and least.payments is not None
        gap = np.abs(np.nan_to_num(outcome.equity - least.equity))
        gap += np.abs(outcome.payments - least.payments)
        differ = (gap > APART * scale).any(axis=tuple(range(losses.ndim - 1)))
        if differ.any():
            raise AmbiguousSolution(
                "CrossHoldings has more than one solution here: the payments or values of "
                f"{int(differ.sum())} nodes in closed cycles of debts differ between the greatest "
                'and the least. Choose which="greatest" or which="least".'
            )
        return outcome
