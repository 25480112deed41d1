"""Rules in which all claims share: pro rata, and the rules of the bankruptcy problem."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ..errors import RuleError
from ..kernels.ladder import Ladder, one_after_another, weighted
from ..text import choice
from .claims import Claims
from .rule import Rule, nested


@dataclass(frozen=True, repr=False)
class ProRata(Rule):
    """Losses in proportion to a weight, at most the claim: `loss_k = min(c_k, λ w_k)`.

    `λ` is such that the losses sum to the total loss. With amounts as weights every claim has the
    same relative loss; other weights are profits, open interest or contributions. Claims of weight
    0 lose nothing. Splitting an account does not change the result.

    Parameters
    ----------
    weight : column with the weights, >= 0; "amount" by default.
    negative : "error" refuses weights below 0, "zero" treats them as 0.

    Raises
    ------
    RuleError
        For a weight that is missing, empty or (unless allowed) negative.

    Example
    -------
    Profits of 50, 30 and 20 share a loss of 12; the account that lost 10 pays nothing:

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b", "c", "d"], "amount": [50, 30, 5, 20],
    ...           "profit": [50, 30, -10, 20]}
    >>> rule = rules.ProRata("profit", negative="zero")
    >>> rule.allocate(12, claims).table["loss"].round(9).tolist()
    [6.0, 3.6, 0.0, 2.4]

    Source: for amounts, Eisenberg & Noe (2001), Management Science 47(2), the proportional rule;
    for the general form, Moulin (2000), Econometrica 68(3), weighted gains and losses methods.
    """

    word: ClassVar[str] = "pro_rata"

    weight: str = "amount"
    negative: Literal["error", "zero"] = "error"

    def __post_init__(self) -> None:
        choice(self.negative, ("error", "zero"), "negative")

    def segments(self, claims: Claims) -> Ladder:
        least = 0.0 if self.negative == "error" else -np.inf
        weight = claims.numbers(self.weight, self, least=least)
        claims.refuse(np.isinf(weight), f"{self!r}: the weight is infinite for", "Correct it.")
        return weighted(claims.owner, claims.most, np.maximum(weight, 0.0))


PRO_RATA = ProRata()


@dataclass(frozen=True, repr=False)
class EqualAwards(Rule):
    """Constrained equal awards: every claimant is paid the same, at most its claim.

        paid_k = min(c_k, μ),  Σ paid_k = the estate

    Example
    -------
    Claims of 100, 200, 300 and an estate of 200 (a loss of 400):

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [100, 200, 300]}
    >>> rules.EqualAwards().allocate(400, claims).table["paid"].round(9).tolist()
    [66.666666667, 66.666666667, 66.666666667]

    Source: Thomson (2003), Mathematical Social Sciences 45(3), constrained equal awards rule.
    """

    word: ClassVar[str] = "equal_awards"

    def segments(self, claims: Claims) -> Ladder:
        return weighted(claims.owner, claims.most, np.ones(len(claims))).reversed()


@dataclass(frozen=True, repr=False)
class EqualLosses(Rule):
    """Constrained equal losses: every claimant loses the same, at most its claim.

        loss_k = min(c_k, λ),  Σ loss_k = loss

    Example
    -------
    Claims of 100, 200, 300 and an estate of 200: an equal share is 400/3, the first claim is 100.

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [100, 200, 300]}
    >>> rules.EqualLosses().allocate(400, claims).table["loss"].round(9).tolist()
    [100.0, 150.0, 150.0]

    Source: Thomson (2003), Mathematical Social Sciences 45(3), constrained equal losses rule.
    """

    word: ClassVar[str] = "equal_losses"

    def segments(self, claims: Claims) -> Ladder:
        return weighted(claims.owner, claims.most, np.ones(len(claims)))


@dataclass(frozen=True, repr=False)
class Talmud(Rule):
    """The contested garment rule, for any number of claims.

    For a loss of up to half of all claims the losses are equal, at most half of each claim. For a
    larger loss the payments are equal, at most half of each claim:

        L <= C/2:  loss_k = min(c_k / 2, λ)        L > C/2:  paid_k = min(c_k / 2, μ)

    Example
    -------
    The estate of 200 of the Mishna, claims of 100, 200, 300:

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [100, 200, 300]}
    >>> rules.Talmud().allocate(400, claims).table["paid"].round(9).tolist()
    [50.0, 75.0, 75.0]

    Source: Aumann & Maschler (1985), Journal of Economic Theory 36(2).
    """

    word: ClassVar[str] = "talmud"

    def segments(self, claims: Claims) -> Ladder:
        half = weighted(claims.owner, claims.most / 2, np.ones(len(claims)))
        return one_after_another([half, half.reversed()], len(claims))


@dataclass(frozen=True, repr=False)
class Capped(Rule):
    """A rule under which no claim loses more than a cap; a loss above all caps is uncovered.

    The rule uses `min(cap_k, …)` instead of `min(c_k, …)`: pro rata remains in proportion to the
    full claims, and the loss above the cap of a claim is reallocated to the others. On a graph the
    uncovered loss must be allocated too: the remainders of the claims then lose pro rata, after all
    other losses.

    Parameters
    ----------
    rule : the rule below the caps.
    share : the cap as a fraction of each claim, 0 to 1; or
    by : the column with the cap of each claim, money >= 0.

    Raises
    ------
    RuleError
        Unless exactly one of `share` and `by` is given.

    Example
    -------
    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b"], "amount": [30.0, 10.0]}
    >>> done = rules.Capped(rules.ProRata(), share=0.5).allocate(24, claims)
    >>> done.table["loss"].tolist(), done.uncovered
    ([15.0, 5.0], 4.0)
    """

    word: ClassVar[str] = "capped"

    rule: Rule = PRO_RATA
    share: float | None = None
    by: str | None = None

    def __post_init__(self) -> None:
        if (self.share is None) == (self.by is None):
            raise RuleError("Capped takes either share= (0 to 1) or by= (a column of caps).")
        if self.share is not None and not 0 <= self.share <= 1:
            raise RuleError(f"share={self.share}: the part of a claim that may be lost is 0 to 1.")
        nested(self.rule, "Capped")

    def layers(self, claims: Claims) -> tuple[list[str], np.ndarray]:
        return self.rule.layers(claims)

    def segments(self, claims: Claims) -> Ladder:
        if self.by is not None:
            cap = np.minimum(claims.most, claims.numbers(self.by, self, least=0.0))
        else:
            assert self.share is not None
            cap = np.minimum(claims.most, claims.amount * self.share)
        return self.rule.segments(replace(claims, cap=cap))
