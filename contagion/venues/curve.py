"""Curve: lenders of an isolated LlamaLend market, and holders of crvUSD behind the treasury.

A loan has a shortfall if its collateral, which may be partly sold, is worth less than its debt
(`shortfall`). In a LlamaLend market the debt remains in the total assets, the share price does not
fall, and lenders that leave first are paid in full (`llamalend`). In a mint market a part of crvUSD
loses its backing (`crvusd`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules.order import FirstCome
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, numbers
from .parameters import fund_then
from .record import NOT_READ, Document, Terms, Venue


def llamalend(by: str = "exit") -> Rule:
    """LlamaLend: lenders of that market, first come first served.

        total assets = cash + all debt − fees of the DAO;  the last to leave bear the shortfall

    The code never writes down debt; other markets are not affected. The DAO may repay debt of a
    market by a vote: then subtract this amount from the loss.

    Parameters
    ----------
    by : column with the exit of the lenders, lowest first; empty: stays.

    Claims: all lenders of one market, with the column `exit`.

    Example
    -------
    >>> from contagion.venues import curve
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "exit": [None, 1]}
    >>> curve.llamalend().allocate(10, claims).table["loss"].tolist()
    [10.0, 0.0]

    Source: curvefi/curve-stablecoin, curve_stablecoin/lending/Vault.vy, read @ 008c26e;
    curvefi/docs, docs/user/llamalend/bad-debt.md, read @ d05794e.
    """
    return FirstCome(by)


def crvusd(treasury: float = 0.0) -> Waterfall:
    """crvUSD: repayment by the DAO, then all holders pro rata.

        the treasury pays min(L, treasury);  the rest is a part of crvUSD without backing

    Unverified: that holders bear it pro rata. The debt remains owed and crvUSD has no claim on a
    market; in 2025 the bad debt of mint markets was cleared (according to a governance thread).

    Parameters
    ----------
    treasury : amount that the DAO repays, crvUSD >= 0.

    Claims: layer `crvusd`, one row per holder.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import curve
    >>> claims = {"claimant": ["a", "b"], "layer": "crvusd", "amount": [900.0, 100.0]}
    >>> curve.crvusd(treasury=5).allocate(15, claims).table["loss"].tolist()
    [9.0, 1.0, 5.0]

    Source: gov.curve.finance, thread 10876, "Use Treasury Funds to Repay Bad Debt" (stored copy).
    """
    return fund_then(treasury, Layer("crvusd"), name="treasury", parameter="treasury")


def shortfall(
    debt: ArrayLike, borrowed: ArrayLike, collateral: ArrayLike, price: ArrayLike
) -> Numbers:
    """Shortfall of a loan: max(0, debt − borrowed token in its bands − collateral × price).

    Parameters
    ----------
    debt : in the borrowed token, >= 0.
    borrowed : proceeds of collateral already sold, in the borrowed token, >= 0.
    collateral : remaining collateral, in its own tokens, >= 0.
    price : of the collateral in the borrowed token, >= 0.

    Raises
    ------
    ValueError : a negative amount.

    Example
    -------
    The largest loan of the CRV market in the thread, at a CRV of 0.60:

    >>> round(shortfall(317_512.499229, 119_277.103376, 143_735.344880, 0.60), 3)
    111994.189

    Source: gov.curve.finance, thread 10876/4 (stored copy), the table of accounts.
    """
    owed, sold = numbers("debt", debt, 0), numbers("borrowed", borrowed, 0)
    held, at = numbers("collateral", collateral, 0), numbers("price", price, 0)
    return answer(np.maximum(owed - sold - held * at, 0.0), owed, sold, held, at)


CATALOGUE = (
    Venue(
        name="llamalend",
        build=llamalend,
        title="Lenders of the market, first come first served",
        documents=(
            Document(
                "curvefi/curve-stablecoin @ 008c26e, lending/Vault.vy", "commit 008c26e", "in full"
            ),
            Document("curvefi/docs @ d05794e, bad-debt.md", "commit d05794e", "in full"),
        ),
        read="The code of the vault, and the page on bad debt.",
        simplified="Cash may run out before the loss does; then lenders wait. Soft liquidation is "
        "not modelled.",
        terms=Terms(
            fund="none; the DAO may repay by a vote",
            basis="order of exit",
            price="par: the share price stays",
            cap="the claim",
            pause="withdrawals end with the cash of the market",
        ),
    ),
    Venue(
        name="crvusd",
        build=crvusd,
        title="Repayment by the DAO, then crvUSD without backing",
        documents=(
            Document("assumption that all holders bear it pro rata", "2025", "memory"),
            Document("gov.curve.finance, thread 10876", "2025", "excerpt"),
        ),
        read="A thread that says that the bad debt of mint markets was cleared; who bears it is "
        "assumed.",
        simplified="crvUSD trades below par instead of taking a haircut; peg keepers and the fees "
        "of the DAO are left out.",
        terms=Terms(
            fund="repayment by the DAO",
            basis="crvUSD held (assumed)",
            price=NOT_READ,
            cap=NOT_READ,
            pause=NOT_READ,
        ),
    ),
)
