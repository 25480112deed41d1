"""Links of random graphs, drawn by the gaps between them: the cost grows with the links only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BINS = 2**13
Links = tuple[np.ndarray, np.ndarray]  # creditor and debtor (m,), never the same node
Chance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def taken(places: int, chance: float, rng: np.random.Generator) -> np.ndarray:
    """The places out of `places` that are taken, each with the same chance: sorted, by gaps."""
    if chance <= 0 or not places:
        return np.zeros(0, np.int64)
    if chance >= 1:
        return np.arange(places)
    found, last = [], -1
    while last < places:
        rest = (places - last) * chance
        gaps = rng.geometric(chance, int(rest + 6 * np.sqrt(rest) + 10))
        found.append(last + np.cumsum(gaps))
        last = int(found[-1][-1])
    drawn = np.concatenate(found)
    return drawn[drawn < places]


def directed(n: int, degree: float, draws: int, rng: np.random.Generator) -> Links:
    """Creditor and debtor (m,) of the links of `draws` graphs: each of n (n − 1) with the same
    probability degree / (n − 1). Graph d has the nodes d n … d n + n − 1.
    """
    row, column = np.divmod(taken(draws * n * (n - 1), degree / (n - 1), rng), n - 1)
    base, own = row - row % n, row % n
    return row, base + column + (column >= own)


def undirected(n: int, degree: float, draws: int, rng: np.random.Generator) -> Links:
    """Both directions (2 m,) of the links of `draws` graphs: each of n (n − 1) / 2 pairs with
    probability degree / (n − 1).
    """
    pairs = n * (n - 1) // 2
    graph, place = np.divmod(taken(draws * pairs, degree / (n - 1), rng), pairs)
    # pair number of (low, high), low < high: high (high − 1) / 2 + low
    high = ((1 + np.sqrt(1 + 8.0 * place)) / 2).astype(np.int64)
    high += (high + 1) * high // 2 <= place
    high -= high * (high - 1) // 2 > place
    low = place - high * (high - 1) // 2
    one, other = graph * n + low, graph * n + high
    return np.concatenate([one, other]), np.concatenate([other, one])


def between(
    creditors: np.ndarray, debtors: np.ndarray, chance: float, rng: np.random.Generator
) -> Links:
    """Links from each of `creditors` (a,) to each of `debtors` (b,) with one chance, no loops."""
    row, column = np.divmod(taken(len(creditors) * len(debtors), chance, rng), len(debtors))
    one, other = creditors[row], debtors[column]
    return one[one != other], other[one != other]


def blocks(member: np.ndarray, chance: np.ndarray, rng: np.random.Generator) -> Links:
    """A stochastic block model: node i of class `member[i]`, chance (K, K) creditor to debtor."""
    inside = [np.flatnonzero(member == k) for k in range(len(chance))]
    parts = [
        between(inside[a], inside[b], float(chance[a, b]), rng)
        for a in range(len(chance))
        for b in range(len(chance))
        if len(inside[a]) and len(inside[b])
    ]
    return _joined(parts)


def thinned(x: np.ndarray, y: np.ndarray, chance: Chance, rng: np.random.Generator) -> Links:
    """Independent links with probability `chance(x_i, y_j)`, which grows in both.

    Nodes are put in classes whose x (as creditors) or y (as debtors) differ by less than a factor
    of two. Links of a block of two classes are drawn with the chance of its largest x and y. Each
    is kept with the ratio of its own chance to that one: the distribution is the same, and the cost
    grows with the number of links.

    Parameters
    ----------
    x, y : (n,) fitness of each node as creditor and as debtor, >= 0; 0 has no links.
    chance : maps arrays of x and y to probabilities, increasing in both.
    """
    own, other = _classes(x), _classes(y)
    parts = []
    for rows in own:
        for columns in other:
            most = float(chance(x[rows].max(), y[columns].max()))
            i, j = between(rows, columns, most, rng)
            keep = rng.random(len(i)) * most < chance(x[i], y[j])
            parts.append((i[keep], j[keep]))
    return _joined(parts)


def calibrated(x: np.ndarray, expected: float) -> float:
    """z with `Σ_{i≠j} z x_i x_j / (1 + z x_i x_j)` = expected, for fitness x (n,) > 0.

    The sum over pairs uses a histogram of log(x_i x_j): the convolution of the histogram of log x,
    with 2¹³ bins, with itself. The error of z is about 1e-5.

    Example
    -------
    Four nodes of fitness 1 and six of twelve links: z = 1.

    >>> round(calibrated(np.ones(4), 6.0), 6)
    1.0
    """
    from scipy.optimize import brentq
    from scipy.signal import fftconvolve

    logs = np.log(x)
    low, high = float(logs.min()), float(logs.max())
    step = max(high - low, 1e-9) / BINS
    place = (logs - low) / step
    left = np.minimum(place.astype(np.int64), BINS - 1)
    part = place - left  # divided between the two ends of the bin, which preserves the mean
    heap = np.bincount(left, 1 - part, BINS + 1) + np.bincount(left + 1, part, BINS + 1)
    pairs = fftconvolve(heap, heap)
    products = 2 * low + step * np.arange(len(pairs))

    def excess(log_z: float) -> float:
        both = (pairs / (1.0 + np.exp(-products - log_z))).sum()
        return float(both - (1.0 / (1.0 + np.exp(-2 * logs - log_z))).sum() - expected)

    return float(np.exp(brentq(excess, -2 * high - 60.0, -2 * low + 60.0, xtol=1e-12)))


def _classes(values: np.ndarray) -> list[np.ndarray]:
    """Nodes with values > 0 in classes of powers of two."""
    positive = np.flatnonzero(values > 0)
    power = np.frexp(values[positive])[1]
    return [positive[power == p] for p in np.unique(power)]


def _joined(parts: list[Links]) -> Links:
    """All parts, sorted by creditor and debtor."""
    none = np.zeros(0, np.int64)
    creditor = np.concatenate([none, *(part[0] for part in parts)])
    debtor = np.concatenate([none, *(part[1] for part in parts)])
    order = np.lexsort((debtor, creditor))
    return creditor[order], debtor[order]
