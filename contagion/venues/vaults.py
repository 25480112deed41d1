"""Isolated markets and vaults: bad debt is shared pro rata where it is written down.

Where it is not (MetaMorpho v1.1, Euler vaults that do not socialize) shares keep their price, and
who withdraws first is whole: the same graph, two different losses. No layers are needed: all
claims on the node, with `claimant` and `amount` at the value of the shares, follow one rule. A
vault that supplies to a market is itself a node: it holds a claim on the market, and its
depositors hold claims on it.
"""

from __future__ import annotations

from ..errors import RuleError
from ..rules.order import FirstCome
from ..rules.proportional import PRO_RATA
from ..rules.rule import Rule
from .venue import Venue


def morpho_blue() -> Rule:
    """Morpho Blue: bad debt is pro rata on the suppliers of that market.

        loss_k = bad debt × supply_k / Σ supply

    When a liquidation takes the last collateral, the remaining debt leaves the total supply of
    the market in the same transaction. Other markets are not touched.

    Claims: all suppliers of one market; on a graph each market is a node.

    Simplified: a liquidator who leaves a crumb of collateral leaves the debt standing, and a
    hard-coded oracle means that nobody is liquidated; then the rule is not called.

    Example
    -------
    Collateral 80, debt 100, LLTV 86 %: bad debt 23.36 on 1,000 supplied, a haircut of 2.336 %.

    >>> claims = {"claimant": ["a", "b"], "amount": [750.0, 250.0]}
    >>> morpho_blue().allocate(23.36, claims).table["loss"].round(6).tolist()
    [17.52, 5.84]

    Source: morpho-org/morpho-blue, src/Morpho.sol (liquidate), read @ 0187e94.
    """
    return PRO_RATA


def metamorpho_v1_0() -> Rule:
    """MetaMorpho v1.0: a loss in a market lowers the share price, pro rata on the depositors.

        loss_k = L × shares_k / Σ shares

    Total assets are the sum of what the vault supplies to its markets, so a loss there is in the
    share price at once; the fee is charged on gains only.

    Claims: all depositors of the vault.

    Example
    -------
    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0]}
    >>> metamorpho_v1_0().allocate(10, claims).table["loss"].tolist()
    [6.0, 4.0]

    Source: morpho-org/metamorpho, src/MetaMorpho.sol (totalAssets, _accruedFeeShares), read @
    00da9ad, a version before v1.1; that it is the code of the vaults deployed as v1.0 is
    unverified (high confidence).
    """
    return PRO_RATA


def metamorpho_v1_1(by: str = "exit") -> Rule:
    """MetaMorpho v1.1: the loss is booked as lost assets, the share price stays.

        total assets = assets in the markets + lost assets;  paid in the order of the exits

    Early withdrawals are paid at the old price, and the last depositors find the vault empty.

    Parameters
    ----------
    by : column with the exit of the depositors, lowest first; empty: stays.

    Claims: all depositors of the vault, with the column `exit`.

    Simplified: nobody covers the lost assets (a curator may), withdrawals meet no lack of
    liquidity other than the loss.

    Example
    -------
    The loss of the example of `metamorpho_v1_0`, and b leaves first:

    >>> claims = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "exit": [None, 1]}
    >>> metamorpho_v1_1().allocate(10, claims).table["loss"].tolist()
    [10.0, 0.0]

    Source: morpho-org/metamorpho-v1.1, src/MetaMorphoV1_1.sol (_accruedFeeAndAssets, totalAssets),
    read @ 2316dcd.
    """
    return FirstCome(by)


def euler_v2(socialize: bool = True, by: str = "exit") -> Rule:
    """Euler v2: debt without collateral is socialized over all shares, or stays owed.

        socialize:  loss_k = remaining debt × shares_k / Σ shares;  else in the order of the exits

    After a liquidation that leaves the borrower no collateral the remaining debt is cancelled,
    unless the vault has the flag CFG_DONT_SOCIALIZE_DEBT: then it stays in the total assets, the
    share price stays, and whoever redeems first is whole.

    Parameters
    ----------
    socialize : False for vaults with that flag.
    by : column with the exit of the depositors; needed only without socialization.

    Claims: all depositors of the vault. On a graph shares of one vault that are collateral in
    another are claims of the second vault's borrowers: a loss here can break loans there without
    any move of a price.

    Simplified: fees accrued are shares like others. Newer versions socialize only debts above a
    minimal value (seen in texts about the code, not in the code: unverified).

    Raises
    ------
    RuleError : `socialize` that is neither true nor false.

    Example
    -------
    Collateral 80, debt 90, LTV 85 %, largest discount 15 %: repaid 68, and 22 are socialized.

    >>> claims = {"claimant": ["a", "b"], "amount": [600.0, 400.0], "exit": [1, None]}
    >>> euler_v2().allocate(22, claims).table["loss"].round(9).tolist()
    [13.2, 8.8]
    >>> euler_v2(socialize=False).allocate(22, claims).table["loss"].tolist()
    [0.0, 22.0]

    Source: euler-xyz/euler-vault-kit, src/EVault/modules/Liquidation.sol (executeLiquidation),
    read @ 0118010.
    """
    if not isinstance(socialize, bool):
        raise RuleError(f"socialize={socialize!r}: it is true or false.")
    return PRO_RATA if socialize else FirstCome(by)


CATALOGUE = (
    Venue(
        "morpho_blue",
        morpho_blue,
        "Pro rata on the suppliers of the market",
        "morpho-org/morpho-blue @ 0187e94",
        "2023",
        "verified",
    ),
    Venue(
        "metamorpho_v1_0",
        metamorpho_v1_0,
        "Loss in the share price, pro rata on depositors",
        "morpho-org/metamorpho @ 00da9ad",
        "2024",
        "partly unverified",
    ),
    Venue(
        "metamorpho_v1_1",
        metamorpho_v1_1,
        "Loss booked, share price kept: first come first served",
        "morpho-org/metamorpho-v1.1 @ 2316dcd",
        "2024",
        "verified",
    ),
    Venue(
        "euler_v2",
        euler_v2,
        "Pro rata over all shares of the vault, or left standing",
        "euler-xyz/euler-vault-kit @ 0118010",
        "2024",
        "partly unverified",
    ),
)
