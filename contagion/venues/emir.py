"""Clearing houses under EMIR: own capital of 25 % of the minimum capital, and the size of the fund.

`rule` is the waterfall with that own capital (2013, a second part since 2023); `cover_2` sizes the
default fund. The order and the default manager are in :mod:`contagion.venues.ccp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import RuleError
from ..rules.waterfall import Waterfall
from . import ccp
from .parameters import money, share
from .record import Document, Venue


def rule(
    capital: float | None = None,
    share_of_capital: float = 0.25,
    second_share: float = 0.0,
    default_fund: float | None = None,
    haircut: float = 1.0,
    tear_up: bool = False,
) -> Waterfall:
    """A clearing house under EMIR: as `ccp.rule`, with own capital of 25 % of its minimum capital.

        before = 25 % × capital;   after = second_share × capital

    Parameters
    ----------
    capital : minimum capital, retained earnings and reserves included (EMIR art. 16), an amount;
        `None`: own capital before the fund is the sum of the claims in its layer.
    share_of_capital : at least 0.25 under EMIR; 0 to 1.
    second_share : 0, or since 2023 0.10 to 0.25 of the risk-based capital requirement (one figure
        stands for both bases here). Its place, after the default fund and before the
        assessments, is unverified (high confidence); Eurex has it beside the fund.
    default_fund, haircut, tear_up : as in :func:`contagion.venues.ccp.rule`.

    Claims: as in :func:`contagion.venues.ccp.rule`; on a graph each part of own capital is a
    separate node.

    Raises
    ------
    RuleError : a parameter out of range; a second share without `capital`.

    Example
    -------
    Minimum capital of 60: the house bears 15 of the loss of 50 before its members:

    >>> from contagion.venues import emir
    >>> layers = ["defaulter margin", "defaulter contribution", "default fund", "assessments"]
    >>> claims = {"claimant": ["d", "d", "a", "a"], "amount": [20.0, 5.0, 40.0, 40.0],
    ...           "layer": layers}
    >>> done = emir.rule(60, haircut=0).allocate(50, claims)
    >>> done.layers["absorbed"].tolist()
    [20.0, 5.0, 15.0, 10.0, 0.0]

    Source: Commission Delegated Regulation (EU) 153/2013, art. 35(2), read (the 25 %; unverified
    in the project's notes); (EU) 2023/840, art. 1 (the second one), read in part; EMIR art. 45(4).
    """
    part = share(share_of_capital, "share_of_capital")
    more = share(second_share, "second_share")
    if capital is None and more:
        raise RuleError("second_share needs capital=, the money that it is a share of.")
    own = None if capital is None else money(capital, "capital")
    rest: dict[str, Any] = {"default_fund": default_fund, "haircut": haircut, "tear_up": tear_up}
    return ccp.rule(before=None if own is None else part * own, after=more * (own or 0.0), **rest)


@dataclass(frozen=True)
class Cover2:
    """Minimum sizes required by EMIR, amounts.

    Attributes
    ----------
    default_fund : of the prefunded default fund.
    prefunded : of the default fund and other prefunded resources together, margin excluded.
    """

    default_fund: float
    prefunded: float


def cover_2(losses: ArrayLike) -> Cover2:
    """Sizing of a default fund by the losses of the largest members (cover 2).

        default fund >= max(l₁, l₂ + l₃);   prefunded total >= l₁ + l₂      with l₁ >= l₂ >= …

    Parameters
    ----------
    losses : (members,) or (scenarios, members), stressed loss of each member beyond its margin, an
        amount; a negative number (margin exceeds the loss) counts as 0. With several scenarios each
        size is the maximum over the scenarios.

    Raises
    ------
    RuleError : no members, or a loss that is not a finite number.

    Example
    -------
    >>> cover_2([90, 70, 65, 20, 5])
    Cover2(default_fund=135.0, prefunded=160.0)

    Source: Regulation (EU) 648/2012 (EMIR), art. 42(3) and 43(2), read (in the project's notes
    unverified). Exposures of the articles are taken as stressed losses beyond margin.
    """
    lost = np.asarray(losses, float)
    if lost.ndim not in (1, 2) or not lost.size:
        raise RuleError(f"losses has the shape {lost.shape}; it is (members,) or (scenarios, ...).")
    if not np.isfinite(lost).all():
        raise RuleError(f"{int((~np.isfinite(lost)).sum())} losses are empty or infinite.")
    lost = np.atleast_2d(lost)
    padded = np.concatenate([lost, np.zeros((len(lost), 3))], axis=1)  # before any below 0
    first, second, third = -np.sort(-padded, axis=1)[:, :3].T
    return Cover2(float(np.maximum(first, second + third).max()), float((first + second).max()))


CATALOGUE = (
    Venue(
        name="ccp_emir",
        build=rule,
        title="Default waterfall with own capital of 25 % of its capital",
        documents=(
            Document("Delegated Regulation (EU) 153/2013, art. 35", "2013", "in full"),
            Document("Delegated Regulation (EU) 2023/840", "2023", "excerpt"),
            Document("place of the second tranche", "2023", "memory"),
        ),
        read="Article 35(2) of the regulation; (EU) 2023/840 in part, the place of the second "
        "tranche is unverified (high confidence).",
        simplified="As for ccp; one figure stands for the capital on which both tranches are "
        "based.",
        terms=ccp.TERMS,
    ),
)
