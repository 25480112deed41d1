"""Paradex: insurance fund, then a charge on withdrawals while the fund is short.

While bankrupt accounts owe more than the insurance fund has, every withdrawal is charged a factor
(`loss_factor`); an account that does not withdraw in that time pays nothing (`rule`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answers, numbers, ratio
from .parameters import at_most, fund_then, share
from .record import Document, Terms, Venue


def rule(fund: float | None = None, factor: float = 1.0) -> Waterfall:
    """After Paradex: insurance fund, then those who withdraw while it is short.

    the fund pays min(L, fund); withdrawals pay the rest pro rata, each at most  factor × amount

    The amount that they do not raise remains missing until the fund is filled by profitable
    liquidations or by a transfer: it is uncovered here.

    Claims: layer "withdrawals", one row per withdrawal while the fund is short, `amount` its size.
    Balances that are not withdrawn are in no layer.

    Parameters
    ----------
    fund : balance of the insurance fund, an amount; `None`: the claims in its layer.
    factor : the socialized loss factor (`loss_factor`), 0 to 1.

    Unverified: the factor, see `loss_factor`.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    The fund has 1,000 and accounts owe 2,000; a fifth of a withdrawal of 500 is kept:

    >>> from contagion.venues import paradex
    >>> claims = {"claimant": ["charlie"], "layer": "withdrawals", "amount": [500.0]}
    >>> done = paradex.rule(fund=1_000, factor=0.2).allocate(2_000, claims)
    >>> done.table["loss"].tolist(), done.uncovered
    ([100.0, 1000.0], 900.0)

    Source: docs.paradex.trade, "Socialized Losses and Last Resort Mechanism" (stored copy).
    """
    charged = Layer("withdrawals", at_most(share(factor, "factor")))
    return fund_then(fund, charged)


@dataclass(frozen=True)
class LossFactor:
    """`missing`: debt of bankrupt accounts beyond the fund, an amount; `factor`: the share of a
    withdrawal that is kept, 0 to 1."""

    missing: Numbers
    factor: Numbers


def loss_factor(bankruptcies: ArrayLike, fund: ArrayLike, balance: ArrayLike) -> LossFactor:
    """The socialized loss factor of an exchange with bankrupt accounts.

    missing = max(0, Σ bankruptcies − fund);  factor = missing / (balance + missing)

    With the balance of the exchange at settlement prices the denominator is the total balance of
    the solvent accounts, so that the factor is their pro rata loss.

    Unverified: the factor. Paradex's page was read up to `missing`; the quotient is from a page of
    another exchange (Astaria) with the same text, whose own example divides by the balance alone
    (1,000 / 4,000 = 25 %). This function uses its formula.

    Parameters
    ----------
    bankruptcies : Σ max(0, −settlement balance) of the accounts, an amount >= 0.
    fund : balance of the insurance fund; may be negative.
    balance : USDC of the whole exchange, the fund included, >= 0.

    Raises
    ------
    ValueError : a negative amount.

    Example
    -------
    Three accounts and the fund with 1,000 each; one loses 3,000 to another:

    >>> loss_factor(2_000, 1_000, 4_000)
    LossFactor(missing=1000.0, factor=0.2)

    Source: as for `rule`; for the quotient Astaria's documentation, "Socialized Losses".
    """
    owed, held = numbers("bankruptcies", bankruptcies, 0), numbers("fund", fund)
    total = numbers("balance", balance, 0)
    missing = np.maximum(owed - held, 0.0)
    parts = (missing, ratio(missing, total + missing, 0.0))
    return LossFactor(*answers(parts, owed, held, total))


CATALOGUE = (
    Venue(
        name="paradex",
        build=rule,
        title="Insurance fund, then a charge on withdrawals while it is short",
        documents=(
            Document(
                "docs.paradex.trade, Socialized Losses and Last Resort Mechanism",
                "undated",
                "excerpt",
            ),
            Document(
                "loss factor, read on a page of another exchange with the same text",
                "undated",
                "memory",
            ),
        ),
        read="The page as a stored copy up to the bankruptcy amount; the factor is unverified, it "
        "was read on a page of another exchange with the same text.",
        simplified="The factor is fixed while withdrawals pay in; the last resort, by which "
        "positions are settled after some time, is left out.",
        terms=Terms(
            fund="insurance fund",
            basis="amount withdrawn while the fund is short",
            price="none: withdrawals are cut",
            cap="factor × withdrawal",
            pause="a last resort settles positions under rules of time",
        ),
    ),
)
