"""Lido: slashing is shared by all stETH, open withdrawal requests included.

A slashing lowers the ether behind every share with the next report of the oracle (`rule`). A
withdrawal request is paid at the rate of its finalization, or of its creation if that is lower
(`redemption`); after mass slashing the bunker mode delays requests until the loss is shared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, numbers
from .parameters import fund_then
from .record import Document, Terms, Venue


def rule(cover: float | None = 0.0) -> Waterfall:
    """Lido: stETH burned as cover, then all stETH and open requests, pro rata.

        cover pays min(L, cover);  the rest lowers every share: loss_k = rest × shares_k / Σ shares

    Parameters
    ----------
    cover : stETH burned to cover the slashing, in ether; there is no obligation to do this.

    Claims: layer `steth`, one row per holder or open request, `amount` in ether.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import lido
    >>> claims = {"claimant": ["holder", "request"], "layer": "steth", "amount": [900.0, 100.0]}
    >>> lido.rule(cover=10).allocate(60, claims).table["loss"].tolist()
    [45.0, 5.0, 10.0]

    Source: lidofinance/docs, docs/guides/oracle-spec/accounting-oracle.md, read @ 0fdfa29; for the
    cover docs.lido.fi, "Burner" (stored copy).
    """
    return fund_then(cover, Layer("steth"), name="cover", parameter="cover")


def redemption(shares: ArrayLike, at_request: ArrayLike, at_finalization: ArrayLike) -> Numbers:
    """Ether paid for a withdrawal request: shares × min(rate at request, rate at finalization).

    Parameters
    ----------
    shares : shares of the request, >= 0.
    at_request, at_finalization : ether per share at both times, > 0.

    Raises
    ------
    ValueError : an argument out of range.

    Example
    -------
    A rate of 1.20 at the request, then 1.14 after a slashing, or 1.25 after rewards:

    >>> redemption(100, 1.20, [1.14, 1.25]).round(6)
    array([114., 120.])

    Source: as for `rule`.
    """
    held = numbers("shares", shares, 0)
    then, now = (
        numbers("at_request", at_request, above=0),
        numbers("at_finalization", at_finalization, above=0),
    )
    return answer(held * np.minimum(then, now), held, then, now)


CATALOGUE = (
    Venue(
        name="lido",
        build=rule,
        title="Cover if any, then all stETH and open requests pro rata",
        documents=(
            Document(
                "lidofinance/docs @ 0fdfa29, oracle-spec/accounting-oracle.md",
                "commit 0fdfa29",
                "in full",
            ),
            Document("Lido, contract of the burner", "undated", "excerpt"),
        ),
        read="The specification of the oracle's report and of the bunker mode; of the burner an "
        "excerpt.",
        simplified="Bonds of community operators, who lose before stETH, and vaults of their own "
        "(stVaults) are left out.",
        terms=Terms(
            fund="cover that is burned, if any",
            basis="shares, those of open requests included",
            price="rate of the share with the next report; a request: the lower of two rates",
            cap="the claim; a report may lower the total by 5 % at most",
            pause="bunker mode holds withdrawals until the loss is shared",
        ),
    ),
)
