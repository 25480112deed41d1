"""The base of valuation functions: parameters by node, and the curve of one debtor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import ArgumentError
from ..kernels.valuation import Terms, Valued
from .parameters import Parameters


@dataclass(frozen=True, repr=False)
class Valuation(Parameters, ABC):
    """The value of a claim of face value 1, given the equity E of its debtor.

    V lies in [0, 1] and does not fall when E rises ("feasible" in the paper). A subclass implements
    :meth:`missing`. Class attributes: `by_claim` (the payment on a claim depends on its rank at the
    debtor, so that rules and external creditors matter; otherwise one rate per debtor),
    `ex_ante` (claims can lose value without a shock), `strict` (default when equity is below 0;
    otherwise also at 0), `jumps` (V jumps at default), `by_loss` (V depends on the loss relative to
    the equity before; if that equity is 0, any loss is a total loss), `by_lgd` (the column `lgd` of
    a claim overrides 1 − recovery of its debtor), `by_node` (the valid range of every field that
    may differ by node).
    """

    room: ClassVar[str] = "valuations."
    by_claim: ClassVar[bool] = False
    ex_ante: ClassVar[bool] = False
    jumps: ClassVar[bool] = False
    by_loss: ClassVar[bool] = False
    by_lgd: ClassVar[bool] = False
    strict = True

    @abstractmethod
    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """`y = width · (1 − V(E))` and `−dy/dE`, arrays (S, B).

        The slopes speed up the iteration where V is first convex and then concave in E; a sum of
        functions of this shape may be returned as arrays (parts, S, B). Slopes of 0 are always
        valid, only slower.

        Parameters
        ----------
        terms : the claims; `terms.given` has the parameters, (S, 1) each.
        equity, default : (S, B) of the debtor of each claim.
        """

    def value(
        self,
        equity: float | Sequence[float] | np.ndarray,
        *,
        debts: float = 1.0,
        external_liabilities: float = 0.0,
        external_assets: float = 0.0,
        book_equity: float = 1.0,
    ) -> np.ndarray:
        """V for one or more values of the equity of one debtor, in [0, 1].

        Parameters
        ----------
        equity : money, any shape.
        debts, external_liabilities : of the debtor; external creditors rank first. Money.
        external_assets : after the shock, money (Rogers–Veraart, Merton, Black–Cox).
        book_equity : at face value before the shock, money (DebtRank).

        Example
        -------
        >>> from contagion.models.valuations import EisenbergNoe
        >>> EisenbergNoe().value([1.0, -1.0, -5.0], debts=2.0)
        array([1. , 0.5, 0. ])
        """
        at = np.asarray(equity, float)
        row = at.reshape(1, -1)
        one = np.ones((1, 1))
        start, width = (external_liabilities, debts) if self.by_claim else (0.0, 1.0)
        terms = Terms(
            start * one,
            width * one,
            (external_liabilities + debts) * one,
            0.0 * one,
            book_equity * one,
            np.full(row.shape, external_assets),
            {name: self._number(name) * one for name in self.by_node},
        )
        missing, _ = self.missing(terms, row, row < 0 if self.strict else row <= 0)
        whole = missing.sum(axis=0) if missing.ndim == 3 else missing
        return np.asarray((1.0 - whole / (width or 1.0)).reshape(at.shape))

    def _number(self, name: str) -> float:
        value = getattr(self, name)
        if not isinstance(value, float):
            raise ArgumentError(f"The curve is that of one debtor: give one number as {name}.")
        return value
