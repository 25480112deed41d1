"""Gibbs steps for matrices with fixed sums: amounts move along many cycles of cells at once."""

from __future__ import annotations

import numpy as np

from ._state import Look, State

SAME = 1e-12  # relative difference below which two cells become empty together


def sweep(state: State, edge: Look, rate: Look | None, k: int, rng: np.random.Generator) -> None:
    """One Gibbs step in place: rows and columns in random groups of k, a cycle in every block.

    A block of rows i_1 … i_k and columns j_1 … j_k has the cells (i_s, j_s), to which Δ is added,
    and (i_s, j_s+1), from which it is subtracted. Blocks share no cell and the prior is independent
    over cells, so the draws of all blocks together are one draw from the conditional distribution.
    As a function of Δ the posterior has the density exp(−Λ Δ), Λ = Σ_s λ(i_s, j_s) − λ(i_s, j_s+1),
    between the two ends, at which a cell becomes empty. Each end has the probability mass
    Π exp(edge) exp(−Λ Δ), over the cells that are empty there. Where two cells become empty
    together, that end has infinitely more weight than the interior. An amount can move only where
    all cells that receive, or all that give, are above 0: blocks are found from the links.

    Parameters
    ----------
    state : amounts, and the cells that may hold an amount.
    edge : function of cells, log of (1 − p) / (p λ), the weight of an empty cell.
    rate : function of cells, λ; None where it is the same for all.
    k : half of the length of the cycles, 2 … n.
    """
    n = state.n
    groups = n // k
    rows = rng.permutation(n)[: groups * k].reshape(groups, k)
    columns = rng.permutation(n)[: groups * k].reshape(groups, k)
    place = np.full((2, n), -1)
    place[0, rows.ravel()] = place[1, columns.ravel()] = np.arange(groups * k)
    row, column, _ = state.cells()
    up, down = place[0, row], place[1, column]
    apart = (down - up) % k
    some = (up >= 0) & (down >= 0) & (apart < 2)
    part = (up[some] // k * groups + down[some] // k) * 2 + apart[some]
    part, count = np.unique(part, return_counts=True)
    g, h = np.divmod(np.unique(part[count == k] // 2), groups)
    row, up = rows[g], columns[h]
    down = np.roll(up, -1, axis=1)
    free = (state.open(row, up) & state.open(row, down)).all(1)
    row, up, down = row[free], up[free], down[free]
    if len(row):
        new = _moved(state, edge, rate, row, up, down, rng)
        _put(state, row, up, down, new)


def along_links(
    state: State,
    edge: Look,
    rate: Look | None,
    size: np.ndarray,
    rng: np.random.Generator,
    *,
    by_money: bool,
) -> None:
    """One step in place: rows in pairs, a link of each, and the block that the two links span.

    In a sparse network a random block rarely has two links from which an amount can be moved; this
    block always has. Rows of similar size are paired, and the link of a row is drawn uniformly, or
    in proportion to its amount. The block of links (i, j) and (k, l) is drawn with probability

        q = w_ij w_kl + w_il w_kj,   w_ij = 1[x_ij > 0] / links of i,  or  x_ij / total of row i,

    which the move changes: it is accepted with probability min(1, q' / q) (Metropolis-Hastings).
    Pairs share no row, so all moves are made together.

    Parameters
    ----------
    state, edge, rate : as in :func:`sweep`.
    size : (n,) log of the total of each row.
    """
    n = state.n
    order = np.argsort(size + rng.normal(size=n)) if rng.random() < 0.5 else rng.permutation(n)
    pairs = order[: n // 2 * 2].reshape(-1, 2)
    row, column, amount = state.cells()
    count = np.bincount(row, minlength=n)
    start = np.r_[0, np.cumsum(count)]
    ladder = np.r_[0.0, np.cumsum(amount)] if by_money else np.arange(len(row) + 1.0)
    first, last = start[pairs], start[pairs + 1]
    low = ladder[first]
    height = low + rng.random(pairs.size).reshape(-1, 2) * (ladder[last] - low)
    link = np.clip(np.searchsorted(ladder, height, side="right") - 1, first, last - 1)
    some = (last > first).all(1)
    pairs, up = pairs[some], column[link[some]]
    down = up[:, ::-1]
    open_ = (up[:, 0] != up[:, 1]) & state.open(pairs, down).all(1)
    row, up, down = pairs[open_], up[open_], down[open_]
    if not len(row):
        return
    old = state.at(row, up), state.at(row, down)
    new = _moved(state, edge, rate, row, up, down, rng)
    if by_money:
        chance = sum(x.prod(1) for x in new) / sum(x.prod(1) for x in old)
    else:
        (a, b), (c, d) = ([x > 0 for x in pair] for pair in (old, new))
        links = count[row]
        after = (c.all(1) * 1.0 + d.all(1)) / (links + c * 1 + d - a - b).prod(1)
        chance = after / ((a.all(1) * 1.0 + b.all(1)) / links.prod(1))
    kept = rng.random(len(row)) < chance
    _put(state, row[kept], up[kept], down[kept], (new[0][kept], new[1][kept]))


def _put(
    state: State,
    row: np.ndarray,
    up: np.ndarray,
    down: np.ndarray,
    new: tuple[np.ndarray, np.ndarray],
) -> None:
    """Set the cells that receive and those that give."""
    cells = ((row, row), (up, down), new)
    state.put(*(np.concatenate([one.ravel(), two.ravel()]) for one, two in cells))


def _moved(
    state: State,
    edge: Look,
    rate: Look | None,
    row: np.ndarray,
    up: np.ndarray,
    down: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """New amounts (b, k) of the cells that receive and of those that give."""
    plus, minus = state.at(row, up), state.at(row, down)
    low, high = -plus.min(1), minus.min(1)
    gone = (
        plus + low[:, None] <= -SAME * low[:, None],
        minus - high[:, None] <= SAME * high[:, None],
    )
    slope = 0.0 if rate is None else (rate(row, up) - rate(row, down)).sum(1)
    masses = [
        np.where(empty, edge(row, cell), 0.0).sum(1)
        for empty, cell in zip(gone, (up, down), strict=True)
    ]
    delta = _drawn(low, high, slope, masses, [empty.sum(1) for empty in gone], rng)
    at_low, at_high, delta = (delta == low)[:, None], (delta == high)[:, None], delta[:, None]
    return (
        np.where(at_low & gone[0], 0.0, np.maximum(plus + delta, 0.0)),
        np.where(at_high & gone[1], 0.0, np.maximum(minus - delta, 0.0)),
    )


def _drawn(
    low: np.ndarray,
    high: np.ndarray,
    slope: np.ndarray | float,
    masses: list[np.ndarray],
    zeros: list[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Δ (b,) from the mixture of both ends and the interior, relative to exp(−slope · low)."""
    width = high - low
    turn = slope * width
    size = np.abs(turn)
    most = np.maximum(zeros[0], zeros[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.log(width) + np.maximum(-turn, 0.0)
        inside = inside + np.where(size > 1e-9, np.log(-np.expm1(-size) / size), 0.0)
    weight = np.stack([masses[0], masses[1] - turn, inside])
    weight[0, zeros[0] < most] = -np.inf
    weight[1, zeros[1] < most] = -np.inf
    weight[2, most > 1] = -np.inf
    top = weight.max(0)
    share = np.exp(weight - np.where(np.isfinite(top), top, 0.0)).cumsum(0)
    u, v = rng.random((2, len(low)))
    pick = u * share[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(size > 1e-9, -np.log1p(v * np.expm1(-size)) / size, v)
    part = np.where(turn < 0, 1.0 - part, part)
    delta = np.where(pick < share[0], low, np.where(pick < share[1], high, low + part * width))
    return np.asarray(np.where(np.isfinite(top), delta, 0.0))
