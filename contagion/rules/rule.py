"""The base of every rule: a frozen dataclass that turns claims into a ladder of segments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..errors import RuleError
from ..kernels.ladder import Ladder
from . import claims as tables
from .allocation import Allocation, Rounding, rounded
from .claims import Claims


@dataclass(frozen=True, repr=False)
class Rule(ABC):
    """How a node shares a shortfall among the claims on it.

    Two faces that agree: :meth:`allocate` for one venue and a table of claims, :meth:`segments`
    for the clearing kernel. Rules are frozen, compare equal and can be keys. `word` is the name
    in TOML files and on the command line.
    """

    word: ClassVar[str]

    @abstractmethod
    def segments(self, claims: Claims) -> Ladder:
        """The rule on the claims of one or many venues: segments in the order in which they lose.

        A ladder need not use the claims up: what no segment takes is *uncovered*.
        """

    def layers(self, claims: Claims) -> tuple[list[str], np.ndarray]:
        """Names of the layers in the order in which they lose, and the layer of each claim (K,).

        -1 marks a claim that is in no layer. The numbers are those of `Ladder.stage`.
        """
        return [self.word.replace("_", " ")], np.zeros(len(claims), np.int64)

    def prepared(self, table: pd.DataFrame, claims: Claims) -> tuple[pd.DataFrame, Claims]:
        """The claims of one venue with what the rule itself brings (own money of a waterfall)."""
        return table, claims

    def allocate(
        self,
        loss: float,
        claims: Any,
        *,
        lot: float | None = None,
        rounding: Rounding = "down",
    ) -> Allocation:
        """Share a loss among the claims on one venue.

        Parameters
        ----------
        loss : money >= 0 that has to be borne.
        claims : table with one row a claim: claimant, amount (money), `layer` for a waterfall,
            and the columns the rule asks for. pandas, or anything narwhals reads.
        lot : losses come in whole multiples of this (contracts, say); `None`: any amount.
        rounding : "down" leaves what does not fill a lot uncovered; "largest_remainder" then
            gives the missing lots to the largest remainders, as far as they fit.

        Returns
        -------
        Allocation

        Raises
        ------
        RuleError
            For a loss that is negative or not finite, claims that are not usable, or a column
            that the rule needs and the table does not have.

        Example
        -------
        >>> import pandas as pd
        >>> from contagion import rules
        >>> claims = pd.DataFrame({"claimant": ["a", "b"], "amount": [30.0, 10.0]})
        >>> rules.ProRata().allocate(8, claims).table["loss"].tolist()
        [6.0, 2.0]
        """
        if not (np.isfinite(loss) and loss >= 0):
            raise RuleError(f"The loss is {loss}; it has to be money >= 0.")
        if lot is not None and not (np.isfinite(lot) and lot > 0):
            raise RuleError(f"lot={lot}: a lot is money > 0.")
        given, claims = tables.read(claims)
        table, claims = self.prepared(given, claims)
        names, layer = self.layers(claims)
        ladder = self.segments(claims)
        lost = ladder.shares.spread(ladder.taken(np.array([float(loss)])))
        lost = np.clip(lost, 0.0, claims.amount)
        if lot is not None:
            lost = rounded(lost, claims.amount, layer, lot, rounding)
        capacity = np.bincount(ladder.stage, ladder.width, len(names))
        own = len(table) - len(given)
        return Allocation.of(
            self, float(loss), table, claims.amount, lost, names, layer, capacity, own
        )

    def __repr__(self) -> str:
        given = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"


def nested(rule: Any, holder: str) -> None:
    """Refuse what cannot be a rule inside another rule: no rule at all, or a waterfall.

    A waterfall has layers of the whole venue and own money; inside a tier, a cap or a layer
    those would be lost without a word.
    """
    if not isinstance(rule, Rule):
        raise RuleError(f"{holder}: {rule!r} is not a rule. Write it as rules.ProRata(), say.")
    if rule.word == "waterfall":
        raise RuleError(
            f"{holder} cannot hold a waterfall. Put {holder} into a layer of the waterfall: "
            "Layer(name, rule)."
        )
