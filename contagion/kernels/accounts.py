"""Accounts and their legs, and the accounts that are liquidated in some scenarios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POSITION, LOAN, MARGIN = 0, 1, 2


@dataclass(frozen=True)
class Accounts:
    """N accounts with L legs in A assets.

    Attributes
    ----------
    account, asset : (L,) of each leg; legs are sorted by account, and every account has one.
    units, weight : (L,) signed units, and their weight in the health of the account.
    fee : (L,) liquidation fee on the notional of a position, which goes to the venue.
    bonus : (L,) liquidation bonus of a loan on the collateral of this leg.
    cash : (N,) money.
    venue, holder : (N,) numbers of the venue and of the holder.
    kind : (N,) POSITION: the same share of every leg is closed; LOAN: a liquidator repays debt and
        takes collateral with a bonus; MARGIN: the venue sells assets to buy back the debts.
    close_factor : (N,) largest share of the position or debt closed by one liquidation.
    full_below : (N,) a loan with a health factor of at most this may be closed in full at once.
    reserve : (L,) number of the reserve (protocol × asset) to which a debt of a loan is owed, −1
        for every other leg.
    """

    account: np.ndarray
    asset: np.ndarray
    units: np.ndarray
    weight: np.ndarray
    fee: np.ndarray
    bonus: np.ndarray
    cash: np.ndarray
    venue: np.ndarray
    holder: np.ndarray
    kind: np.ndarray
    close_factor: np.ndarray
    full_below: np.ndarray
    reserve: np.ndarray

    @property
    def loan(self) -> np.ndarray:
        """(N,) bool, the account is a loan."""
        return np.asarray(self.kind == LOAN)

    @property
    def count(self) -> np.ndarray:
        """(N,) legs of each account."""
        return np.bincount(self.account, minlength=len(self.cash))


@dataclass(frozen=True)
class Pairs:
    """P pairs of a scenario and an account, with their Q legs in sequence.

    Attributes
    ----------
    scenario, account : (P,) of each pair.
    begin : (P,) first leg of each pair among the Q.
    owner : (Q,) the pair of each leg; row, leg : (Q,) scenario and number of the leg.
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
        """Build from pairs and, for every account, its first leg and its number of legs."""
        legs = count[account]
        if legs.sum() == len(account):
            own = np.arange(len(account))
            return Pairs(scenario, account, own, own, scenario, first[account])
        begin = np.cumsum(legs) - legs
        owner = np.repeat(np.arange(len(account)), legs)
        leg = np.arange(len(owner)) - begin[owner] + first[account][owner]
        return Pairs(scenario, account, begin, owner, scenario[owner], leg)

    def __len__(self) -> int:
        return len(self.account)

    def total(self, legs: np.ndarray) -> np.ndarray:
        """Sum over the legs of each pair, (Q,) to (P,)."""
        return legs if self._single(legs) else np.bincount(self.owner, legs, len(self))

    def least(self, legs: np.ndarray) -> np.ndarray:
        """Minimum over the legs of each pair, (Q,) to (P,)."""
        if self._single(legs):
            return legs
        return np.asarray(np.minimum.reduceat(legs, self.begin))

    def _single(self, legs: np.ndarray) -> bool:
        return len(legs) == len(self)  # one leg each, or no pairs
