"""The smallest shock that makes a node default or reaches a loss: exact for some models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ArgumentError, expect
from ...models import EisenbergNoe
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...shocks import Shock
from ...text import choice
from . import program
from .answer import NORMS, Goal, Norm, Search, Smallest, assets_of
from .direction import along, usual

SEGMENTS = 400  # largest number of segments for the programme
NONE = Shock()


def smallest_shock(
    network: ExposureNetwork,
    model: Model | None = None,
    *,
    fail: Any = None,
    loss: float | None = None,
    norm: Norm = "money",
    direction: Mapping[Any, float] | str | None = None,
    hit: Iterable[Any] | None = None,
    given: Shock = NONE,
    seconds: float = 30.0,
) -> Smallest:
    """The smallest loss of external assets that makes a node default, or causes a given loss.

        min ‖x‖   such that the goal holds in the clearing after e − x,   0 <= x <= e

    With `EisenbergNoe` and any rules, it is a mixed-integer programme, solved to the optimum by
    HiGHS. Along one direction, and for every other model, the size is bracketed by runs to 1e-8 of
    the largest one. Without a direction these runs shock each node alone, and all external assets
    in proportion; the smallest of these shocks need not be the smallest of all. The answer states
    which method was used.

    Parameters
    ----------
    network : the exposures.
    model : by default `EisenbergNoe()`.
    fail : node, or list of nodes that all have to default.
    loss : total loss of owners, also of the nodes hit, above the loss without the shock, money.
        Give `fail` or `loss`.
    norm : "money" (all losses), "largest" (of one node) or "relative" (to external assets).
    direction : {node: weight >= 0}, or "proportional" to external assets; None for any direction.
    hit : nodes that the shock may hit, by default all with external assets.
    given : a shock that is applied in any case; the smallest shock is added to it.
    seconds : time limit of the programme; if it is reached, the best shock found is not `exact`.

    Raises
    ------
    UnknownNameError : for an unknown node, with the closest name.
    ArgumentError : for no goal or two, a node that cannot fail, or a direction without weight.

    Example
    -------
    b (equity 3) has a claim of 10 on a (equity 2, external assets 12): a has to lose 2 + 3.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10], [0, 0]], ["a", "b"],
    ...     orientation="debtor->creditor", external_assets=[12, 0], external_liabilities=[0, 7])
    >>> found = smallest_shock(net, fail="b", hit=["a"])
    >>> round(found.size, 4), found.exact, found.verified
    (5.0, True, True)

    Source: the programme is that of clearing with binary states (after Eisenberg & Noe 2001); the
    question is that of reverse stress tests.
    """
    model = EisenbergNoe() if model is None else model
    expect(network=network, model=model)
    expect("Shock", given=given)
    choice(norm, NORMS, "norm")
    goal = Goal.of(network, fail, loss)
    hit_before = model.in_money(network, given, "the smallest loss")
    base, recoveries = hit_before.losses, hit_before.pins
    if base.any():
        network = network.with_nodes(external_assets=network.book.external_assets - base)
    assets = assets_of(network, hit)
    pinned = [at for at in goal.fail if not np.isnan(recoveries[at])]
    if pinned:
        raise ArgumentError(f"The given shock sets {str(network.names[pinned[0]])!r} to default.")
    goal = goal.counted(network, model, recoveries)
    search = Search(network, model, goal, norm, assets, recoveries)
    if direction is not None:
        lines, words = _direction(network, direction, assets)
        return _bracketed(search, lines, [words])
    least = np.nan
    if _exact(network, model):
        found, proved, said = program.solve(search, seconds)
        if found is None and proved:
            why = "HiGHS proves that no loss of external assets reaches the goal"
            return search.unreachable("any direction", why)
        if found is not None:
            answer = _answer(search, found, proved, said)
            if answer.exact or answer.verified:
                return answer
            least = answer.size if proved else np.nan
    return replace(_bracketed(search, *usual(search)), least=least)


def _exact(network: ExposureNetwork, model: Model) -> bool:
    """Whether the programme applies: clearing without default costs, calls or shares, not large."""
    plain = type(model) is EisenbergNoe and network.shareholdings is None
    return plain and network.guarantees is None and len(network.segments.owner) <= SEGMENTS


def _direction(
    network: ExposureNetwork, direction: Mapping[Any, float] | str, assets: np.ndarray
) -> tuple[np.ndarray, str]:
    if isinstance(direction, str):
        if direction != "proportional":
            raise ArgumentError(f'direction={direction!r}: "proportional", or {{node: weight}}.')
        line, words = assets, "in proportion to external assets"
    else:
        line = np.zeros(len(network))
        for name, weight in direction.items():
            line[network.position(name)] = weight
        words = "along " + ", ".join(map(str, direction))
    if not (np.isfinite(line).all() and (line >= 0).all() and (line * assets > 0).any()):
        raise ArgumentError(
            "A direction has weights >= 0, one of them on a node with external assets."
        )
    return np.atleast_2d(line), words


def _bracketed(search: Search, lines: np.ndarray, words: list[str], said: str = "") -> Smallest:
    """The smallest shock over the directions, bracketed by runs."""
    if not len(lines):
        return search.unreachable("any direction", "There are no external assets to destroy.")
    best, low, high = along(search, lines)
    if np.isnan(high):
        where = words[0] if len(words) == 1 else "single nodes and in proportion"
        return search.unreachable(where, f"Not reached with the loss of all assets{said}.")
    pair = np.minimum(np.array([[high], [low]]) * lines[best], search.assets)
    sure = high == 0 or search.confirmed(pair)
    method = f"bracketed by runs of {type(search.model).__name__}{said}"
    return search.answer(pair, words[best], method, exact=False, least=np.nan, sure=sure)


def _answer(search: Search, found: np.ndarray, proved: bool, said: str) -> Smallest:
    """The shock of the programme; its size is confirmed by runs along its direction.

    In a closed cycle of debts without payments from or to others, clearing vectors are not unique.
    The programme may then find a smaller one than the greatest, and its size is a lower bound.
    """
    _, low, high = along(search, found[None])
    near = high <= 1.0 + 1e-4
    times = high if near else 1.0
    ends = np.array([times, np.nan_to_num(low)])
    pair = np.minimum(ends[:, None] * found, search.assets)
    return search.answer(
        pair,
        "any direction",
        "mixed-integer programme solved by HiGHS" if proved else f"HiGHS stopped early: {said}",
        exact=proved and near,
        least=float(search.sized(found)) if proved else np.nan,
        sure=near and (times == 0 or search.confirmed(pair)),
    )
