"""Accounts with their legs, and those of them that are liquidated in some scenarios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Accounts:
    """N accounts with L legs in A assets.

    Attributes
    ----------
    account, asset : (L,) of each leg; legs are sorted by account, and every account has one.
    units, weight : (L,) signed units, and their weight in the health of the account.
    fee : (L,) liquidation fee on the notional of a position, which goes to the venue.
    cash : (N,) money.
    venue, holder : (N,) numbers of the venue and of the holder.
    loan : (N,) bool, a loan: a liquidator repays debt and takes collateral with a bonus.
    close_factor, bonus : (N,) part of the position or debt that one liquidation closes at most,
        discount of the liquidator.
    full_below : (N,) a loan whose health factor is at most this may be closed at once.
    """

    account: np.ndarray
    asset: np.ndarray
    units: np.ndarray
    weight: np.ndarray
    fee: np.ndarray
    cash: np.ndarray
    venue: np.ndarray
    holder: np.ndarray
    loan: np.ndarray
    close_factor: np.ndarray
    bonus: np.ndarray
    full_below: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """P accounts, each of one scenario, with their Q legs one after the other.

    Attributes
    ----------
    scenario, account : (P,) what each pair is.
    begin : (P,) its first leg among the Q.
    owner : (Q,) the pair of each leg; row, leg : (Q,) its scenario and its number.
    """

    scenario: np.ndarray
    account: np.ndarray
    begin: np.ndarray
    owner: np.ndarray
    row: np.ndarray
    leg: np.ndarray

    @staticmethod
    def of(
        scenario: np.ndarray, account: np.ndarray, first: np.ndarray, count: np.ndarray
    ) -> Pairs:
        """From pairs and, for every account, its first leg and how many there are."""
        legs = count[account]
        begin = np.cumsum(legs) - legs
        owner = np.repeat(np.arange(len(account)), legs)
        leg = np.arange(len(owner)) - begin[owner] + first[account][owner]
        return Pairs(scenario, account, begin, owner, scenario[owner], leg)

    def __len__(self) -> int:
        return len(self.account)

    def total(self, legs: np.ndarray) -> np.ndarray:
        """(Q,) to (P,)."""
        return np.asarray(np.add.reduceat(legs, self.begin)) if len(self) else np.zeros(0)
