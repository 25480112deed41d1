"""Auto-deleveraging in research: policies, the budget to be raised, and the profits that remain.

`policies` are rules for one table of winners, `budget` has the amount they have to raise and the
largest amount they can, `ptsr` and `pmr` measure the largest profit that a winner keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, RuleError
from ..rules import Allocation
from ..rules.order import Queue
from ..rules.pro_rata import Capped, ProRata
from ..rules.rule import Rule
from ..statistics.arrays import Numbers, answers, numbers
from ..text import known_name


def policies(
    *,
    score: str = "score",
    profit: str = "profit",
    cap: str = "cap",
    weight: str = "weighted_profit",
    contracts: str = "contracts",
) -> dict[str, Rule]:
    """Rules by which winners can pay a budget B, to be compared on one table of winners.

    With endowments w_i = max(0, profit_i), and x_i the payment of winner i (Σ x_i = B):

    - `queue`: highest score first, each up to w_i
    - `wealth_pro_rata`: x_i = h w_i, h = B / Σ w
    - `capped_pro_rata`: x_i = min(η w_i, cap_i)
    - `leverage_pro_rata`: x_i = min(τ l_i w_i, w_i), which is B l_i w_i / Σ l w below the caps.
      The formula printed in the paper does not raise the full budget; this one does
    - `risk_aware`: x_i = min(τ v_i w_i, cap_i) with any risk weights v
    - `contract_pro_rata`: x_i = min(τ contracts_i, w_i). In whole contracts: count the claims in
      contracts and use `ProRata().allocate(contracts_to_close, claims, lot=1)`; rounding down
      closes too few, and the missing amount is `uncovered`

    Claims: `amount` is w_i, because principal is not at risk. Column `profit` is also w_i, or the
    profit itself where it may be negative. Column `weight` is l_i w_i or v_i w_i, column `cap` an
    amount (β_i w_i).

    Parameters
    ----------
    score, profit, cap, weight, contracts : names of the columns.

    Example
    -------
    Winners with profits of 60, 30, 10 pay 40; with a cap the first pays at most 12:

    >>> claims = {"claimant": ["a", "b", "c"], "amount": [60.0, 30.0, 10.0], "score": [1, 3, 2],
    ...           "profit": [60.0, 30.0, 10.0], "cap": [12.0, 30.0, 10.0],
    ...           "weighted_profit": [60.0, 300.0, 40.0], "contracts": [2, 1, 1]}
    >>> rules = policies()
    >>> {name: rule.allocate(40, claims).table["loss"].round(9).tolist()
    ...  for name, rule in rules.items()}
    {'queue': [0.0, 30.0, 10.0],
     'wealth_pro_rata': [24.0, 12.0, 4.0],
     'capped_pro_rata': [12.0, 21.0, 7.0],
     'leverage_pro_rata': [6.0, 30.0, 4.0],
     'risk_aware': [6.0, 30.0, 4.0],
     'contract_pro_rata': [20.0, 10.0, 10.0]}

    Source: Chitra et al., arXiv 2512.01112, corrected version, appendix on pro-rata algorithms
    (pluriholonomic/autodeleveraging-analysis @ aae0be8, paper/corrected/algorithms.tex).
    """
    return {
        "queue": Queue(score),
        "wealth_pro_rata": ProRata(profit, negative="zero"),
        "capped_pro_rata": Capped(ProRata(profit, negative="zero"), by=cap),
        "leverage_pro_rata": ProRata(weight, negative="zero"),
        "risk_aware": Capped(ProRata(weight, negative="zero"), by=cap),
        "contract_pro_rata": ProRata(contracts),
    }


def ptsr(allocation: Allocation, layer: str | None = None) -> float:
    """Profitability to total solvency: the largest remaining profit over the budget.

    PTSR = max_i (w_i − x_i) / (θ D),  θ D = amount that the winners had to raise

    Parameters
    ----------
    allocation : claims with `amount` w_i.
    layer : the layer of the winners in a waterfall; amounts absorbed by earlier layers are not in
        the budget. `None` where the rule has one layer only.

    Returns
    -------
    A ratio, >= 0 (one realization; the paper takes its expectation); nan without a budget.

    Raises
    ------
    RuleError : for an unknown layer, and for several layers without `layer`.

    Example
    -------
    Profits of 60, 30, 10 pay 40 pro rata: the first keeps 36.

    >>> claims = {"claimant": ["a", "b", "c"], "amount": [60.0, 30.0, 10.0]}
    >>> ptsr(ProRata().allocate(40, claims))
    0.9

    Source: Chitra et al., arXiv 2512.01112, corrected version
    (pluriholonomic/autodeleveraging-analysis @ aae0be8, paper/corrected/moral-hazard-2.tex).
    """
    left, budget = _winners(allocation, layer)
    return left / budget if budget > 0 else float("nan")


def pmr(
    allocation: Allocation, largest: float, theta: float = 1.0, layer: str | None = None
) -> float:
    """Profitability to maximum solvency: the largest remaining profit over the largest shortfall.

    PMR = max_i (w_i − x_i) / (θ Δ),  Δ = largest shortfall of one loser

    Parameters
    ----------
    allocation, layer : as for :func:`ptsr`.
    largest : Δ, an amount > 0.
    theta : share of the deficit that the winners raise, above 0 and at most 1.

    Raises
    ------
    RuleError : as :func:`ptsr`, and for `largest` or `theta` out of range.

    Example
    -------
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [60.0, 30.0, 10.0]}
    >>> pmr(ProRata().allocate(40, claims), largest=18.0)
    2.0

    Source: as :func:`ptsr`.
    """
    if not (0 < largest < np.inf and 0 < theta <= 1):
        raise RuleError(
            f"largest={largest}, theta={theta}: the largest shortfall is money > 0, theta is "
            "above 0 and at most 1."
        )
    return _winners(allocation, layer)[0] / (theta * largest)


def _winners(allocation: Allocation, layer: str | None) -> tuple[float, float]:
    """The largest amount that a claim of a layer keeps, and the amount the layer had to raise."""
    names = allocation.layers["layer"].tolist()
    if layer is None and len(names) != 1:
        raise RuleError(f"Say whose profits count: layer= one of {', '.join(names)}.")
    layer = names[0] if layer is None else layer
    known_name(layer, names, "layer")
    before = float(allocation.layers["absorbed"].iloc[: names.index(layer)].sum())
    kept = allocation.table.loc[allocation.table["layer"] == layer, "paid"]
    return float(kept.max()) if len(kept) else 0.0, allocation.loss - before


@dataclass(frozen=True)
class DeleveragingBudget:
    """The amount that deleveraging has to raise and the largest amount that it can raise.

    Attributes
    ----------
    endowment : (..., n) profit of each account, its largest possible loss.
    deficit : (...) D, sum of the negative equity of accounts, as a positive amount.
    wealth : (...) W, sum of the positive equity of the other accounts.
    budget : (...) B = θ D, the part of the deficit to be raised.
    capacity : (...) U, sum of the endowments.
    """

    endowment: np.ndarray
    deficit: Numbers
    wealth: Numbers
    budget: Numbers
    capacity: Numbers

    @property
    def feasible(self) -> np.ndarray:
        """(...) Whether the budget can be raised, B <= U. False where either is unknown."""
        return np.asarray(self.budget) <= np.asarray(self.capacity)

    @property
    def solvent(self) -> np.ndarray:
        """(...) Whether equity exceeds the deficit, W > D. The loss may still not be coverable."""
        return np.asarray(self.wealth) > np.asarray(self.deficit)


def budget(pnl: ArrayLike, equity: ArrayLike, *, theta: ArrayLike = 1.0) -> DeleveragingBudget:
    """Endowments, deficit, budget and feasibility of a round of deleveraging.

    w_i = max(0, pnl_i), D = Σ max(0, −equity_i), B = θ D, feasible when B <= U = Σ w_i

    Only profits can be taken, principal is returned: the equity of winners can exceed the deficit
    (W > D) while the deficit still cannot be covered (U < D).

    Parameters
    ----------
    pnl : (..., n) profit or loss of each account, an amount.
    equity : (..., n) equity of each account, an amount.
    theta : (...) share of the deficit to be raised, 0 to 1; the fund bears the remainder.

    Raises
    ------
    ValueError : no axis of accounts, or theta outside 0 to 1.

    Example
    -------
    Two winners with profits of 80 and equity of 300, one deficit of 90: solvent, not feasible.

    >>> venue = budget([50, 30, -190], [200, 100, -90])
    >>> venue.budget, venue.capacity, bool(venue.solvent), bool(venue.feasible)
    (90.0, 80.0, True, False)

    Source: Chitra et al., arXiv 2512.01112 in the corrected version
    (pluriholonomic/autodeleveraging-analysis @ aae0be8), after the project's notes.
    """
    gain, own = numbers("pnl", pnl), numbers("equity", equity)
    part = numbers("theta", theta, 0, 1)
    gain, own = np.broadcast_arrays(gain, own)
    if gain.ndim == 0:
        raise ArgumentError("pnl and equity must have an axis of accounts, the last one.")
    deficit = np.maximum(-own, 0.0).sum(-1)
    endowment = np.maximum(gain, 0.0)
    wealth = np.maximum(own, 0.0).sum(-1)
    sums = answers([deficit, wealth, part * deficit, endowment.sum(-1)])
    return DeleveragingBudget(endowment, *sums)
