"""Circuit breakers, and what they change in a liquidation cascade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ConvergenceError, PolicyError, expect
from ...liquidation import LiquidationCascade, MarginBook, total_loss
from ...liquidation.circuit_breakers import Breaker
from ...network.exposure_network import ExposureNetwork
from ...records import Table
from .intervention import Intervention, parts_of
from .shocktable import AS_GIVEN, with_avoided


@dataclass(frozen=True, repr=False)
class CircuitBreaker(Intervention):
    """Volatility controls for a liquidation cascade, after those that it has.

    Parameters
    ----------
    breakers : one of :mod:`contagion.liquidation.circuit_breakers` or several, in order.
    price : cost of the change, money.

    Cost: `price`; 0 unless given.

    Example
    -------
    >>> import contagion as ct
    >>> CircuitBreaker(ct.liquidation.Throttle(4.0)).steer(ct.liquidation.LiquidationCascade())
    LiquidationCascade(breakers=(Throttle(units=4.0),))

    Source: as in the breakers.
    """

    breakers: Breaker | tuple[Breaker, ...]
    price: float = 0.0

    def steer(self, cascade: LiquidationCascade) -> LiquidationCascade:
        own = (self.breakers,) if isinstance(self.breakers, Breaker) else tuple(self.breakers)
        return replace(cascade, breakers=(*cascade.breakers, *own))

    def cost(self, network: ExposureNetwork) -> float:
        return float(self.price)


def compare_cascades(
    book: MarginBook,
    cascade: LiquidationCascade,
    prices: Mapping[str, float],
    interventions: Mapping[str, Intervention],
    *,
    free: Mapping[Any, float] | None = None,
) -> Table:
    """One price shock through a book, with and without circuit breakers.

    Parameters
    ----------
    book, cascade : positions, and the liquidations as they are.
    prices : {asset: relative change}, as for `cascade.run`.
    interventions : {name: CircuitBreaker, or a sum of them}.
    free : {holder: money} to meet margin calls with.

    Returns
    -------
    Table : one row an intervention, "as given" first, money: loss (of holders and venues, see
    :func:`contagion.liquidation.total_loss`), deficits (of closed accounts), latent (negative
    equity of open ones: a breaker that holds back a liquidation does not make its loss go away),
    liquidated, lowest (price over price before, of the asset that fell most), rounds, cost, avoided
    (of the loss), avoided_per_cost (nan where nothing is paid).

    Raises
    ------
    PolicyError : for no interventions, one called "as given", or one that acts on networks.
    ConvergenceError : when a cascade does not settle.

    Example
    -------
    At −12 % and with a depth of 100 ten units bring 836; the loss is 164. A freeze leaves the 10
    units at 88: margin of 100 gone and 20 that nobody has realized.

    >>> import contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, positions=[{"venue": "v", "holder": "h",
    ...     "instrument": "X", "size": 10, "margin": 100}])
    >>> cascade = ct.liquidation.LiquidationCascade(impact=ct.liquidation.Linear(depth=100))
    >>> done = compare_cascades(book, cascade, {"X": -0.12},
    ...     {"freeze": CircuitBreaker(ct.liquidation.Freeze((0,)))})
    >>> done[["loss", "deficits", "latent"]].round(6).values.tolist()
    [[164.0, 64.0, 0.0], [120.0, 0.0, 20.0]]
    """
    expect(book=book, cascade=cascade)
    if not interventions:
        raise PolicyError('Nothing to compare: give {"name": CircuitBreaker(...)}.')
    if AS_GIVEN in interventions:
        raise PolicyError(f"{AS_GIVEN!r} is the cascade as it is; call the breaker otherwise.")
    steered = {AS_GIVEN: cascade} | {k: one.steer(cascade) for k, one in interventions.items()}
    rows = {}
    for name, each in steered.items():
        try:
            done = each.run(book, prices, free=free)
        except ConvergenceError as error:
            raise ConvergenceError(f"{name}: {error}", error.partial) from error
        parts = parts_of(interventions[name]) if name in interventions else ()
        rows[name] = {
            "loss": float(np.asarray(total_loss(book, done.outcome))),
            "deficits": float(done.deficits.sum()),
            "latent": float(done.latent.sum()),
            "liquidated": float(done.outcome.liquidated),
            "lowest": float((done.outcome.price / book.price).min()),
            "rounds": done.rounds,
            "cost": float(sum(part.price for part in parts if isinstance(part, CircuitBreaker))),
        }
    frame = pd.DataFrame(rows).T
    frame.index.name = "intervention"
    return with_avoided(frame, "loss")
