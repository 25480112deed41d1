"""Members of a clearing house: their claims in the default waterfall, and the size of the fund."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import RuleError
from ..text import known_name, listing
from .venue import money

MARGIN = "defaulter margin"
CONTRIBUTION = "defaulter contribution"
SKIN = "skin in the game"
SECOND = "second skin in the game"
FUND = "default fund"
ASSESSMENTS = "assessments"
GAINS = "gains haircut"
TEAR_UP = "tear-up"


def ccp_claims(
    members: Any,
    defaulter: Any,
    *,
    skin: float | None = None,
    multiple: float = 1.0,
    house: str = "clearing house",
) -> pd.DataFrame:
    """The claims table of a clearing house after a default, for `ccp().allocate`.

    Parameters
    ----------
    members : one row a member: `member`, `contribution` (to the default fund), and optional
        `margin` (initial margin), `gain` (variation margin of the round, signed) and `tear_up`
        (what the member gets for contracts that are terminated); money. pandas or a mapping.
        Without an optional column its layer has no claims: give the rule a capacity then.
    defaulter : the member that failed, or several.
    skin : skin in the game; `None` leaves it out.
    multiple : k, each survivor can be assessed for k times its contribution, >= 0.
    house : claimant of the skin in the game.

    Returns
    -------
    DataFrame : claimant, layer, amount. Of defaulters margin and contribution; of survivors
        contribution, assessment, gain (losses of the round are 0). The margin of survivors is not
        in it: it may not be used. On a graph: claimant is the creditor, the house the debtor, and
        the rows in layer `assessments` go to `net.with_guarantees` instead.

    Raises
    ------
    RuleError
        For a missing column, members named twice, an amount that is empty or negative, and a
        defaulter that is no member.

    Example
    -------
    >>> members = {"member": ["d", "a", "b"], "margin": [60, 90, 70], "contribution": [10, 20, 15],
    ...            "gain": [-200, 40, -5]}
    >>> ccp_claims(members, "d", skin=8, multiple=2)
             claimant                   layer  amount
    0               d        defaulter margin    60.0
    1               d  defaulter contribution    10.0
    2  clearing house        skin in the game     8.0
    3               a            default fund    20.0
    4               b            default fund    15.0
    5               a             assessments    40.0
    6               b             assessments    30.0
    7               a           gains haircut    40.0
    8               b           gains haircut     0.0

    Source: arithmetic of the layers of `ccp`.
    """
    table = pd.DataFrame(dict(members) if isinstance(members, Mapping) else members)
    for column in ("member", "contribution"):
        if column not in table:
            raise RuleError(
                f"The members have no column {column!r}; they have {listing(table.columns, 9)}."
            )
    name = table["member"]
    if name.duplicated().any():
        raise RuleError(f"Member {name[name.duplicated()].iloc[0]!r} is there twice.")
    several = isinstance(defaulter, Collection) and not isinstance(defaulter, str | bytes | tuple)
    failed = list(defaulter) if several else [defaulter]
    known = name.tolist()
    for each in failed:
        known_name(each, known, "member", "defaulter")
    out = name.isin(failed).to_numpy()
    put = _numbers(table, "contribution")
    k = money(multiple, "multiple")
    parts = [
        (MARGIN, out, _numbers(table, "margin") if "margin" in table else None),
        (CONTRIBUTION, out, put),
        (FUND, ~out, put),
        (ASSESSMENTS, ~out, k * put),
        (GAINS, ~out, np.maximum(_numbers(table, "gain", -np.inf), 0) if "gain" in table else None),
        (TEAR_UP, ~out, _numbers(table, "tear_up") if "tear_up" in table else None),
    ]
    frames = [
        pd.DataFrame({"claimant": name[who].to_numpy(), "layer": layer, "amount": amount[who]})
        for layer, who, amount in parts
        if amount is not None
    ]
    if skin is not None:
        own = {"claimant": [house], "layer": [SKIN], "amount": [money(skin, "skin")]}
        frames.insert(2 if "margin" in table else 1, pd.DataFrame(own))
    return pd.concat(frames, ignore_index=True)


def _numbers(table: pd.DataFrame, column: str, least: float = 0.0) -> np.ndarray:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~(np.isfinite(values) & (values >= least))
    if bad.any():
        who = listing(table["member"][bad])
        sign = "" if least < 0 else " or negative"
        raise RuleError(f"{column!r} is empty, infinite{sign} for {who}; it is money.")
    return np.asarray(values)


@dataclass(frozen=True)
class Cover2:
    """Sizes that EMIR asks for at least, money.

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
    losses : (members,) or (scenarios, members), stressed loss of each member beyond its margin,
        money; a negative number (margin is more than enough) counts as 0. With scenarios the
        largest need counts, each size by itself.

    Returns
    -------
    Cover2

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
