"""Clearing houses: the default waterfall, from the defaulter's margin to what stays uncovered."""

from __future__ import annotations

from ..errors import RuleError
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from .members import (
    ASSESSMENTS,
    CONTRIBUTION,
    FUND,
    GAINS,
    MARGIN,
    SECOND,
    SKIN,
    TEAR_UP,
    Cover2,
    ccp_claims,
    cover_2,
)
from .shared_layers import at_most, capacity
from .venue import Venue, money, share

__all__ = ["CATALOGUE", "Cover2", "ccp", "ccp_claims", "ccp_emir", "cover_2"]


def ccp(
    margin: float | None = None,
    contribution: float | None = None,
    skin: float | None = None,
    default_fund: float | None = None,
    assessments: float | None = None,
    haircut: float = 1.0,
    tear_up: bool = False,
) -> Rule:
    """A clearing house: defaulter, skin in the game, default fund, assessments, gains, tear-up.

        1 margin of the defaulter           2 its contribution to the default fund
        3 skin in the game                  4 contributions of the survivors, pro rata
        5 assessments, pro rata             6 variation-margin gains: h = L / Σ gains⁺ <= haircut
        7 (with `tear_up`) payments for contracts torn up, pro rata; what is left is uncovered

    The initial margin of survivors is not touched. Assessments are calls on survivors of at most
    k times their contribution: k is in the claims (`ccp_claims(..., multiple=k)`).

    Parameters
    ----------
    margin, contribution, skin, default_fund, assessments : capacities of the layers, money;
        `None`: the sum of the claims in the layer, 0: there is none.
    haircut : largest part of a gain that is taken, 0 to 1.
    tear_up : whether the claims in layer `tear-up` (what members get for contracts that are
        terminated) lose after the gains; if not, the rest is uncovered.

    Claims: layers `defaulter margin`, `defaulter contribution`, `skin in the game`,
    `default fund`, `assessments`, `gains haircut`, `tear-up`; :func:`ccp_claims` builds them.

    On a graph the clearing house is a node without equity: margin, funds and what losers pay are
    its assets, members hold claims on it in these layers. Equity of the node would lose before the
    defaulter's margin, so the skin in the game is a node of its own ("ccp capital") with a claim in
    that layer. Assessments are no claims there but guarantees, `net.with_guarantees` with
    layer="assessments": called at that place, and they fail where the member cannot pay.

    Simplified: one defaulter; no replenishing, no auction that ranks bidders, one round of each
    layer. Rules of the houses differ in the places of 5 to 7: the order here is unverified (high
    confidence); that of 1 to 4 was seen in the Swiss law.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Loss 500; margin 120, contribution 20, skin 15, fund 150, assessments 150, gains of 100:

    >>> gains = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "gains haircut"}
    >>> done = ccp(120, 20, 15, 150, 150).allocate(500, gains)
    >>> done.layers["absorbed"].tolist(), done.uncovered
    ([120.0, 20.0, 15.0, 150.0, 150.0, 45.0], 0.0)

    Source: Swiss Financial Market Infrastructure Act, art. 53 (order of 1 to 4; survivors' margin
    excluded); ESMA Q&A 886 (assessments limited in money or relative to the contribution) and 887
    (gains haircut pro rata is compatible with EMIR art. 45(4)); ISDA, CCP Loss Allocation at the
    End of the Waterfall, August 2013 (gains haircut, then tear-up; a summary was read); Cont
    (2015), J. Risk Manag. Financ. Inst. 8(4) (after the project's notes).
    """
    return _waterfall(margin, contribution, skin, default_fund, None, assessments, haircut, tear_up)


def ccp_emir(
    capital: float | None = None,
    share_of_capital: float = 0.25,
    second_share: float = 0.0,
    margin: float | None = None,
    contribution: float | None = None,
    default_fund: float | None = None,
    assessments: float | None = None,
    haircut: float = 1.0,
    tear_up: bool = False,
) -> Rule:
    """A clearing house under EMIR: as `ccp`, with skin in the game of 25 % of its minimum capital.

        skin = 25 % × capital;   with a second one, after the default fund: second_share × capital

    Parameters
    ----------
    capital : minimum capital, retained earnings and reserves included (EMIR art. 16), money;
        `None`: the skin is the claims in its layer.
    share_of_capital : at least 0.25 under EMIR; 0 to 1.
    second_share : 0, or since 2023 0.10 to 0.25 of the risk-based capital requirement (one figure
        stands for both bases here). Its place, after the default fund and before the
        assessments, is unverified (high confidence).
    margin, contribution, default_fund, assessments, haircut, tear_up : as in :func:`ccp`.

    Claims: as in :func:`ccp`, and with a second one the layer `second skin in the game`; on a
    graph that is a node of its own too.

    Raises
    ------
    RuleError : a parameter out of range; a second share without `capital`.

    Example
    -------
    Capital 60: skin 15, as in the example of `ccp`.

    >>> rule = ccp_emir(60, margin=120, contribution=20, default_fund=150, assessments=150)
    >>> rule.layer("skin in the game").capacity
    15.0

    Source: Commission Delegated Regulation (EU) 153/2013, art. 35(2), read (the 25 %; unverified
    in the project's notes); (EU) 2023/840, art. 1 (the second one), read in part; EMIR art. 45(4).
    """
    part = share(share_of_capital, "share_of_capital")
    more = share(second_share, "second_share")
    if capital is None:
        if more:
            raise RuleError("second_share needs capital=, the money that it is a share of.")
        skin = second = None
    else:
        own = money(capital, "capital")
        skin, second = part * own, more * own or None
    return _waterfall(
        margin, contribution, skin, default_fund, second, assessments, haircut, tear_up
    )


def _waterfall(
    margin: float | None,
    contribution: float | None,
    skin: float | None,
    default_fund: float | None,
    second: float | None,
    assessments: float | None,
    haircut: float,
    tear_up: bool,
) -> Rule:
    layers = [
        Layer(MARGIN, capacity=capacity(margin, "margin"), owner="defaulter"),
        Layer(CONTRIBUTION, capacity=capacity(contribution, "contribution"), owner="defaulter"),
        Layer(SKIN, capacity=capacity(skin, "skin"), owner="clearing house"),
        Layer(FUND, capacity=capacity(default_fund, "default_fund"), owner="survivors"),
        Layer(ASSESSMENTS, capacity=capacity(assessments, "assessments"), owner="survivors"),
        Layer(GAINS, at_most(share(haircut, "haircut"))),
    ]
    if second is not None:
        layers.insert(4, Layer(SECOND, capacity=second, owner="clearing house"))
    if tear_up:
        layers.append(Layer(TEAR_UP))
    return Waterfall(layers)


CATALOGUE = (
    Venue(
        "ccp",
        ccp,
        "Default waterfall of a clearing house",
        "FMIA art. 53; ESMA Q&A 886, 887; ISDA 2013",
        "2014",
        "partly unverified",
    ),
    Venue(
        "ccp_emir",
        ccp_emir,
        "Default waterfall with skin in the game of 25 % of capital",
        "Delegated Regulation (EU) 153/2013, art. 35",
        "2013",
        "partly unverified",
    ),
)
