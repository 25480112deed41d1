"""Contingent claims: the debt of a guarantor equals the loss that it covers.

A cover is due to the extent that segments of the debtor are unpaid, `call_q = Σ_s trigger_sq y_s`,
and the creditor bears the part that the guarantor does not pay. Support absorbs losses up to the
payments of its guarantors; the ladder of the debtor bears the remainder. See
:mod:`clearing_calls` for the fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shares import Shares

SENIOR, PARI_PASSU, JUNIOR = 0, 1, 2


@dataclass(frozen=True)
class Calls:
    """Q contingent claims.

    Attributes
    ----------
    guarantor, debtor, beneficiary : (Q,) nodes; the beneficiary is the debtor itself for support
        that is paid into it, otherwise the creditor whose loss is covered.
    cap : (Q,) the largest amount that can be called, money.
    ranking : (Q,) SENIOR, PARI_PASSU or JUNIOR.
    trigger : (S, Q) share of the unpaid amount of a segment that is called.
    face : (Q,) claims of the creditor on the debtor, money; 0 for support.
    first : (Q,) bool, support that is called directly after the equity is lost.
    """

    guarantor: np.ndarray
    debtor: np.ndarray
    beneficiary: np.ndarray
    cap: np.ndarray
    ranking: np.ndarray
    trigger: Shares
    face: np.ndarray
    first: np.ndarray

    @property
    def support(self) -> np.ndarray:
        """(Q,) bool: paid into the debtor."""
        return np.asarray(self.beneficiary == self.debtor)

    @property
    def first_segments(self) -> np.ndarray:
        """(S,) bool: segments of support that are called directly after the equity is lost."""
        return self.trigger.onto(np.where(self.first, 0, -1), 1).totals() > 0


def by_node(at: np.ndarray, money: np.ndarray, n: int) -> np.ndarray:
    """Sum values (..., Q) of claims by their nodes `at` (Q,), to (..., n).

    >>> by_node(np.array([1, 1]), np.array([[1.0, 2.0], [3.0, 4.0]]), 2).tolist()
    [[0.0, 3.0], [0.0, 7.0]]
    """
    lead = money.shape[:-1]
    rows = int(np.prod(lead))
    place = (n * np.arange(rows)[:, None] + at).ravel()
    return np.bincount(place, money.ravel(), rows * n).reshape(*lead, n)
