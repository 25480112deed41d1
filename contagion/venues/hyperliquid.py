"""Hyperliquid: orders to the book, the backstop vault, then auto-deleveraging by an index.

As of 2025 positions of an account below its maintenance margin are sent to the order book, and
below the backstop threshold to the vault (`margins`). If account value is negative, positions of
the other side are closed, highest index first (`adl_index`). The rule that shares the loss: `rule`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, RuleError
from ..rules.order import Queue
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .parameters import fund_then
from .record import Document, Terms, Venue


def rule(vault: float | None = None, hip3: bool = False, by: str = "score") -> Rule:
    """Backstop vault, then auto-deleveraging of the other side, highest index first.

    The vault takes min(L, vault). For the remainder positions are closed, highest index first, at
    the previous mark price; index = (mark / entry) × notional / account value
    (see `adl_index` for the convention for shorts)

    Claims: layer "adl", one row per position of the other side, `amount` its largest loss from
    closing, column `by` the index; depositors of the vault (HLP) in layer "vault". Users
    without open positions never share a loss: leave their layer empty.

    Parameters
    ----------
    vault : loss that the vault bears before deleveraging; `None`: the claims in its layer. No
        limit is published, so it is an input.
    hip3 : True for markets of builders (HIP-3), which have no vault: deleveraging at once.
    by : column with the index.

    Raises
    ------
    RuleError : for `vault` together with `hip3`.

    Example
    -------
    A long with index 4.8 is closed before a short with 2.5 would be; the vault bears 100:

    >>> from contagion.venues import hyperliquid
    >>> claims = {"claimant": ["a", "b"], "layer": "adl", "amount": [60.0, 80.0],
    ...           "score": [2.5, 4.8]}
    >>> hyperliquid.rule(vault=100).allocate(200, claims).table["loss"].tolist()
    [20.0, 80.0, 100.0]
    >>> hyperliquid.rule(hip3=True).allocate(100, claims).table["loss"].tolist()
    [20.0, 80.0]

    Source: Hyperliquid docs, "Auto-deleveraging" and "Liquidations"; for HIP-3 docs.trade.xyz,
    "Liquidations and Auto-Deleveraging" (stored copies, 2025).
    """
    queue = Layer("adl", Queue(by))
    if not hip3:
        return fund_then(vault, queue, name="vault", parameter="vault")
    if vault is not None:
        raise RuleError("hyperliquid: markets with hip3=True have no vault; leave vault out.")
    return Waterfall([queue])


@dataclass(frozen=True)
class Margins:
    """Margins of positions, amounts: `initial`, `maintenance` and the `backstop` threshold.

    Account value below `maintenance`: orders to the book. Below `backstop`: the vault takes the
    position over. Below zero: auto-deleveraging.
    """

    initial: Numbers
    maintenance: Numbers
    backstop: Numbers


def margins(
    notional: ArrayLike, *, max_leverage: ArrayLike = 40.0, backstop: float = 2 / 3
) -> Margins:
    """Initial margin, maintenance margin and backstop threshold on Hyperliquid.

    initial = |notional| / max leverage, maintenance = initial / 2, backstop = 2/3 maintenance

    Markets of builders (HIP-3) have no vault, only the order book and auto-deleveraging.

    Parameters
    ----------
    notional : value of the position, an amount with either sign.
    max_leverage : highest leverage of the instrument, >= 1 (it differs by instrument).
    backstop : share of the maintenance margin below which the vault takes over, 0 to 1.

    Raises
    ------
    ArgumentError : max_leverage below 1, backstop outside 0 to 1, notional infinite.

    Example
    -------
    At a leverage of 40: maintenance 1.25 % and backstop 0.833 % of the notional.

    >>> needed = margins(120_000)
    >>> needed.initial, needed.maintenance, round(needed.backstop, 6)
    (3000.0, 1500.0, 1000.0)

    Source: Hyperliquid docs, "Liquidations" and "Auto-deleveraging", after the project's notes.
    """
    size, most = numbers("notional", notional), numbers("max_leverage", max_leverage, 1)
    part = numbers("backstop", backstop, 0, 1)
    initial = np.abs(size) / most
    return Margins(
        answer(initial, size, most),
        answer(initial / 2, size, most),
        answer(initial / 2 * part, size, most, part),
    )


def adl_index(
    mark: ArrayLike,
    entry: ArrayLike,
    notional: ArrayLike,
    account_value: ArrayLike,
    *,
    shorts: str = "inverse",
) -> Numbers:
    """The index by which Hyperliquid selects the positions it closes, highest first.

    index = (mark / entry) × |notional| / account value

    The printed formula ranks profitable *shorts* low, since their mark is below their entry.
    `shorts="inverse"` uses entry / mark for them (the convention of this project),
    `shorts="as_printed"` the printed formula.

    Parameters
    ----------
    mark, entry : prices, > 0.
    notional : signed value of the position, an amount: long above zero, short below.
    account_value : an amount.
    shorts : "inverse" or "as_printed".

    Returns
    -------
    The index, without unit; −inf where the account value is <= 0 (it is closed itself).

    Raises
    ------
    ArgumentError : a price that is not above zero, or an unknown `shorts`.

    Example
    -------
    A long with a gain of 20 % at leverage 4; a short from 100 to 80 at leverage 2.

    >>> adl_index([120, 80], [100, 100], [400_000, -800_000], [100_000, 400_000])
    array([4.8, 2.5])
    >>> adl_index(80, 100, -800_000, 400_000, shorts="as_printed")
    1.6

    Source: Hyperliquid docs, "Auto-deleveraging", after the project's notes; the inverse for
    shorts is ours.
    """
    if shorts not in ("inverse", "as_printed"):
        raise ArgumentError(f'shorts must be "inverse" or "as_printed", but is {shorts!r}.')
    at, start = numbers("mark", mark, above=0), numbers("entry", entry, above=0)
    size, value = numbers("notional", notional), numbers("account_value", account_value)
    flip = (size < 0) & (shorts == "inverse")
    move = np.where(flip, start / at, at / start)
    index = move * ratio(np.abs(size), value, 0.0)
    return answer(np.where(value <= 0, -np.inf, index), at, start, size, value)


CATALOGUE = (
    Venue(
        name="hyperliquid",
        build=rule,
        title="Backstop vault, then auto-deleveraging by index",
        documents=(
            Document("Hyperliquid docs, Auto-deleveraging", "2025", "in full"),
            Document("docs.trade.xyz, pages on HIP-3", "2025", "in full"),
        ),
        read="The pages of the documentation, and those of trade.xyz on HIP-3, as stored copies.",
        simplified="Positions that the vault takes over and later loses or gains on are not "
        "followed.",
        terms=Terms(
            fund="backstop vault; none in markets of builders",
            basis="rank: index of profit × leverage",
            price="previous mark price",
            cap="the whole position; nothing without a position",
        ),
    ),
)
