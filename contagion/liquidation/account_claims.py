"""Claims of accounts on their venues, as arrays: equity, profit, funds and deficits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ..errors import expect
from ..kernels.market_state import MarketState
from .margin_book import MarginBook


@dataclass(frozen=True)
class AccountClaims:
    """Claims on venues after liquidation; B scenarios, N accounts, V venues, money.

    Attributes
    ----------
    paid_in : (B, N) margin at the start and calls met.
    realized, unrealized : (B, N) profit on closed positions (after fees), and on open positions at
        the prices that venues use.
    equity : (B, N) paid_in + realized + unrealized + deficit: the claim of the account.
    open_interest : (B, N) Σ |units| × price.
    fund, deficit, uncovered : (B, V) insurance fund, negative equity of closed accounts, and the
        part of it beyond the fund, which the rule of the venue has to share.
    """

    paid_in: np.ndarray
    realized: np.ndarray
    unrealized: np.ndarray
    equity: np.ndarray
    open_interest: np.ndarray
    fund: np.ndarray
    deficit: np.ndarray
    uncovered: np.ndarray


def account_claims(book: MarginBook, state: MarketState) -> AccountClaims:
    """The claims of the accounts of a book on their venues.

    Parameters
    ----------
    book : before the run. state : after it, with scenarios on the leading axis.

    Example
    -------
    A long of 10 with a margin of 100 against shorts of 8 and 2. At −20 % its deficit is 100, of
    which the fund covers 5; the shorts have profits of 160 and 40.

    >>> import numpy as np, contagion as ct
    >>> book = ct.liquidation.MarginBook({"X": 100.0}, [
    ...     {"venue": "v", "holder": holder, "instrument": "X", "size": size, "margin": margin}
    ...     for holder, size, margin in (("l", 10, 100), ("s1", -8, 40), ("s2", -2, 100))])
    >>> cascade = ct.liquidation.LiquidationCascade(fund=5.0)
    >>> found = account_claims(book, cascade.solve(book, np.array([[80.0]])))
    >>> found.unrealized.tolist(), found.equity.tolist(), found.uncovered.tolist()
    ([[0.0, 160.0, 40.0]], [[0.0, 200.0, 140.0]], [[95.0]])
    """
    expect(book=book)
    a = book.arrays
    many, legs = len(a.cash), len(a.asset)
    to = csr_array((np.ones(legs), (np.arange(legs), a.account)), shape=(legs, many))
    at_venue = csr_array(
        (np.ones(many), (np.arange(many), a.venue)), shape=(many, len(book.venues))
    )
    entry = book._frame["entry_price"].to_numpy(float)
    price = state.told[:, a.asset]
    equity = state.cash + (state.units * price) @ to
    unrealized = (state.units * (price - entry)) @ to
    paid_in = a.cash + (a.units * entry) @ to + state.topped
    return AccountClaims(
        paid_in=paid_in,
        realized=equity - state.deficit - paid_in - unrealized,
        unrealized=unrealized,
        equity=equity,
        open_interest=np.abs(state.units * price) @ to,
        fund=state.fund,
        deficit=state.deficit @ at_venue,
        uncovered=state.uncovered,
    )
