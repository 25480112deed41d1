"""Rules in which claims lose one after the other: by seniority, by rank, by time of exit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from ..kernels.ladder import Ladder, one_after_another
from ..text import choice
from .claims import Claims
from .pro_rata import PRO_RATA
from .rule import Rule, nested

Tiers = tuple[tuple[float, Rule], ...]


@dataclass(frozen=True, repr=False)
class Priority(Rule):
    """Seniority: tier 1 is paid first, so the highest tier loses first; tiers have their own rules.

    Parameters
    ----------
    tier : column with the tiers; "tier" by default, and an empty cell is tier 1.
    within : the rule inside a tier.
    tiers : other rules for single tiers, `{2: Queue("rank")}`.

    Example
    -------
    6 senior and 8 junior, a loss of 10: the junior claim loses all 8, the senior claim 2.

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b"], "amount": [6.0, 8.0], "tier": [1, 2]}
    >>> rules.Priority().allocate(10, claims).table["loss"].tolist()
    [2.0, 8.0]

    Source: Elsinger (2009), OeNB working paper 156, debts of different seniority.
    """

    word: ClassVar[str] = "priority"

    tier: str = "tier"
    within: Rule = PRO_RATA
    tiers: Tiers | Mapping[float, Rule] = ()

    def __post_init__(self) -> None:
        given: Any = self.tiers
        pairs = given.items() if isinstance(given, Mapping) else given
        tiers = tuple(sorted((float(k), v) for k, v in pairs))
        object.__setattr__(self, "tiers", tiers)
        for rule in (self.within, *(rule for _, rule in tiers)):
            nested(rule, "Priority")

    def segments(self, claims: Claims) -> Ladder:
        tier = claims.numbers(self.tier, self)
        assert isinstance(self.tiers, tuple)
        special = self.tiers
        ladder = _one_by_one(claims, -tier, self.within, special=tuple((-k, v) for k, v in special))
        names = np.unique(tier)[::-1]
        return replace(ladder, stage=np.searchsorted(-names, -names[ladder.stage]))

    def layers(self, claims: Claims) -> tuple[list[str], np.ndarray]:
        tier = claims.numbers(self.tier, self)
        values, at = np.unique(-tier, return_inverse=True)
        return [f"tier {-value:g}" for value in values], at


@dataclass(frozen=True, repr=False)
class Queue(Rule):
    """One claim after the other loses its full amount: the queue of an auto-deleveraging.

    The allocation can change if an account is split, because a rank by size changes too.

    Parameters
    ----------
    by : column with the rank or score.
    first : the rank that loses first, "highest" or "lowest".
    ties : equal ranks share "pro_rata", or are an "error". The row order is never used.

    Raises
    ------
    RuleError
        For a rank that is missing or empty, and for ties if `ties="error"`.

    Example
    -------
    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [5.0, 5.0, 5.0], "score": [1, 3, 2]}
    >>> rules.Queue("score").allocate(7, claims).table["loss"].tolist()
    [0.0, 5.0, 2.0]
    """

    word: ClassVar[str] = "queue"

    by: str = "rank"
    first: Literal["highest", "lowest"] = "highest"
    ties: Literal["pro_rata", "error"] = "pro_rata"

    def __post_init__(self) -> None:
        choice(self.first, ("highest", "lowest"), "first")
        choice(self.ties, ("pro_rata", "error"), "ties")

    def segments(self, claims: Claims) -> Ladder:
        rank = self._rank(claims)
        place = -rank if self.first == "highest" else rank
        if self.ties == "error":
            _no_ties(claims, place, self)
        return _one_by_one(claims, place, PRO_RATA).as_stage(0)

    def _rank(self, claims: Claims) -> np.ndarray:
        return claims.numbers(self.by, self)


@dataclass(frozen=True, repr=False)
class FirstCome(Rule):
    """First come, first served: claims that exit while assets remain are paid in full.

    Claims are paid in the order of their exit, so the latest loses first; those without an exit
    lose before all others, pro rata. The order is an input; the strategic behaviour of claimants
    is not modelled.

    Parameters
    ----------
    by : column with the place or time of the exit, lowest first; empty: the claim stays.

    Example
    -------
    Three claims of 10 and a loss of 15; the third exits first, the second next:

    >>> from contagion import rules
    >>> claims = {"claimant": ["a", "b", "c"], "amount": [10.0, 10.0, 10.0],
    ...           "exit": [float("nan"), 2, 1]}
    >>> rules.FirstCome().allocate(15, claims).table["paid"].tolist()
    [0.0, 5.0, 10.0]

    Source: the sequential service constraint of Diamond & Dybvig (1983), Journal of Political
    Economy 91(3), with the order given.
    """

    word: ClassVar[str] = "first_come"

    by: str = "exit"

    def segments(self, claims: Claims) -> Ladder:
        time = claims.numbers(self.by, self, empty=np.inf)
        return _one_by_one(claims, -time, PRO_RATA).as_stage(0)


def _one_by_one(
    claims: Claims,
    place: np.ndarray,
    within: Rule,
    special: tuple[tuple[float, Rule], ...] = (),
) -> Ladder:
    """Groups of equal place lose one after the other, lowest place first, each by a rule.

    `stage` is the index of the place in the sorted places.
    """
    m = len(claims)
    places, at = np.unique(place, return_inverse=True)
    key = claims.owner * np.int64(len(places)) + at
    groups, group = np.unique(key, return_inverse=True)
    grouped = claims.grouped(group)
    plain = ~np.isin(place, [value for value, _ in special])
    parts = []
    for rule, mask in [(within, plain), *((rule, place == value) for value, rule in special)]:
        rows = np.flatnonzero(mask)
        if len(rows) == m:
            parts.append(rule.segments(grouped))
        elif len(rows):
            parts.append(rule.segments(grouped.take(rows)).over(rows, m))
    ladder = one_after_another(parts, m)
    if not len(groups):
        return ladder
    found = groups[ladder.owner]
    return replace(ladder, owner=found // len(places), stage=found % len(places))


def _no_ties(claims: Claims, place: np.ndarray, rule: Rule) -> None:
    pairs = np.stack([claims.owner.astype(float), place], axis=1)
    _, at, count = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    claims.refuse(
        (count > 1)[at.ravel()] & (claims.amount > 0),
        f"{rule!r}: equal ranks of",
        'ties="pro_rata" lets them share.',
    )
