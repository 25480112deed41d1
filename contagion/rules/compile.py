"""From the rules of all nodes to the segments of the clearing kernel, all nodes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ..errors import RuleError
from ..kernels.ladder import Ladder, completed, one_after_another
from ..kernels.segments import Segments, from_ladder, one_each
from .base import Rule
from .claims import DEFAULTS, Claims
from .order import Priority
from .sharing import ProRata
from .waterfall import Waterfall

UNCOVERED = "no layer"


def compile_rules(
    rules: Sequence[Rule],
    rule_of: np.ndarray,
    debtor: np.ndarray,
    creditor: np.ndarray,
    amount: np.ndarray,
    n: int,
    columns: Mapping[str, Any],
    external: np.ndarray,
    external_tier: np.ndarray | float,
    relative_liabilities: Callable[[], csr_array] | None = None,
    names: Callable[[np.ndarray], Iterable[Any]] = lambda rows: rows,
) -> Segments:
    """Compile the rules of all nodes.

    Parameters
    ----------
    rules, rule_of : the rules, and which of them each node has (n,).
    debtor, creditor, amount : (m,) the claims.
    columns : other columns of the claims, (m,) each.
    external : (n,) what is owed outside the graph.
    external_tier : (n,) or one number: 0 before every claim; k: one claim together with tier
        (rank) k.
    relative_liabilities : gives Π, reused when no node needs more than one segment.
    names : gives the names of nodes, for messages.

    Raises
    ------
    RuleError
        Where the claims lack what a rule asks for, and where own money of a node would have to
        lose after claims of others.

    Example
    -------
    One debtor, 6 senior and 8 junior:

    >>> two = compile_rules([Priority()], np.zeros(3, int), np.array([0, 0]), np.array([1, 2]),
    ...     np.array([6., 8.]), 3, {"tier": np.array([1., 2.])}, np.zeros(3), 0)
    >>> two.start, two.width
    (array([0., 6.]), array([6., 8.]))
    """
    place = np.broadcast_to(np.asarray(external_tier, float), (n,))
    if _plain(rules, columns, place):
        return one_each(debtor, creditor, amount, n, external, place > 0, relative_liabilities)
    m, owes = len(debtor), np.flatnonzero((external > 0) & (place > 0))
    claims = Claims(
        np.concatenate([debtor, owes]),
        np.concatenate([amount, external[owes]]),
        _Extended(columns, m, place[owes]),
        lambda rows: names(np.concatenate([creditor, owes])[rows]),
    )
    whole, layers = ladders(rules, rule_of, claims)
    due = np.bincount(debtor, amount, n) + external
    ahead = np.where(place > 0, 0.0, external)
    loses = whole.shares.onto(np.concatenate([creditor, np.full(len(owes), -1)]), n)
    return from_ladder(whole, loses, debtor, amount, ahead, due, n, layers)


def ladders(
    rules: Sequence[Rule], rule_of: np.ndarray, claims: Claims
) -> tuple[Ladder, tuple[str, ...]]:
    """One ladder over all claims, each node by its own rule, and the names of its layers."""
    parts: list[Ladder] = []
    names: list[str] = []
    for number, rule in enumerate(rules):
        rows = np.flatnonzero(rule_of[claims.owner] == number)
        if not len(rows):
            continue
        mine = claims.take(rows)
        layers, at = rule.layers(mine)
        if isinstance(rule, Waterfall):
            _own_money_first(rule, mine, at)
        part = completed(rule.segments(mine), mine.owner, mine.amount, len(layers))
        part = replace(part, stage=part.stage + len(names))
        parts.append(part.over(rows, len(claims)))
        names += [*layers, UNCOVERED]
    return one_after_another(parts, len(claims)), tuple(names)


def _plain(rules: Sequence[Rule], columns: Mapping[str, Any], place: np.ndarray) -> bool:
    """Do all claims of every node share pro rata, external creditors ahead or with them?"""
    if not all(rule in (Priority(), ProRata()) for rule in rules):
        return False
    level = 1.0
    if Priority() in rules and "tier" in columns:
        tier = np.asarray(columns["tier"], float)
        tier = np.where(np.isnan(tier), DEFAULTS["tier"], tier)
        if len(tier) and (tier != tier[0]).any():
            return False
        level = float(tier[0]) if len(tier) else 1.0
        if ProRata() in rules and level != 1.0:
            return False
    return bool(((place == 0) | (place == level)).all())


def _own_money_first(rule: Waterfall, claims: Claims, at: np.ndarray) -> None:
    """The equity of a node loses first: a layer without claims must not come after one with."""
    owners, group = np.unique(claims.owner, return_inverse=True)
    count = len(rule.layers_)
    has = np.zeros((len(owners), count), bool)
    inside = at >= 0
    has[group[inside], at[inside]] = True
    own = np.array([layer.capacity is not None and layer.capacity > 0 for layer in rule.layers_])
    late = ~has & own & (np.cumsum(has, axis=1) > 0)
    if late.any():
        name = rule.names[int(np.argmax(late.any(axis=0)))]
        raise RuleError(
            f"Layer {name!r} of the waterfall has no claims on the graph and comes after layers "
            "that have: it would be own money of the node, which always loses first. Give the "
            f"layer to a node that holds a claim with layer {name!r}, or put it first."
        )


class _Extended(Mapping[str, Any]):
    """Columns of the claims with a row for the external creditors of some nodes.

    They have the tier and the rank of their place, and are empty in every other column.
    """

    def __init__(self, columns: Mapping[str, Any], m: int, place: np.ndarray):
        self.columns, self.m, self.place = columns, m, place

    def __getitem__(self, name: str) -> np.ndarray:
        if name in DEFAULTS:
            given = self.columns[name] if name in self.columns else np.full(self.m, DEFAULTS[name])
            return np.concatenate([np.asarray(given, float), self.place])
        values = np.asarray(self.columns[name])
        if not len(self.place):
            return values
        return np.concatenate([values.astype(object), np.full(len(self.place), None, object)])

    def __contains__(self, name: object) -> bool:
        return name in self.columns or name in DEFAULTS

    def __iter__(self) -> Any:
        return iter(dict.fromkeys([*self.columns, *DEFAULTS]))

    def __len__(self) -> int:
        return len(set(self.columns) | set(DEFAULTS))
