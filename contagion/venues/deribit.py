"""Deribit: insurance fund, then the winners of the day pro rata on profit.

Losses beyond the fund are socialized among the winning traders of that day, which has never
happened (`rule`).
"""

from __future__ import annotations

from ..rules.proportional import ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer
from .parameters import fund_then
from .record import Venue


def rule(fund: float | None = None, weight: str = "profit") -> Rule:
    """Insurance fund, then socialized among the winners of the day, pro rata on their profit.

    rate = (L − fund) / Σ max(0, session profit)

    Claims: as for `contagion.venues.okx.okex_2018`, layer "socialized loss", column
    `weight` the session profit.

    Parameters
    ----------
    fund : money in the insurance fund; `None`: the claims in its layer.
    weight : column with the session profit.

    Unverified (medium confidence): that the basis is the session profit, pro rata. The article
    says only that losses beyond the fund are socialized among the winning traders of that day,
    and that it has never happened.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import deribit
    >>> claims = {"claimant": ["a", "b"], "layer": "socialized loss", "amount": [30.0, 10.0],
    ...           "profit": [30, 10]}
    >>> deribit.rule(fund=5).allocate(9, claims).table["loss"].tolist()
    [3.0, 1.0, 5.0]

    Source: Deribit, support article 25944777576477 "Insurance Fund" (stored copy, undated).
    """
    return fund_then(fund, Layer("socialized loss", ProRata(weight, negative="zero")))


CATALOGUE = (
    Venue(
        name="deribit",
        build=rule,
        title="Insurance fund, then the day's winners pro rata on profit",
        source="Deribit, support article 25944777576477",
        as_of="undated",
        status="partly unverified",
        read="The support article, as a stored copy; the basis, session profits pro rata, is "
        "unverified (medium confidence).",
        simplified="None stated.",
    ),
)
