"""MakerDAO: the surplus buffer, debt auctions that mint MKR, DAI last.

Since 2019 bad debt is healed with surplus (`settlement`). When the surplus is used up, debt
auctions sell new MKR (`flop_lot`) and dilute its holders (`dilution`). In an emergency shutdown DAI
holders bear the remainder. As a rule that shares the loss: `rule`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..rules.pro_rata import PRO_RATA
from ..rules.rule import Rule
from ..rules.waterfall import Layer, Waterfall
from ..statistics.arrays import Numbers, answer, numbers, ratio
from .parameters import capacity
from .record import Document, Terms, Venue


def rule(surplus: float | None = None, mkr: float | None = None) -> Rule:
    """MakerDAO: the surplus buffer, then MKR holders by dilution, DAI holders last.

        surplus heals min(L, surplus);  debt auctions raise min(rest, mkr) by minting MKR;
        the rest is borne by DAI, pro rata, when the system is shut down

    Bad debt is healed with surplus, if there is any. Only when the surplus is 0, a debt auction
    (flop) sells new MKR, in lots of `sump` DAI; old holders bear it in proportion to their
    holdings. In an emergency shutdown every DAI receives the same basket of collateral.

    MKR minted = amount raised / price. `dilution` gives this number and the share of the new MKR,
    `flop_lot` the mechanics of the auction: it starts at 250 MKR, each bid asks for at least 5 %
    less, a round without a bid adds 50 %.

    Parameters
    ----------
    surplus : surplus buffer, DAI.
    mkr : largest amount that the auctions can raise, DAI.

    Claims: layers `mkr` (amount: value of the MKR held) and `dai` (amount: DAI held). On a graph
    the surplus is the equity of the node and needs no claims; MKR holders are separate nodes with
    claims in layer `mkr`, since they lose after the surplus.

    DAI holders lose only in a shutdown; governance may also leave the debt unpaid.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    >>> from contagion.venues import maker
    >>> claims = {"claimant": ["m", "n", "d"], "amount": [60.0, 20.0, 1_000.0],
    ...           "layer": ["mkr", "mkr", "dai"]}
    >>> done = maker.rule(surplus=10).allocate(50, claims)
    >>> done.layers["absorbed"].tolist(), done.table["loss"].tolist()
    ([10.0, 40.0, 0.0], [30.0, 10.0, 0.0, 10.0])

    Source: makerdao/dss, src/vow.sol (heal, flop) and src/end.sol (flow: cash price of DAI), read
    @ 016178e; the mechanics of the auction as in `flop_lot`.
    """
    return Waterfall(
        [
            Layer("surplus", capacity=capacity(surplus, "surplus")),
            Layer("mkr", PRO_RATA, capacity=capacity(mkr, "mkr")),
            Layer("dai"),
        ]
    )


@dataclass(frozen=True)
class Settlement:
    """Bad debt and surplus of Maker after they are offset, in DAI.

    Attributes
    ----------
    healed : debt that the surplus cancelled.
    debt : remaining debt.
    surplus : remaining surplus.
    debt_auctions : lots of size `sump` that can be auctioned now (flop, MKR is minted).
    surplus_auctions : lots of size `bump` that can be auctioned now (flap, MKR is bought).
    """

    healed: Numbers
    debt: Numbers
    surplus: Numbers
    debt_auctions: Numbers
    surplus_auctions: Numbers


def settlement(
    debt: ArrayLike, surplus: ArrayLike, *, sump: ArrayLike, bump: ArrayLike, hump: ArrayLike
) -> Settlement:
    """The vow of MakerDAO: bad debt against surplus, then auctions of either.

    healed = min(debt, surplus); debt auctions only with surplus 0 and one lot of debt or more:
    ⌊debt / sump⌋; surplus auctions only with no debt and above the buffer:
    ⌊(surplus − hump) / bump⌋. Debt below one lot is not auctioned yet.

    Parameters
    ----------
    debt : bad debt that has left the queue and is not in an auction, DAI, >= 0.
    surplus : surplus buffer, DAI, >= 0.
    sump, bump : lot of a debt and of a surplus auction, DAI, > 0. hump : surplus that is kept,
        >= 0. Governance sets all three, so there are no defaults.

    Raises
    ------
    ArgumentError : an amount out of range.

    Example
    -------
    >>> vow = settlement([180, 20, 0], [60, 60, 500], sump=50, bump=10, hump=450)
    >>> vow.healed, vow.debt, vow.surplus
    (array([60., 20.,  0.]), array([120.,   0.,   0.]), array([  0.,  40., 500.]))
    >>> vow.debt_auctions, vow.surplus_auctions
    (array([2., 0., 0.]), array([0., 0., 5.]))

    Source: makerdao/dss, src/vow.sol (heal, flop, flap), read @ 016178e.
    """
    owed, held = numbers("debt", debt, 0), numbers("surplus", surplus, 0)
    lot, sale = numbers("sump", sump, above=0), numbers("bump", bump, above=0)
    keep = numbers("hump", hump, 0)
    healed = np.minimum(owed, held)
    left, over = owed - healed, held - healed
    # One of `left` and `over` is zero, so the two kinds of auction exclude each other.
    flops = np.floor(left / lot)
    flaps = np.floor(np.maximum(over - keep, 0.0) / sale)
    return Settlement(
        answer(healed, owed, held),
        answer(left, owed, held),
        answer(over, owed, held),
        answer(flops, owed, held, lot),
        answer(flaps, owed, held, sale, keep),
    )


def flop_lot(
    dump: ArrayLike,
    *,
    bids: ArrayLike = 0,
    empty_rounds: ArrayLike = 0,
    beg: float = 1.05,
    pad: float = 1.5,
) -> Numbers:
    """MKR that a debt auction mints after rounds without a bid and a number of minimum bids.

    lot = dump × pad^empty_rounds / beg^bids

    The amount of DAI raised is fixed (`sump`); each bid asks for at least 5 % less MKR, and an
    auction that ends without a bid is restarted with 50 % more.

    Parameters
    ----------
    dump : lot at the start, MKR, > 0 (250 on mainnet, set by governance).
    bids : number of bids, each of the smallest allowed step, >= 0.
    empty_rounds : times that the auction was restarted before the first bid, >= 0.
    beg, pad : settings of the contract, >= 1.

    Returns
    -------
    The largest lot that the contract can mint then, MKR.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    >>> round(flop_lot(250, bids=3), 2), flop_lot(250, empty_rounds=2)
    (215.96, 562.5)

    Source: makerdao/dss, src/flop.sol (dent, tick), read @ 03c6df6.
    """
    start, steps = numbers("dump", dump, above=0), numbers("bids", bids, 0)
    rounds = numbers("empty_rounds", empty_rounds, 0)
    step, more = numbers("beg", beg, 1), numbers("pad", pad, 1)
    return answer(start * more**rounds / step**steps, start, steps, rounds, step, more)


@dataclass(frozen=True)
class Dilution:
    """New tokens and the dilution of old holders: `minted` tokens, `share` of the new supply."""

    minted: Numbers
    share: Numbers


def dilution(shortfall: ArrayLike, price: ArrayLike, supply: ArrayLike) -> Dilution:
    """Tokens minted to raise a shortfall at an average price, and their share of the new supply.

    minted = shortfall / price; share = minted / (supply + minted)

    Parameters
    ----------
    shortfall : amount to be raised, >= 0.
    price : average price per token in the auctions, an amount > 0.
    supply : tokens before the auctions, >= 0.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    5.3m DAI at 252.6 on about one million MKR (March 2020; figures unverified, medium
    confidence).

    >>> black_thursday = dilution(5.3e6, 252.6, 1e6)
    >>> round(black_thursday.minted), round(black_thursday.share, 4)
    (20982, 0.0206)

    Source: arithmetic; figures after the project's notes.
    """
    due, at = numbers("shortfall", shortfall, 0), numbers("price", price, above=0)
    before = numbers("supply", supply, 0)
    minted = due / at
    return Dilution(
        answer(minted, due, at), answer(ratio(minted, before + minted, 0.0), due, at, before)
    )


CATALOGUE = (
    Venue(
        name="maker",
        build=rule,
        title="Surplus buffer, MKR dilution, then DAI",
        documents=(
            Document("makerdao/dss @ 016178e, vow.sol and end.sol", "2019", "in full"),
            Document("makerdao/dss @ 03c6df6, flop.sol", "2019", "in full"),
        ),
        read="The code of surplus and debt (vow), of the shutdown (end) and of the debt "
        "auction (flop).",
        simplified="Auctions work at one price and without limit of time; in fact debt below "
        "one lot waits, and without a shutdown DAI trades below par instead of "
        "taking a haircut.",
        terms=Terms(
            fund="surplus buffer",
            basis="MKR held, then DAI held",
            price="price of MKR in the debt auction; a basket in a shutdown",
            cap="no cap",
            pause="breaker of the auctions in four levels; emergency shutdown",
        ),
    ),
)
