"""EigenLayer: a slashing is borne by all delegators of the operator, pro rata.

An operator allocates a share of its magnitude to each set of a service. A service slashes a share
of that allocation (`slashed`); the shares of every delegator fall by the same factor, those with an
open withdrawal included (`rule`). Stake allocated to other services is not slashed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError
from ..rules.pro_rata import ProRata
from ..statistics.arrays import Numbers, answer, numbers
from .record import Document, Terms, Venue


def rule() -> ProRata:
    """EigenLayer: delegators of the operator and its open withdrawals, pro rata.

        loss_k = L shares_k / Σ shares

    Claims: one row per delegator (the operator's own stake is one) or open withdrawal that can
    still be slashed, `amount` in the token of the strategy.

    Example
    -------
    >>> from contagion.venues import eigenlayer
    >>> claims = {"claimant": ["operator", "staker", "leaving"], "amount": [100.0, 800.0, 100.0]}
    >>> eigenlayer.rule().allocate(50, claims).table["loss"].tolist()
    [5.0, 40.0, 5.0]

    Source: Layr-Labs/eigenlayer-contracts, AllocationManager.slashOperator and SlashingLib, read
    @ 014e2a0.
    """
    return ProRata()


@dataclass(frozen=True)
class Slashing:
    """The slashed shares, and the remaining allocation and magnitude.

    Attributes
    ----------
    part : fraction of all shares of the operator in the strategy that is slashed, 0 to 1.
    shares : shares that are taken: part × (delegated + open withdrawals).
    allocated : magnitude that remains allocated to the set.
    magnitude : remaining magnitude of the operator in the strategy.
    """

    part: Numbers
    shares: Numbers
    allocated: Numbers
    magnitude: Numbers


def slashed(
    shares: ArrayLike,
    allocated: ArrayLike,
    of: ArrayLike,
    *,
    magnitude: ArrayLike = 1.0,
    withdrawing: ArrayLike = 0.0,
) -> Slashing:
    """Slashing of a part of an operator's allocation to one set of a service.

        part = allocated × of / magnitude;  taken = part × (shares + withdrawing)
        allocated' = allocated (1 − of);  magnitude' = magnitude − allocated × of

    Parameters
    ----------
    shares : all shares that are delegated to the operator in the strategy, >= 0.
    allocated : magnitude that is allocated to the set, 0 to `magnitude`.
    of : part of the allocation that is slashed, 0 to 1.
    magnitude : magnitude of the operator after earlier slashings, 1 at the start, > 0.
    withdrawing : shares in withdrawals that can still be slashed, >= 0.

    Raises
    ------
    ArgumentError : an argument out of range.

    Example
    -------
    Half of the magnitude is allocated to one service, which slashes 20 % of it: 10 % of all shares.
    The next slashing of 20 % takes 0.08 of the remaining 0.9.

    >>> first = slashed(1_000, 0.5, 0.2, withdrawing=100)
    >>> first.part, first.shares, first.allocated, first.magnitude
    (0.1, 110.0, 0.4, 0.9)
    >>> round(slashed(900, 0.4, 0.2, magnitude=0.9).shares, 6)
    80.0

    Source: as for `rule`; the contract rounds the magnitude up.
    """
    held, left = numbers("shares", shares, 0), numbers("magnitude", magnitude, above=0)
    given, cut = numbers("allocated", allocated, 0), numbers("of", of, 0, 1)
    leaving = numbers("withdrawing", withdrawing, 0)
    if (given > left).any():
        raise ArgumentError("allocated must not be above magnitude: it is a part of it.")
    taken = given * cut
    part = taken / left
    return Slashing(*(
        answer(np.asarray(x), held, left, given, cut, leaving)
        for x in (part, part * (held + leaving), given - taken, left - taken)
    ))  # fmt: skip


CATALOGUE = (
    Venue(
        name="eigenlayer",
        build=rule,
        title="Delegators of the operator pro rata, open withdrawals included",
        documents=(
            Document(
                "Layr-Labs/eigenlayer-contracts @ 014e2a0, AllocationManager.sol (slashOperator)",
                "commit 014e2a0",
                "in full",
            ),
            Document(
                "Layr-Labs/eigenlayer-contracts @ 014e2a0, SlashingLib.sol",
                "commit 014e2a0",
                "in full",
            ),
        ),
        read="The functions of slashing; of the contract of allocations the part up to the sets.",
        simplified="Native ether of validators is also slashed by the chain itself, which is left "
        "out; slashed stake is burned, no party receives it.",
        terms=Terms(
            fund="none",
            basis="shares delegated to the operator, those of open withdrawals included",
            price="at once: the shares of every delegator fall by one factor",
            cap="the operator's allocation to the service",
            pause="the owner can pause slashing",
        ),
    ),
)
