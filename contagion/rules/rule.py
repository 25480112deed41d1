"""The base of every rule, and the allocation that it returns for one venue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from ..errors import RuleError
from ..kernels.ladder import Ladder
from ..media import notebook, shown
from ..text import choice, percent, same_scale
from . import claims as tables
from .claims import Claims

Rounding = Literal["down", "largest_remainder"]


@dataclass(frozen=True, repr=False)
class Rule(ABC):
    """How a node shares a shortfall among the claims on it.

    :meth:`allocate` applies it to one venue and a table of claims, :meth:`segments` to the clearing
    kernel, with the same result. Rules are immutable and hashable, and compare by value. `word` is
    the name in TOML files and on the command line.
    """

    word: ClassVar[str]

    @abstractmethod
    def segments(self, claims: Claims) -> Ladder:
        """The rule on the claims of one or many venues: segments in the order in which they lose.

        The layers need not absorb the whole loss; the remainder is *uncovered*.
        """

    def layers(self, claims: Claims) -> tuple[list[str], np.ndarray]:
        """Names of the layers in the order in which they lose, and the layer of each claim (K,).

        -1 marks a claim without a layer. The numbers are those of `Ladder.stage`.
        """
        return [self.word.replace("_", " ")], np.zeros(len(claims), np.int64)

    def prepared(self, table: pd.DataFrame, claims: Claims) -> tuple[pd.DataFrame, Claims]:
        """The claims of one venue, with rows that the rule adds (own funds of a waterfall)."""
        return table, claims

    def allocate(
        self,
        loss: float,
        claims: Any,
        *,
        lot: float | None = None,
        rounding: Rounding = "down",
        unit: str = "",
    ) -> Allocation:
        """Share a loss among the claims on one venue.

        Parameters
        ----------
        loss : money >= 0 that has to be borne.
        claims : table with one row a claim: claimant, amount (money), `layer` for a waterfall,
            and the columns that the rule needs. pandas, or anything narwhals reads.
        lot : losses are whole multiples of this, such as contracts; `None`: any amount.
        rounding : "down" leaves parts of a lot uncovered; "largest_remainder" then allocates the
            missing lots to the largest remainders whose claims are large enough.
        unit : unit of the loss and the claims, for texts and figures, e.g. "USD m".

        Returns
        -------
        Allocation

        Raises
        ------
        RuleError
            For a loss that is negative or not finite, invalid claims, or a missing column that
            the rule needs.

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
            self, float(loss), table, claims.amount, lost, names, layer, capacity, own, unit
        )

    @shown
    def __repr__(self) -> str:
        given = [
            f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
            if getattr(self, f.name) != f.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def _repr_html_(self) -> str:
        said = (type(self).__doc__ or "").partition("\n\n")[0].replace("`", "")
        return notebook(f"{self!r}\n{' '.join(said.split())}")


@dataclass(frozen=True, eq=False, repr=False)
class Allocation:
    """The allocation of a loss. `table.loss` and `uncovered` sum to the loss, as do the layers.

    Attributes
    ----------
    rule : the rule applied.
    loss : money that had to be borne.
    table : one row a claim: claimant, layer, amount, loss, paid (money).
    layers : one row a layer in the order in which they lose: layer, capacity, absorbed (money).
    uncovered : losses that the rule allocates to no layer, in money.
    unit : unit of the amounts.
    """

    rule: Rule
    loss: float
    table: pd.DataFrame
    layers: pd.DataFrame
    uncovered: float
    own: int = 0  # last rows of the table that are own funds of the venue
    unit: str = ""

    @classmethod
    def of(
        cls,
        rule: Rule,
        loss: float,
        table: pd.DataFrame,
        amount: np.ndarray,
        lost: np.ndarray,
        names: list[str],
        layer: np.ndarray,
        capacity: np.ndarray,
        own: int = 0,
        unit: str = "",
    ) -> Allocation:
        """From arrays over claims (K,) and layers."""
        frame = pd.DataFrame(
            {
                "claimant": table["claimant"].to_numpy(),
                "layer": np.array([*names, "no layer"], object)[layer],
                "amount": amount,
                "loss": lost,
                "paid": amount - lost,
            }
        )
        inside = layer >= 0
        absorbed = np.bincount(layer[inside], lost[inside], len(names))
        layers = pd.DataFrame({"layer": names, "capacity": capacity, "absorbed": absorbed})
        uncovered = loss - float(lost.sum())
        if abs(uncovered) <= 1e-12 * loss:
            uncovered = 0.0
        return cls(rule, loss, frame, layers, uncovered, own, unit)

    @property
    def fairness(self) -> dict[str, float]:
        """Four statistics of the allocation; dimensionless, nan without a loss.

        share_of_claims_taken = Σ loss / Σ amount over the claims with a loss and those in the same
        layer as a claim with a loss; largest_haircut = max loss / amount;
        concentration = Σ (loss_k / Σ loss)², the Herfindahl–Hirschman index by claimant;
        bearers = number of claimants with a loss. Own funds of the venue (a layer without claims)
        belong to no claimant and do not count.

        >>> from contagion import rules
        >>> claims = {"claimant": ["a", "b"], "amount": [30.0, 10.0]}
        >>> rules.ProRata().allocate(8, claims).fairness["concentration"]     # (6² + 2²) / 8²
        0.625
        """
        frame = self.table.iloc[: len(self.table) - self.own]
        total = float(frame["loss"].sum())
        nothing = float("nan")
        if total <= 0:
            keys = ("share_of_claims_taken", "largest_haircut", "concentration")
            return {**dict.fromkeys(keys, nothing), "bearers": 0.0}
        hit = frame["layer"].isin(frame.loc[frame["loss"] > 0, "layer"])
        lost = frame["loss"].to_numpy()
        amount = frame["amount"].to_numpy()
        by = frame.groupby("claimant", sort=False)["loss"].sum().to_numpy()
        return {
            "share_of_claims_taken": total / float(amount[hit].sum()),
            "largest_haircut": float((lost[amount > 0] / amount[amount > 0]).max()),
            "concentration": float(((by / total) ** 2).sum()),
            "bearers": float((by > 0).sum()),
        }

    @shown
    def __repr__(self) -> str:
        say = same_scale([self.loss, self.uncovered, *self.layers["absorbed"]], self.unit)
        lines = [f"{self.rule!r}: loss {say(self.loss)}, uncovered {say(self.uncovered)}"]
        for name, capacity, absorbed in self.layers.itertuples(index=False):
            part = percent(absorbed / capacity) if capacity > 0 else "–"
            lines.append(f"  {name}: {say(absorbed)} of {say(capacity)} ({part})")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook(repr(self), self.table.head(20))


def rounded(
    lost: np.ndarray, amount: np.ndarray, layer: np.ndarray, lot: float, rounding: Rounding
) -> np.ndarray:
    """Losses (K,) in whole lots, never above the claim; layers keep their order.

    >>> rounded(np.array([2.5, 2.5]), np.array([9.0, 9.0]), np.zeros(2, int), 1.0, "down")
    array([2., 2.])
    """
    choice(rounding, ("down", "largest_remainder"), "rounding")
    exact = lost / lot
    room = 1e-9 + 1e-14 * exact  # tolerance for rounding errors in the number of lots
    lots = np.floor(exact + room)
    if rounding == "largest_remainder":
        for number in np.unique(layer):
            at = np.flatnonzero(layer == number)
            free = (lots[at] + 1) * lot <= amount[at] * (1 + 1e-12)
            rest = np.where(free, exact[at] - lots[at], 0.0)
            missing = int(np.floor((exact[at] - lots[at]).sum() + 1e-9))
            order = np.argsort(-rest, kind="stable")[:missing]
            lots[at[order[rest[order] > 0]]] += 1
    return np.asarray(np.minimum(lots * lot, amount))


def nested(rule: Any, holder: str) -> None:
    """Raise for an inner rule that is not a rule, or is a waterfall.

    A waterfall has layers of the whole venue and own funds; inside a tier, a cap or a layer they
    would be ignored.
    """
    if not isinstance(rule, Rule):
        raise RuleError(f"{holder}: {rule!r} is not a rule. Write it as e.g. rules.ProRata().")
    if rule.word == "waterfall":
        raise RuleError(
            f"{holder} cannot hold a waterfall. Put {holder} into a layer of the waterfall: "
            "Layer(name, rule)."
        )
