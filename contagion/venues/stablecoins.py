"""Stablecoins: who stands behind the debt of a borrower whose collateral is not enough.

Claims tables have the columns claimant, amount and layer. A capacity of `None` is the sum of the
claims in the layer; 0 says that there is nothing.
"""

from __future__ import annotations

from ..rules.proportional import PRO_RATA, ProRata
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..text import choice
from .shared_layers import at_most, capacity
from .venue import Venue, share


def liquity_v1(mode: str = "normal", collateral_ratio: float = 0.0, stake: str = "stake") -> Rule:
    """Liquity v1: the stability pool, pro rata to its deposits; then the other troves, by stake.

        pool takes min(D, P), depositor k: × deposit_k / P;   troves the rest × stake_k / Σ stake

    Shares the debt D of a liquidated trove. Its collateral C follows the debt (depositor k gets
    C × its part of D), so that by default the table says who takes over how much debt. With
    `collateral_ratio` = C / D the table is about the net loss L = D − C instead, of which a
    depositor bears at most (1 − C/D) of its deposit: the same parts.

    Parameters
    ----------
    mode : "normal"; or "recovery", for troves with C <= D in recovery mode: these are
        redistributed in full and the pool takes nothing.
    collateral_ratio : C / D, 0 to 1; above 1 nobody loses.
    stake : column with the stakes of the troves (their collateral, corrected for
        redistributions that they have not been credited with).

    Claims: layers `stability pool` (amount: deposit in LUSD) and `troves` (amount: the most it
    can lose, its collateral less its debt, and the column `stake`). On a graph the protocol is the
    node; depositors and trove owners hold claims on it in these layers, LUSD holders claims in no
    layer, which lose last. Use `collateral_ratio` there, since a node shares money that is missing.

    Simplified: a trove that has lost all its equity takes no more, the others take its part
    (in the contract it is liquidated in turn); gas compensation is left out; so are troves above
    110 % in recovery mode, whose liquidation costs nobody but their owner.

    Raises
    ------
    RuleError : an unknown mode, a ratio out of range.

    Example
    -------
    Debt of 1,000, deposits of 100 and 300, stakes of 1,000 and 3,000:

    >>> claims = {"claimant": ["a", "b", "x", "y"], "amount": [100.0, 300.0, 900.0, 2_000.0],
    ...     "layer": ["stability pool"] * 2 + ["troves"] * 2, "stake": [None, None, 1_000, 3_000]}
    >>> liquity_v1().allocate(1_000, claims).table["loss"].tolist()
    [100.0, 300.0, 150.0, 450.0]
    >>> liquity_v1("recovery").allocate(1_000, claims).table["loss"].tolist()
    [0.0, 0.0, 250.0, 750.0]

    Source: liquity/dev, packages/contracts/contracts/TroveManager.sol
    (_getOffsetAndRedistributionVals, _liquidateRecoveryMode), read @ 048ae7a.
    """
    choice(mode, ("normal", "recovery"), "mode")
    pool = None if mode == "normal" else 0.0
    part = 1 - share(collateral_ratio, "collateral_ratio")
    return Waterfall(
        [
            Layer("stability pool", at_most(part), capacity=pool),
            Layer("troves", ProRata(stake)),
        ]
    )


def maker(surplus: float | None = None, mkr: float | None = None) -> Rule:
    """MakerDAO: the surplus buffer, then MKR holders by dilution, DAI holders last.

        surplus heals min(L, surplus);  debt auctions raise min(rest, mkr) by minting MKR;
        the rest is borne by DAI, pro rata, when the system is shut down

    Bad debt is healed with surplus as far as there is any. Only when the surplus is 0 a debt
    auction (flop) sells new MKR, in lots of `sump` DAI; old holders bear it in proportion to what
    they hold. In an emergency shutdown every DAI gets the same basket of collateral.

    MKR minted = amount raised / price. `contagion.venues.dilution` gives it and the share that
    the new MKR take, `flop_lot` the mechanics of the auction: it starts at 250 MKR, each bid asks
    for at least 5 % less, a round without a bid adds 50 %.

    Parameters
    ----------
    surplus : surplus buffer, DAI.
    mkr : the most that the auctions can raise, DAI.

    Claims: layers `mkr` (amount: value of the MKR held) and `dai` (amount: DAI held). On a graph
    the surplus is the equity of the node and needs no claims; MKR holders are nodes of their own
    with claims in layer `mkr`, since they come after it.

    Simplified: auctions work at one price and without limit of time; debt below one lot waits in
    fact; without a shutdown DAI trades below par instead of a haircut. That DAI holders come last
    holds for a shutdown only; governance may also leave the debt standing.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> claims = {"claimant": ["m", "n", "d"], "amount": [60.0, 20.0, 1_000.0],
    ...           "layer": ["mkr", "mkr", "dai"]}
    >>> done = maker(surplus=10).allocate(50, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()
    ([10.0, 40.0, 0.0], [30.0, 10.0, 0.0, 10.0])

    Source: makerdao/dss, src/vow.sol (heal, flop) and src/end.sol (flow: cash price of DAI), read
    @ 016178e; the mechanics of the auction as in `contagion.venues.flop_lot`.
    """
    return Waterfall(
        [
            Layer("surplus", capacity=capacity(surplus, "surplus")),
            Layer("mkr", PRO_RATA, capacity=capacity(mkr, "mkr")),
            Layer("dai"),
        ]
    )


CATALOGUE = (
    Venue(
        "liquity_v1",
        liquity_v1,
        "Stability pool pro rata, then other troves by stake",
        "liquity/dev @ 048ae7a",
        "2021",
        "verified",
    ),
    Venue(
        "maker",
        maker,
        "Surplus buffer, MKR dilution, then DAI",
        "makerdao/dss @ 016178e",
        "2019",
        "verified",
    ),
)
