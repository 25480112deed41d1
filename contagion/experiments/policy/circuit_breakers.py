"""Circuit breakers, and interventions on a market without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ConvergenceError, PolicyError, expect
from ...liquidation import LiquidationCascade, MarginBook, total_loss
from ...liquidation.circuit_breakers import Breaker
from ...liquidation.loss_bearers import FUND
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...records import Table
from .intervention import Intervention, MarketIntervention
from .shocktable import AS_GIVEN, with_avoided


@dataclass(frozen=True, repr=False)
class CircuitBreaker(MarketIntervention):
    """Volatility controls for a liquidation cascade, added after its existing ones.

    Parameters
    ----------
    breakers : one of :mod:`contagion.liquidation.circuit_breakers` or several, in order.
    price : cost of the change, money.

    Cost: `price`; 0 unless given.

    Example
    -------
    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> cascade = ct.liquidation.LiquidationCascade()
    >>> CircuitBreaker(ct.liquidation.Throttle(4.0)).market(book, cascade)[1]
    LiquidationCascade(breakers=(Throttle(units=4.0),))

    Source: as in the breakers.
    """

    breakers: Breaker | tuple[Breaker, ...]
    price: float = 0.0

    def market(
        self, book: MarginBook, cascade: LiquidationCascade
    ) -> tuple[MarginBook, LiquidationCascade]:
        own = (self.breakers,) if isinstance(self.breakers, Breaker) else tuple(self.breakers)
        return book, replace(cascade, breakers=(*cascade.breakers, *own))

    def cost(self, network: ExposureNetwork, model: Model | None = None) -> float:
        return float(self.price)


def compare_cascades(
    book: MarginBook,
    cascade: LiquidationCascade,
    prices: Mapping[str, float],
    interventions: Mapping[str, Intervention],
    *,
    free: Mapping[Any, float] | None = None,
) -> Table:
    """One price shock on a book, with and without interventions on the market.

    For a network as well, or for many scenarios, use :func:`compare` with a `CoupledCascade`.

    Parameters
    ----------
    book, cascade : positions, and the liquidations without interventions.
    prices : {asset: relative change}, as for `cascade.run`.
    interventions : {name: breaker, fund, rule, margin, limit or a sum of them}.
    free : {holder: money} available for margin calls.

    Returns
    -------
    Table : one row an intervention, "as given" first, money: socialized (losses other than the
    immediate losses of holders, plus latent losses), loss (of holders and venues, see
    :func:`contagion.liquidation.total_loss`), deficits (of closed accounts), latent (negative
    equity of open accounts: a breaker that delays a liquidation does not remove its loss),
    funded (borne by money put up in funds, and in neither of the first two), liquidated, lowest
    (price over price before, of the asset with the largest fall), rounds, cost, avoided (reduction
    of `socialized`), avoided_per_cost (nan if the cost is 0).

    Raises
    ------
    PolicyError : for no interventions, one called "as given", or one that acts on networks.
    ConvergenceError : when a cascade does not converge.

    Example
    -------
    At −12 % and with a depth of 100, ten units sell for 836: the loss is 164, of which the margin
    bears 100. A freeze leaves the 10 units at 88: the margin of 100 is lost, and 20 is unrealized.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> cascade = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Linear(depth=100))
    >>> done = compare_cascades(book, cascade, {"X": -0.12},
    ...     {"freeze": CircuitBreaker(ct.liquidation.Freeze((0,)))})
    >>> done[["socialized", "loss", "deficits", "latent"]].round(6).values.tolist()
    [[64.0, 164.0, 64.0, 0.0], [20.0, 120.0, 0.0, 20.0]]
    """
    expect(book=book, cascade=cascade)
    if not interventions:
        raise PolicyError('Nothing to compare: give {"name": CircuitBreaker(...)}.')
    if AS_GIVEN in interventions:
        raise PolicyError(f"{AS_GIVEN!r} is the unchanged cascade; choose another name.")
    steered = {k: one.market(book, cascade) for k, one in interventions.items()}
    rows = {}
    for name, (held, each) in ({AS_GIVEN: (book, cascade)} | steered).items():
        try:
            done = each.run(held, prices, free=free)
        except ConvergenceError as error:
            raise ConvergenceError(f"{name}: {error}", error.partial) from error
        latent, by = float(done.latent.sum()), done.bearers
        funded = put_up(held, cascade, each, by)
        rows[name] = {
            "socialized": float(by["amount"][by["cause"] == "contagion"].sum()) + latent - funded,
            "loss": float(np.asarray(total_loss(held, done.outcome))) - funded,
            "deficits": float(done.deficits.sum()),
            "latent": latent,
            "funded": funded,
            "liquidated": float(done.outcome.liquidated),
            "lowest": float((done.outcome.price / book.price).min()),
            "rounds": done.rounds,
            "cost": interventions[name].market_cost(book, cascade) if name in steered else 0.0,
        }
    frame = pd.DataFrame(rows).T
    frame.index.name = "intervention"
    return with_avoided(frame, "socialized")


def put_up(
    book: MarginBook, before: LiquidationCascade, after: LiquidationCascade, by: pd.DataFrame
) -> float:
    """Loss of the money that an intervention added to funds; existing money is used first."""
    had, has = (each.funds(book) for each in (before, after))
    used = by[by["role"] == FUND].groupby("bearer")["amount"].sum()
    gone = used.reindex(list(book.venues), fill_value=0.0).to_numpy()
    return float(np.clip(gone - had, 0.0, np.maximum(has - had, 0.0)).sum())
