"""Lending pools whose suppliers keep their claims when a borrower's debt is lost.

Nothing is written down, so who withdraws first is whole: the rule is first come, first served,
behind whatever pays before the suppliers.

All claims tables have the columns claimant, amount and layer, and for suppliers the place or time
of their exit (empty: stays). A capacity of `None` is the sum of the claims in the layer; 0 says
that there is nothing. On a graph the protocol is the node that the suppliers hold claims on, with
`layer` and `exit` as columns of the exposures.
"""

from __future__ import annotations

from ..rules.order import FirstCome
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from .shared_layers import at_most, capacity
from .venue import Venue, share


def aave_v3(
    offset: float | None = None, stake: float | None = None, fee: float = 0.0, by: str = "exit"
) -> Rule:
    """Aave v3 with Umbrella: DAO offset, stakers, then suppliers, first come first served.

        offset pays min(D, offset);  stakers pay min(D − offset, stake / (1 + fee));
        the rest D' stays a deficit: suppliers keep their claims, the last to leave lose D'

    A deficit is debt of a reserve left when a borrower has no collateral. It does not touch the
    index of the suppliers; it ends when aTokens are burned for it. Umbrella slashes
    (D − offset)(1 + fee) from the stake of that reserve, at most all of it, and covers in
    proportion. The fee goes to the protocol: stakers lose `1 + fee` times what the table says.

    Parameters
    ----------
    offset : deficit that is not slashed for, money; paid by the DAO.
    stake : what can be slashed, at the prices of the reserve's and the staked asset, money.
    fee : liquidation fee of the slashing configuration, 0 to 1.
    by : column with the exit of the suppliers.

    Claims: layers `offset` (the DAO), `stakers`, `suppliers` (column `exit`). On a graph the DAO
    and the stakers are nodes with claims in these layers; an offset without claims is the node's
    own equity. Each reserve is a node of its own: a stake of WETH covers WETH only, and chains
    without Umbrella have `stake=0`.

    Simplified: the DAO pays its offset at once (in fact by a decision, if at all; unpaid it falls
    on the suppliers), nothing is pending, the last units of a stake can be slashed.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Deficit 1,000, offset 100, stake 600: slash 600, left 300 and the offset:

    >>> claims = {"claimant": ["a", "b", "c"], "amount": [500.0, 300.0, 200.0],
    ...           "layer": "suppliers", "exit": [1, 2, None]}
    >>> done = aave_v3(offset=100, stake=600).allocate(1_000, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()[:3]
    ([100.0, 600.0, 300.0], [0.0, 100.0, 200.0])

    Source: aave-dao/aave-v3-origin, LiquidationLogic.sol (executeEliminateDeficit,
    _burnDebtTokens), read @ e4cc47e; aave-dao/aave-umbrella, Umbrella.sol (slash, _slashAsset,
    coverDeficitOffset), read @ 7c36ce3. That the DAO bears the offset: aave.com/help, "Umbrella".
    """
    part = 1 / (1 + share(fee, "fee"))
    slashable = capacity(stake, "stake")
    covered = None if slashable is None else slashable * part
    return Waterfall(
        [
            Layer("offset", capacity=capacity(offset, "offset"), owner="DAO"),
            Layer("stakers", at_most(part), capacity=covered),
            Layer("suppliers", FirstCome(by)),
        ]
    )


def aave_v2_safety_module(
    stake: float | None = None, slash: float = 0.30, by: str = "exit"
) -> Rule:
    """Aave with the legacy Safety Module: up to 30 % of the staked AAVE, then the suppliers.

        stakers lose min(L, slash × stake), pro rata;  suppliers the rest, first come first served

    Parameters
    ----------
    stake : staked AAVE at what its sale brings, money.
    slash : largest part of the stake that is taken, 0 to 1.
    by : column with the exit of the suppliers.

    Claims: layers `stakers`, `suppliers` (column `exit`). On a graph the stakers are nodes with
    claims of the whole stake; what is above the cap is lost last, after all suppliers.

    Simplified: slashing is a vote, it may not happen; the sale moves the price of AAVE; an issue
    of new AAVE after it is left out. Unverified (high confidence): the 30 %. Aave's page on the
    Safety Module says that stakers can be slashed for a deficit, and names no share.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    A shortfall of 500, 1,000 staked: stakers lose 300, and of two suppliers the one who stays 200.

    >>> claims = {"claimant": ["a", "b"], "amount": [600.0, 400.0], "layer": "suppliers",
    ...           "exit": [1, None]}
    >>> done = aave_v2_safety_module(stake=1_000).allocate(500, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()[:2]
    ([300.0, 200.0], [0.0, 200.0])

    Source: the project's notes on the legacy module; aave.com/docs, "Safety Module".
    """
    part = share(slash, "slash")
    staked = capacity(stake, "stake")
    taken = None if staked is None else staked * part
    return Waterfall(
        [
            Layer("stakers", at_most(part), capacity=taken),
            Layer("suppliers", FirstCome(by)),
        ]
    )


def compound_v3(reserves: float | None = None, by: str = "exit") -> Rule:
    """Compound v3: the reserves of the market, then suppliers, first come first served.

        reserves pay min(L, reserves);  suppliers the rest, the last to leave first

    An absorbed account is paid out of the reserves, which keep its collateral; when its sale
    brings less, the reserves (balance − supply + borrows, a signed number) fall and may be
    negative. The code has no path that writes suppliers down: who leaves first is whole.

    Parameters
    ----------
    reserves : reserves of the market in its base asset, money >= 0.
    by : column with the exit of the suppliers.

    Claims: layer `suppliers` (column `exit`). On a graph the reserves are the equity of the
    market's node, which loses first; the layer `reserves` then has no claims, and a market whose
    reserves are negative is a node with negative equity.

    Simplified: governance could put reserves of another market in; supply caps and pauses of
    withdrawals are left out.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Collateral absorbed for 98 and sold at 95; with empty reserves they are −3, and 3 are missing
    for whoever leaves last:

    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "suppliers",
    ...           "exit": [2, 1]}
    >>> compound_v3(reserves=0).allocate(98 - 95, claims).table["loss"].tolist()[:2]
    [3.0, 0.0]

    Source: compound-finance/comet, contracts/Comet.sol (getReserves, a signed number), read @
    17a6e7a; absorption as in `contagion.venues.compound_absorb`.
    """
    return Waterfall(
        [
            Layer("reserves", capacity=capacity(reserves, "reserves")),
            Layer("suppliers", FirstCome(by)),
        ]
    )


CATALOGUE = (
    Venue(
        "aave_v3",
        aave_v3,
        "DAO offset, Umbrella stakers, then suppliers first come first served",
        "aave-v3-origin @ e4cc47e, aave-umbrella @ 7c36ce3",
        "2025",
        "verified",
    ),
    Venue(
        "aave_v2_safety_module",
        aave_v2_safety_module,
        "Up to 30 % of the Safety Module, then suppliers first come first served",
        "the project's notes; aave.com/docs, Safety Module",
        "2020",
        "unverified",
    ),
    Venue(
        "compound_v3",
        compound_v3,
        "Reserves, then suppliers first come first served",
        "compound-finance/comet @ 17a6e7a",
        "2022",
        "verified",
    ),
)
