"""Hyperliquid: margins, the threshold of the backstop vault, and the index of deleveraging."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..statistics.arrays import Numbers, answer, numbers, ratio


@dataclass(frozen=True)
class HyperliquidMargins:
    """Margins of positions, money: `initial`, `maintenance` and the `backstop` threshold.

    Account value below `maintenance`: orders to the book. Below `backstop`: the vault takes the
    position over. Below zero: auto-deleveraging.
    """

    initial: Numbers
    maintenance: Numbers
    backstop: Numbers


def hyperliquid_margins(
    notional: ArrayLike, *, max_leverage: ArrayLike = 40.0, backstop: float = 2 / 3
) -> HyperliquidMargins:
    """Initial margin, maintenance margin and backstop threshold on Hyperliquid.

    initial = |notional| / max leverage, maintenance = initial / 2, backstop = 2/3 maintenance

    Markets of builders (HIP-3) have no vault: there only the book and auto-deleveraging.

    Parameters
    ----------
    notional : value of the position, money, either sign.
    max_leverage : highest leverage of the instrument, >= 1 (it differs by instrument).
    backstop : part of the maintenance margin below which the vault takes over, 0 to 1.

    Returns
    -------
    HyperliquidMargins

    Raises
    ------
    ArgumentError : max_leverage below 1, backstop outside 0 to 1, notional infinite.

    Example
    -------
    At 40 times: 1.25 % and 0.833 % of the notional.

    >>> margins = hyperliquid_margins(120_000)
    >>> margins.initial, margins.maintenance, round(margins.backstop, 6)
    (3000.0, 1500.0, 1000.0)

    Source: Hyperliquid docs, "Liquidations" and "Auto-deleveraging", after the project's notes.
    """
    size, most = numbers("notional", notional), numbers("max_leverage", max_leverage, 1)
    part = numbers("backstop", backstop, 0, 1)
    initial = np.abs(size) / most
    return HyperliquidMargins(
        answer(initial, size, most),
        answer(initial / 2, size, most),
        answer(initial / 2 * part, size, most, part),
    )


def hyperliquid_index(
    mark: ArrayLike,
    entry: ArrayLike,
    notional: ArrayLike,
    account_value: ArrayLike,
    *,
    shorts: str = "inverse",
) -> Numbers:
    """The index by which Hyperliquid picks the positions it closes, highest first.

    index = (mark / entry) × |notional| / account value

    As printed this puts profitable *shorts* low, since their mark is below their entry.
    `shorts="inverse"` uses entry / mark for them (the convention of this project),
    `shorts="as_printed"` the printed formula.

    Parameters
    ----------
    mark, entry : prices, > 0.
    notional : signed value of the position, money: long above zero, short below.
    account_value : money.
    shorts : "inverse" or "as_printed".

    Returns
    -------
    The index, without unit; −inf where the account value is <= 0 (it is closed itself).

    Raises
    ------
    ArgumentError : a price that is not above zero, or an unknown `shorts`.

    Example
    -------
    A long up 20 % at leverage 4; a short from 100 to 80 at leverage 2.

    >>> hyperliquid_index([120, 80], [100, 100], [400_000, -800_000], [100_000, 400_000])
    array([4.8, 2.5])
    >>> hyperliquid_index(80, 100, -800_000, 400_000, shorts="as_printed")
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
