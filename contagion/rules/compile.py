"""From the rules of all nodes to the segments of the clearing kernel, all nodes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ..errors import RuleError
from ..kernels.ladder import Ladder, completed, one_after_another, weighted
from ..kernels.segments import Segments, from_ladder, one_each
from ..text import listing
from .claims import DEFAULTS, Claims
from .contingent import Guarantees
from .order import Priority
from .pro_rata import ProRata
from .rule import Rule
from .waterfall import Waterfall

UNCOVERED = "other claims"
SUPPORT = "support"


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
    guarantees: Guarantees | None = None,
) -> Segments:
    """Compile the rules of all nodes.

    Parameters
    ----------
    rules, rule_of : the rules, and the index of the rule of each node (n,).
    debtor, creditor, amount : (m,) the claims.
    columns : other columns of the claims, (m,) each.
    external : (n,) debts to creditors outside the graph.
    external_tier : (n,) or one number: 0: paid before every claim; k: one claim in tier (rank) k.
    relative_liabilities : function that returns Π, used if no node needs more than one segment.
    names : function from rows to names of nodes, for messages.
    guarantees : contingent claims.

    Raises
    ------
    RuleError
        If the claims lack a column that a rule needs, or if own funds of a node would lose after
        claims of others.

    Example
    -------
    One debtor, 6 senior and 8 junior:

    >>> two = compile_rules([Priority()], np.zeros(3, int), np.array([0, 0]), np.array([1, 2]),
    ...     np.array([6., 8.]), 3, {"tier": np.array([1., 2.])}, np.zeros(3), 0)
    >>> two.start, two.width
    (array([0., 6.]), array([6., 8.]))
    """
    place = np.broadcast_to(np.asarray(external_tier, float), (n,))
    if guarantees is None and _plain(rules, columns, place):
        return one_each(debtor, creditor, amount, n, external, place > 0, relative_liabilities)
    m, owes = len(debtor), np.flatnonzero((external > 0) & (place > 0))
    pieces = [(m, columns), (len(owes), {"tier": place[owes], "rank": place[owes]})]
    owner, money = [debtor, owes], [amount, external[owes]]
    holder = [creditor, np.full(len(owes), -1)]
    if guarantees is not None:
        into = guarantees.support()
        pieces.append((len(into), guarantees.columns(into)))
        owner.append(guarantees.debtor[into])
        money.append(guarantees.amount[into])
        holder.append(guarantees.guarantor[into])
    who, whose = np.concatenate(holder), np.concatenate(owner)
    claims = Claims(
        whose,
        np.concatenate(money),
        Joined(pieces),
        lambda rows: names(np.where(who[rows] < 0, whose[rows], who[rows])),
    )
    first = np.zeros(len(who), bool)
    if guarantees is not None:
        first[m + len(owes) :] = guarantees.is_first(into)
    support = np.arange(len(who)) >= m + len(owes)
    whole, layers, absorbing = ladders(rules, rule_of, claims, first, support, names)
    due = np.bincount(debtor, amount, n) + external
    ahead = np.where(place > 0, 0.0, external)
    if guarantees is None:
        loses = whole.shares.onto(who, n)
        return from_ladder(whole, loses, debtor, amount, ahead, due, n, layers, absorbing)
    return guarantees.compiled(whole, who, creditor, debtor, amount, ahead, due, layers, absorbing)


def ladders(
    rules: Sequence[Rule],
    rule_of: np.ndarray,
    claims: Claims,
    first: np.ndarray,
    support: np.ndarray,
    nodes: Callable[[np.ndarray], Iterable[Any]],
) -> tuple[Ladder, tuple[str, ...], np.ndarray]:
    """One ladder over all claims, the names of its layers, and the loss they absorb (n,).

    The layers of a waterfall absorb losses without a default: the node is in default only when
    they are exhausted. Under any other rule it is in default if a claim is not paid in full.

    `first` (K,) marks claims that lose before the rule of their node applies, `support` those that
    are calls on guarantors; `nodes` returns the names of nodes, for messages.
    """
    parts: list[Ladder] = []
    names: list[str] = []
    absorbing = np.zeros(len(rule_of))
    if first.any():
        rows = np.flatnonzero(first)
        mine = claims.take(rows)
        parts.append(weighted(mine.owner, mine.amount, mine.amount).over(rows, len(claims)))
        names.append(SUPPORT)
    for number, rule in enumerate(rules):
        rows = np.flatnonzero((rule_of[claims.owner] == number) & ~first)
        if not len(rows):
            continue
        mine = claims.take(rows)
        try:
            layers, at = rule.layers(mine)
            if isinstance(rule, Waterfall):
                _own_money_first(rule, mine, at)
            if support[rows].any():
                _apart(mine, at, support[rows], layers, rule)
            ladder = rule.segments(mine)
        except RuleError as error:
            venues = listing(list(nodes(np.unique(mine.owner))))
            raise RuleError(f"The rule of {venues}: {error}") from error
        if isinstance(rule, Waterfall):
            written = np.where(support[rows], 0.0, ladder.shares.spread(ladder.width))
            absorbing += np.bincount(mine.owner, written, len(absorbing))
        # support above the capacity of its layer is never called
        due = np.where(support[rows], 0.0, mine.amount)
        part = completed(ladder, mine.owner, due, len(layers))
        part = replace(part, stage=part.stage + len(names))
        parts.append(part.over(rows, len(claims)))
        names += [*layers, UNCOVERED]
    return one_after_another(parts, len(claims)), tuple(names), absorbing


def _apart(
    claims: Claims, layer: np.ndarray, support: np.ndarray, layers: list[str], rule: Rule
) -> None:
    """Raise unless guarantee calls have a layer of their own in a waterfall."""
    if not isinstance(rule, Waterfall):
        raise RuleError(
            f"Guarantees name a layer of the debtor, whose rule {rule!r} has none. Leave the layer "
            "empty (they are then called right after the equity), or give it a Waterfall."
        )
    group = np.unique(claims.owner, return_inverse=True)[1]
    key = group * np.int64(len(layers) + 1) + layer + 1
    mixed = np.isin(key, key[support]) & ~support
    claims.refuse(
        mixed,
        "A layer holds guarantees and also",
        "Give the guarantees a layer of their own in the waterfall.",
    )


def _plain(rules: Sequence[Rule], columns: Mapping[str, Any], place: np.ndarray) -> bool:
    """Whether all claims on each node share pro rata, external creditors ahead or pari passu."""
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
    """The equity of a node loses first: refuse a layer without claims after one with claims."""
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
            "that have: it would be own funds of the node, which always lose first. Give the "
            f"layer to a node that holds a claim with layer {name!r}, or put it first."
        )


class Joined(Mapping[str, Any]):
    """Columns of several tables, concatenated; a table without a column has empty cells."""

    def __init__(self, pieces: Sequence[tuple[int, Mapping[str, Any]]]):
        self.pieces = [piece for piece in pieces if piece[0]] or list(pieces[:1])

    def __getitem__(self, name: str) -> np.ndarray:
        parts = [
            np.asarray(table[name])
            if name in table
            else np.full(count, DEFAULTS.get(name), float if name in DEFAULTS else object)
            for count, table in self.pieces
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def __contains__(self, name: object) -> bool:
        return any(name in table for _, table in self.pieces)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for _, table in self.pieces for name in table))

    def __len__(self) -> int:
        return len(list(iter(self)))
