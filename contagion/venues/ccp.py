"""Clearing houses: the default waterfall, the claims of the members, and the size of the fund.

The defaulter's margin and contribution, skin in the game, the default fund, assessments, gains
haircut, tear-up: `rule` in general, `emir` with skin in the game of 25 % of capital (2013).
`claims` builds the table of claims from the members, `cover_2` sizes the default fund.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import RuleError
from ..rules.waterfall import Layer, Waterfall
from ..text import known_name, listing
from .parameters import at_most, capacity, money, share
from .record import Venue

MARGIN = "defaulter margin"
CONTRIBUTION = "defaulter contribution"
SKIN = "skin in the game"
SECOND = "second skin in the game"
FUND = "default fund"
ASSESSMENTS = "assessments"
GAINS = "gains haircut"
TEAR_UP = "tear-up"


def rule(
    margin: float | None = None,
    contribution: float | None = None,
    skin: float | None = None,
    default_fund: float | None = None,
    assessments: float | None = None,
    haircut: float = 1.0,
    tear_up: bool = False,
) -> Waterfall:
    """A clearing house: defaulter, skin in the game, default fund, assessments, gains, tear-up.

        1 margin of the defaulter           2 its contribution to the default fund
        3 skin in the game                  4 contributions of the survivors, pro rata
        5 assessments, pro rata             6 variation-margin gains: h = L / Σ gains⁺ <= haircut
        7 (with `tear_up`) payments for contracts torn up, pro rata; what is left is uncovered

    The initial margin of survivors is not touched. Assessments are calls on survivors of at most
    k times their contribution: k is in the claims (`claims(..., multiple=k)`).

    Parameters
    ----------
    margin, contribution, skin, default_fund, assessments : capacities of the layers, money;
        `None`: the sum of the claims in the layer, 0: there is none.
    haircut : largest part of a gain that is taken, 0 to 1.
    tear_up : whether the claims in layer `tear-up` (what members get for contracts that are
        terminated) lose after the gains; if not, the rest is uncovered.

    Claims: layers `defaulter margin`, `defaulter contribution`, `skin in the game`,
    `default fund`, `assessments`, `gains haircut`, `tear-up`; :func:`claims` builds them.

    On a graph the clearing house is a node without equity: margin, funds and what losers pay are
    its assets, members hold claims on it in these layers. Equity of the node would lose before the
    defaulter's margin, so the skin in the game is a node of its own ("ccp capital") with a claim in
    that layer. Assessments are no claims there but guarantees, `net.with_guarantees` with
    layer="assessments": called at that place, and they fail where the member cannot pay.

    Rules of the houses differ in the places of 5 to 7: the order here is unverified (high
    confidence); that of 1 to 4 was seen in the Swiss law.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Loss 500; margin 120, contribution 20, skin 15, fund 150, assessments 150, gains of 100:

    >>> from contagion.venues import ccp
    >>> gains = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "gains haircut"}
    >>> done = ccp.rule(120, 20, 15, 150, 150).allocate(500, gains)
    >>> done.layers["absorbed"].tolist(), done.uncovered
    ([120.0, 20.0, 15.0, 150.0, 150.0, 45.0], 0.0)

    Source: Swiss Financial Market Infrastructure Act, art. 53 (order of 1 to 4; survivors' margin
    excluded); ESMA Q&A 886 (assessments limited in money or relative to the contribution) and 887
    (gains haircut pro rata is compatible with EMIR art. 45(4)); ISDA, CCP Loss Allocation at the
    End of the Waterfall, August 2013 (gains haircut, then tear-up; a summary was read); Cont
    (2015), J. Risk Manag. Financ. Inst. 8(4) (after the project's notes).
    """
    layers = [
        Layer(MARGIN, capacity=capacity(margin, "margin"), owner="defaulter"),
        Layer(CONTRIBUTION, capacity=capacity(contribution, "contribution"), owner="defaulter"),
        Layer(SKIN, capacity=capacity(skin, "skin"), owner="clearing house"),
        Layer(FUND, capacity=capacity(default_fund, "default_fund"), owner="survivors"),
        Layer(ASSESSMENTS, capacity=capacity(assessments, "assessments"), owner="survivors"),
        Layer(GAINS, at_most(share(haircut, "haircut"))),
    ]
    return Waterfall([*layers, *([Layer(TEAR_UP)] if tear_up else [])])


def emir(
    capital: float | None = None,
    share_of_capital: float = 0.25,
    second_share: float = 0.0,
    margin: float | None = None,
    contribution: float | None = None,
    default_fund: float | None = None,
    assessments: float | None = None,
    haircut: float = 1.0,
    tear_up: bool = False,
) -> Waterfall:
    """A clearing house under EMIR: as `rule`, with skin in the game of 25 % of its minimum capital.

        skin = 25 % × capital;   with a second one, after the default fund: second_share × capital

    Parameters
    ----------
    capital : minimum capital, retained earnings and reserves included (EMIR art. 16), money;
        `None`: the skin is the claims in its layer.
    share_of_capital : at least 0.25 under EMIR; 0 to 1.
    second_share : 0, or since 2023 0.10 to 0.25 of the risk-based capital requirement (one figure
        stands for both bases here). Its place, after the default fund and before the
        assessments, is unverified (high confidence).
    margin, contribution, default_fund, assessments, haircut, tear_up : as in :func:`rule`.

    Claims: as in :func:`rule`, and with a second one the layer `second skin in the game`; on a
    graph that is a node of its own too.

    Raises
    ------
    RuleError : a parameter out of range; a second share without `capital`.

    Example
    -------
    Capital 60: skin 15, as in the example of `rule`.

    >>> from contagion.venues import ccp
    >>> found = ccp.emir(60, margin=120, contribution=20, default_fund=150, assessments=150)
    >>> found.layer("skin in the game").capacity
    15.0

    Source: Commission Delegated Regulation (EU) 153/2013, art. 35(2), read (the 25 %; unverified
    in the project's notes); (EU) 2023/840, art. 1 (the second one), read in part; EMIR art. 45(4).
    """
    part = share(share_of_capital, "share_of_capital")
    more = share(second_share, "second_share")
    if capital is None and more:
        raise RuleError("second_share needs capital=, the money that it is a share of.")
    own = None if capital is None else money(capital, "capital")
    skin = None if own is None else part * own
    found = rule(margin, contribution, skin, default_fund, assessments, haircut, tear_up)
    if not (own and more):
        return found
    second = Layer(SECOND, capacity=more * own, owner="clearing house")
    return Waterfall([*found.layers_[:4], second, *found.layers_[4:]])


def claims(
    members: Any,
    defaulter: Any,
    *,
    skin: float | None = None,
    multiple: float = 1.0,
    house: str = "clearing house",
) -> pd.DataFrame:
    """The claims table of a clearing house after a default, for `rule().allocate`.

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
    RuleError : for a missing column, members named twice, an amount that is empty or negative, and
        a defaulter that is no member.

    Example
    -------
    >>> members = {"member": ["d", "a", "b"], "margin": [60, 90, 70], "contribution": [10, 20, 15],
    ...            "gain": [-200, 40, -5]}
    >>> claims(members, "d", skin=8, multiple=2)
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

    Source: arithmetic of the layers of `rule`.
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
        name="ccp",
        build=rule,
        title="Default waterfall of a clearing house",
        source="FMIA art. 53; ESMA Q&A 886, 887; ISDA 2013",
        as_of="2014",
        status="partly unverified",
        read="The order of layers 1 to 4 in the Swiss law; of ISDA (2013) a summary; the order "
        "of 5 to 7 is unverified (high confidence).",
        simplified="One defaulter, no replenishing, no auction that ranks bidders, one round "
        "of each layer.",
    ),
    Venue(
        name="ccp_emir",
        build=emir,
        title="Default waterfall with skin in the game of 25 % of capital",
        source="Delegated Regulation (EU) 153/2013, art. 35",
        as_of="2013",
        status="partly unverified",
        read="Article 35(2) of the regulation; (EU) 2023/840 in part, the place of the second "
        "tranche is unverified (high confidence).",
        simplified="As for ccp; one figure stands for the capital on which both tranches are "
        "based.",
    ),
)
