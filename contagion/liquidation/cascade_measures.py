"""Measures of liquidation cascades: amplification, duration, and the fund that covers deficits.

Positions liquidatable at each price are in :mod:`contagion.liquidation.liquidation_profile`, the
map over price drop and leverage or depth in :mod:`contagion.liquidation.criticality`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from ..errors import MarginError, expect
from ..kernels.market_state import MarketState
from ..statistics.arrays import Numbers
from ..statistics.quantiles import column_quantiles
from ..text import money, percent, plural
from ..vocabulary import LEVEL
from .cascade_result import CascadeResult
from .cascade_solver import CascadeSolver
from .margin_book import MarginBook
from .price_impact import NoImpact


def total_loss(book: MarginBook, outcome: MarketState) -> Numbers:
    """Total loss in each scenario, at the final market prices.

        loss = Σ_h max(loss_h, 0) + Σ_a (deficit_a + max(−equity_a, 0) − max(−equity before_a, 0))
               + max(−gain of liquidators, 0)

    with the loss of holder h over all its accounts, :attr:`CascadeResult.holder_losses`. The first
    sum is over holders with losses, the second is new negative equity of accounts that are closed,
    open or with a vault. Liquidators of loans lose if they sell collateral for less than the repaid
    debt. Gains of others are not subtracted; fees and bonuses paid are included.

    Parameters
    ----------
    book : positions and loans at the prices before.
    outcome : from :meth:`LiquidationCascade.solve`, with or without a leading axis of scenarios.

    Returns
    -------
    array (...) or float
        Money.

    Source: arithmetic, our own convention.

    Example
    -------
    At 88 a margin of 100 is lost and a deficit of 20 remains: 120.

    >>> from contagion.liquidation import LiquidationCascade
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> total_loss(book, LiquidationCascade().run(book, {"X": -0.12}).outcome)
    120.0
    """
    expect(book=book)
    a, n = book.arrays, len(book)
    first = np.searchsorted(a.account, np.arange(n))
    held = csr_array((np.ones(n), (np.arange(n), a.holder)), shape=(n, len(book.holders)))
    before = a.cash + np.add.reduceat(a.units * book.price[a.asset], first)
    worth = outcome.units * outcome.price[..., a.asset]
    after = outcome.cash + np.add.reduceat(worth, first, axis=-1)
    kept = np.where(outcome.vault, 0.0, np.maximum(after, 0.0))
    holders = (np.maximum(before, 0.0) - kept + outcome.topped) @ held
    missing = outcome.deficit + np.maximum(-after, 0.0) - np.maximum(-before, 0.0)
    total = np.asarray(np.maximum(holders, 0.0).sum(axis=-1) + missing.sum(axis=-1))
    total = total + np.maximum(-outcome.liquidators, 0.0)
    return total if total.ndim else float(total)


def cascade_multiplier(result: CascadeResult) -> float:
    """Final over initial loss: amplification of a shock by the price impact of liquidations.

        multiplier = loss / loss of the same shock without impact        (:func:`total_loss`)

    The denominator is a second run with `NoImpact` and everything else the same: oracle, breakers,
    fees, free money. So the multiplier is 1 without impact. If both losses are 0 it is 1, if only
    the second is 0 it is inf.

    Raises
    ------
    MarginError : when the run without impact does not settle in `max_rounds`.

    Source: loss amplification as total over first-round loss is common in stress tests; this
    denominator is our own.

    Example
    -------
    The sale of ten units at 88 with a depth of 100 yields 88 × 9.5 = 836: a loss of 164, not 120.

    >>> from contagion.liquidation import Linear, LiquidationCascade
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> hit = LiquidationCascade(impact=Linear(depth=100)).run(book, {"X": -0.12})
    >>> round(cascade_multiplier(hit), 4)          # 164 / 120
    1.3667
    """
    expect("CascadeResult", result=result)
    first = initial(result.cascade, result.before, result.prices, result.free)
    return float(multiple(total_loss(result.before, result.outcome), first))


def initial(
    cascade: CascadeSolver,
    book: MarginBook,
    prices: np.ndarray,
    free: np.ndarray | None = None,
) -> Numbers:
    """Loss (...) of the shocks without impact, money; the denominator of the multiplier."""
    calm = replace(cascade, impact=NoImpact()).solve(book, prices, free)
    if not np.all(calm.settled):
        raise MarginError(
            f"Without impact the cascade did not settle in {cascade.max_rounds} rounds: raise "
            "its max_rounds."
        )
    return total_loss(book, calm)


def multiple(loss: ArrayLike, first: ArrayLike) -> np.ndarray:
    """loss / first; 1 where both are 0 and inf where only the second is.

    >>> multiple([3.0, 0.0, 1.0], [2.0, 0.0, 0.0])
    array([1.5, 1. , inf])
    """
    loss, first = np.asarray(loss, float), np.asarray(first, float)
    none = first <= 0
    ratio = loss / np.where(none, 1.0, first)
    return np.where(none, np.where(loss > 0, np.inf, 1.0), ratio)


@dataclass(frozen=True, eq=False)
class Stop:
    """Duration of a cascade and the volume liquidated.

    Attributes
    ----------
    rounds : rounds until nothing changed, including the last round without a change.
    last : the last round with a liquidation, 0: no liquidation.
    half : the round by which half of the value was liquidated, 0: no liquidation.
    liquidated : value of all sales and purchases, at the prices paid; for loans both the
        collateral taken and the debt repaid.
    units : table (asset): sold (gross units liquidated, purchases for short positions and debts
        included), open (units before), share = sold / open.
    """

    rounds: int
    last: int
    half: int
    liquidated: float
    units: pd.DataFrame


def time_to_stop(result: CascadeResult) -> Stop:
    """Rounds, value and units liquidated until a cascade stops.

    Rounds are not clock time; the length of a round depends on the venue (a block, or a minute).

    Source: bookkeeping.

    Example
    -------
    >>> from contagion.liquidation import Linear, LiquidationCascade
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> stop = time_to_stop(LiquidationCascade(impact=Linear(depth=100)).run(book, {"X": -0.12}))
    >>> stop.last, stop.liquidated, stop.units.loc["X"].tolist()
    (1, 836.0, [10.0, 10.0, 1.0])
    """
    expect("CascadeResult", result=result)
    spent = np.diff([0.0, *(moment.liquidated for moment in result.moments)])
    total = float(result.outcome.liquidated)
    busy = np.flatnonzero(spent > 0)
    half = int(np.argmax(np.cumsum(spent) >= total / 2)) + 1 if total > 0 else 0
    a, assets = result.before.arrays, result.before.assets
    open_ = np.bincount(a.asset, np.abs(a.units), len(assets))
    sold = np.asarray(result.outcome.sold, float)
    part = np.divide(sold, open_, out=np.zeros(len(assets)), where=open_ > 0)
    units = pd.DataFrame(
        {"sold": sold, "open": open_, "share": part}, index=pd.Index(assets, name="asset")
    )
    return Stop(result.rounds, int(busy[-1]) + 1 if len(busy) else 0, half, total, units)


def scenario_deficits(book: MarginBook, outcome: MarketState) -> pd.DataFrame:
    """Deficits of closed accounts, money: one row per scenario, one column per venue.

    >>> from contagion.liquidation import LiquidationCascade
    >>> book = MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> batch = LiquidationCascade().solve(book, [[95.0], [88.0]])
    >>> scenario_deficits(book, batch)["v"].tolist()
    [0.0, 20.0]
    """
    expect(book=book)
    a, n = book.arrays, len(book)
    to_venue = csr_array((np.ones(n), (np.arange(n), a.venue)), shape=(n, len(book.venues)))
    sums = np.atleast_2d(outcome.deficit) @ to_venue
    return pd.DataFrame(sums, columns=pd.Index(book.venues, name="venue"))


def required_fund(
    deficits: Any, level: float = LEVEL, *, weights: Sequence[float] | None = None
) -> pd.DataFrame:
    """The smallest insurance fund that covers the deficits in a share of the scenarios.

        fund_v = min {x : Σ_s weight_s [deficit_sv <= x] >= level},   Σ weight_s = 1

    A quantile of the deficits, as Value-at-Risk is a quantile of losses, without interpolation
    between two deficits. Each venue is treated alone; for a fund shared by all venues, give the sum
    over venues. The scenarios have to be a representative sample, or weighted accordingly.

    Parameters
    ----------
    deficits : money, >= 0: a :class:`CascadeResult` or a list of them (of books with the same
        venues), a table or array (S, V), a series or array (S,), or one number.
    level : share of the scenarios in which the fund has to be sufficient, 0 < level <= 1.
    weights : (S,) of the scenarios, >= 0, scaled to sum to 1; by default equal.

    Returns
    -------
    DataFrame
        One row per venue. fund (money); covered: share of the scenarios in which it is sufficient;
        missing: mean uncovered deficit over all scenarios; tail: mean uncovered deficit over the
        scenarios in which the fund is insufficient (nan: none); mean and worst of the deficits.

    Raises
    ------
    MarginError : for no scenarios, deficits that are not money >= 0, a level or weights out of
        range.

    Source: the definition of a quantile, as in Artzner, Delbaen, Eber and Heath (1999), Coherent
    Measures of Risk, Mathematical Finance 9(3) [unverified]; no capital rule of a venue is meant.

    Example
    -------
    A fund of 30 covers nine of ten scenarios; in the tenth 70 are uncovered.

    >>> found = required_fund([0, 0, 0, 0, 0, 10, 20, 20, 30, 100], level=0.9)
    >>> found[["fund", "covered", "missing", "tail"]].values.tolist()
    [[30.0, 0.9, 7.0, 70.0]]
    """
    table = _table(deficits)
    values, many = table.to_numpy(float), len(table)
    if not many:
        raise MarginError("There are no scenarios.")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise MarginError("Deficits have to be money >= 0 in every scenario.")
    if not 0 < level <= 1:
        raise MarginError(f"level={level}: a share of the scenarios, above 0 and at most 1.")
    given = np.ones(many) if weights is None else np.asarray(weights, float)
    if given.shape != (many,) or not (np.isfinite(given).all() and (given >= 0).all()):
        raise MarginError(f"weights have to be {plural(many, 'number')} >= 0, one per scenario.")
    if not given.sum() > 0:
        raise MarginError("All weights are 0.")
    weight = given / given.sum()
    order = np.argsort(values, axis=0, kind="stable")
    fund = column_quantiles(values, order, weight, level)[0]
    over = np.maximum(values - fund, 0.0)
    beyond = weight @ (over > 0)
    missing = weight @ over
    return pd.DataFrame(
        {
            "fund": fund,
            "covered": 1 - beyond,
            "missing": missing,
            "tail": np.divide(missing, beyond, out=np.full(len(fund), np.nan), where=beyond > 0),
            "mean": weight @ values,
            "worst": values.max(axis=0),
        },
        index=table.columns,
    )


def fund_text(row: pd.Series, unit: str = "") -> str:
    """One row of :func:`required_fund` as a sentence.

    >>> fund_text(required_fund([0, 10, 20, 40], level=0.75).iloc[0], "USD")
    'A fund of 20 USD covers 75 % of the scenarios; else 20 USD are missing on average.'
    """
    fund = f"A fund of {money(float(row['fund']), unit)} covers {percent(float(row['covered']))}"
    if np.isnan(row["tail"]):
        return f"{fund} of the scenarios."
    lack = money(float(row["tail"]), unit)
    return f"{fund} of the scenarios; else {lack} are missing on average."


def _table(deficits: Any) -> pd.DataFrame:
    """Deficits as a table, one row per scenario and one column per venue."""
    if isinstance(deficits, CascadeResult):
        deficits = [deficits]
    if isinstance(deficits, (list, tuple)) and any(
        isinstance(item, CascadeResult) for item in deficits
    ):
        if not all(isinstance(item, CascadeResult) for item in deficits):
            raise MarginError("deficits mixes results and numbers: give one or the other.")
        found = [item.deficits for item in deficits]
        if any(set(item.index) != set(found[0].index) for item in found):
            raise MarginError("The results have different venues: give a table of deficits.")
        return pd.DataFrame([item.reindex(found[0].index).to_numpy() for item in found],
                            columns=found[0].index)  # fmt: skip
    if isinstance(deficits, pd.DataFrame):
        return deficits
    if isinstance(deficits, pd.Series):
        return deficits.to_frame("venue" if deficits.name is None else deficits.name)
    values = np.asarray(deficits, float)
    values = values.reshape(-1, 1) if values.ndim < 2 else values
    if values.ndim != 2:
        raise MarginError(f"deficits have shape {values.shape}: scenarios, then venues.")
    names = ["venue"] if values.shape[1] == 1 else [f"venue {k + 1}" for k in range(len(values.T))]
    return pd.DataFrame(values, columns=names)
