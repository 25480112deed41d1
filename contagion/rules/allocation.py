"""What a rule hands back for one venue: losses by claim and by layer, and what is uncovered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from ..text import choice, money, percent

if TYPE_CHECKING:
    from .rule import Rule

Rounding = Literal["down", "largest_remainder"]


@dataclass(frozen=True, eq=False, repr=False)
class Allocation:
    """A loss, shared. `table.loss` and `uncovered` sum to the loss, and so do the layers.

    Attributes
    ----------
    rule : the rule that shared.
    loss : money that had to be borne.
    table : one row a claim: claimant, layer, amount, loss, paid (money).
    layers : one row a layer in the order in which they lose: layer, capacity, absorbed (money).
    uncovered : money that the rule puts on nobody.
    """

    rule: Rule
    loss: float
    table: pd.DataFrame
    layers: pd.DataFrame
    uncovered: float
    own: int = 0  # the last rows of the table: own money of the venue, which nobody claims

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
        return cls(rule, loss, frame, layers, uncovered, own)

    @property
    def fairness(self) -> dict[str, float]:
        """Four figures on how a loss is shared; money-free, nan where nothing was lost.

        share_of_claims_taken = Σ loss / Σ amount of the claims that lose anything or are in the
        same layer as one that does; largest_haircut = max loss / amount;
        concentration = Σ (loss_k / Σ loss)², the Herfindahl–Hirschman index by claimant;
        bearers = number of claimants that lose something. Own money of the venue (a layer without
        claims) is nobody's claim and does not count.

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

    def __repr__(self) -> str:
        lines = [f"{self.rule!r}: loss {money(self.loss)}, uncovered {money(self.uncovered)}"]
        for name, capacity, absorbed in self.layers.itertuples(index=False):
            part = percent(absorbed / capacity) if capacity > 0 else "–"
            lines.append(f"  {name}: {money(absorbed)} of {money(capacity)} ({part})")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        text = "<br>".join(escape(line) for line in repr(self).splitlines())
        return f"<p>{text}</p>{self.table.head(20).to_html(float_format=lambda x: f'{x:,.4g}')}"


def rounded(
    lost: np.ndarray, amount: np.ndarray, layer: np.ndarray, lot: float, rounding: Rounding
) -> np.ndarray:
    """Losses (K,) in whole lots, never above the claim; layers keep their order.

    >>> rounded(np.array([2.5, 2.5]), np.array([9.0, 9.0]), np.zeros(2, int), 1.0, "down")
    array([2., 2.])
    """
    choice(rounding, ("down", "largest_remainder"), "rounding")
    exact = lost / lot
    room = 1e-9 + 1e-14 * exact  # digits that a whole number of lots may lack by rounding
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
