"""Jupiter Perps: a pool (JLP) pays every profit, each up to the tokens locked for the position.

The profit of a position is limited to the tokens locked when it was opened (`capped_profit`), so
that the pool can always pay. Holders of JLP bear the profits of traders, and losses of liquidated
positions beyond their collateral, pro rata (`rule`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules.pro_rata import PRO_RATA
from ..rules.rule import Rule
from ..statistics.arrays import Numbers, answer, numbers
from ..text import choice
from .record import Document, Terms, Venue


def rule() -> Rule:
    """Profits of traders are borne by the holders of JLP pro rata: its price falls at once.

        loss_k = L × JLP_k / Σ JLP

    Claims: all holders of JLP. Winners are not claims here: they are paid in full up to the tokens
    locked for them, `capped_profit`.

    Example
    -------
    >>> from contagion.venues import jupiter
    >>> claims = {"claimant": ["a", "b"], "amount": [75.0, 25.0]}
    >>> jupiter.rule().allocate(8, claims).table["loss"].tolist()
    [6.0, 2.0]

    Source: jup-ag/docs, docs/perps/position-account.mdx, read @ 65e6c86 (lockedAmount);
    docs/perps/pool-account.mdx (the value of the pool is net of profits), as an excerpt.
    """
    return PRO_RATA


def capped_profit(profit: ArrayLike, locked: ArrayLike, price: ArrayLike) -> Numbers:
    """Profit that is paid to a position: min(profit, locked × price); a loss is unchanged.

    Parameters
    ----------
    profit : result of the position, dollars.
    locked : tokens locked for it, >= 0 (SOL, wETH, wBTC for longs, a stablecoin for shorts).
    price : oracle price of the token, dollars, > 0.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    >>> capped_profit([900, 1_500, -200], 10, 120)
    array([ 900., 1200., -200.])

    Source: jup-ag/docs, docs/perps/position-account.mdx, read @ 65e6c86.
    """
    gain, held = numbers("profit", profit), numbers("locked", locked, 0)
    at = numbers("price", price, above=0)
    return answer(np.minimum(gain, held * at), gain, held, at)


def liquidation_price(
    side: str,
    entry: ArrayLike,
    size: ArrayLike,
    collateral: ArrayLike,
    *,
    fees: ArrayLike = 0.0,
    max_leverage: ArrayLike = 500.0,
) -> Numbers:
    """The price at which a position is closed; its remaining collateral goes to the pool.

    price = entry ∓ (collateral − size / max leverage − fees) × entry / size, − long, + short

    Parameters
    ----------
    side : "long" or "short".
    entry : average price of the position, > 0.
    size : its size, dollars, > 0.
    collateral : dollars at the time of the deposit, >= 0.
    fees : accrued closing and borrowing fees, dollars, >= 0.
    max_leverage : highest leverage of the exchange, > 0.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    Size 1,000 at 100 with collateral of 100 and fees of 2: the largest loss is 96.

    >>> liquidation_price("long", 100, 1_000, 100, fees=2)
    90.4

    Source: jup-ag/docs, docs/perps/liquidation.mdx, read @ 65558d9.
    """
    choice(side, ("long", "short"), "side")
    at, value = numbers("entry", entry, above=0), numbers("size", size, above=0)
    held, cost = numbers("collateral", collateral, 0), numbers("fees", fees, 0)
    most = numbers("max_leverage", max_leverage, above=0)
    move = (held - value / most - cost) * at / value
    return answer(at - move if side == "long" else at + move, at, value, held, cost, most)


CATALOGUE = (
    Venue(
        name="jupiter",
        build=rule,
        title="The pool pays every profit up to the tokens locked for it, pro rata on JLP",
        documents=(
            Document(
                "jup-ag/docs @ 65e6c86, docs/perps, positions and liquidation",
                "commit 65e6c86",
                "in full",
            ),
            Document(
                "jup-ag/docs @ 65e6c86, docs/perps/pool-account.mdx", "commit 65e6c86", "excerpt"
            ),
        ),
        read="The pages on positions and on liquidation; of the page on the pool an excerpt.",
        simplified="The pool is one asset; in fact it holds five tokens, and a token can run short "
        "for new positions.",
        terms=Terms(
            fund="the pool (JLP)",
            basis="JLP held",
            price="oracle price; the price of JLP falls at once",
            cap="a profit: the tokens locked for the position",
        ),
    ),
)
