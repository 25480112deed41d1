"""Where the nodes stand: deterministic, one method a size of network."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, shortest_path

SMALL = 80
DENSE = 0.35
ROUNDS = 80


def positions(liabilities: csr_array, size: np.ndarray) -> np.ndarray:
    """(n, 2) coordinates in [0, 1]² from who owes whom, shape (n, n), and the sizes (n,).

    A circle, the largest first, where nearly everybody is linked to everybody; distances along
    the links for small networks, with what is not linked to the rest in a row below; springs
    (from a fixed start) for large ones.
    """
    n = len(size)
    links = csr_array(abs(liabilities) + abs(liabilities.T))
    links.eliminate_zeros()
    if n < 3:
        return np.column_stack([np.linspace(0.2, 0.8, n), np.full(n, 0.5)])
    if n > SMALL:
        return _unit(_springs(links), 0.01)
    if links.nnz > DENSE * n * (n - 1):
        angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
        place = np.empty((n, 2))
        place[np.argsort(-size, kind="stable")] = np.column_stack([np.cos(angle), np.sin(angle)])
        return (place + 1) / 2
    part = connected_components(links, directed=False)[1]
    main = part == np.bincount(part).argmax()
    place = np.empty((n, 2))
    place[main] = _unit(_distances(links[main][:, main]))
    if not main.all():
        rest = np.flatnonzero(~main)
        rest = rest[np.argsort(part[rest], kind="stable")]
        place[main, 1] = 0.22 + 0.78 * place[main, 1]
        place[rest] = np.column_stack(
            [(np.arange(len(rest)) + 0.5) / len(rest), np.full(len(rest), 0.02)]
        )
    return place


def _distances(links: csr_array) -> np.ndarray:
    """Kamada and Kawai (1989): the distance on paper is the number of steps."""
    import networkx as nx

    n = links.shape[0]
    if n < 3:
        return np.column_stack([np.arange(n, dtype=float), np.zeros(n)])
    steps = shortest_path(links, directed=False, unweighted=True)
    distance = {i: dict(enumerate(map(float, row))) for i, row in enumerate(steps)}
    found = nx.kamada_kawai_layout(nx.empty_graph(n), dist=distance)
    return np.array([found[i] for i in range(n)])


def _springs(links: csr_array) -> np.ndarray:
    """Fruchterman and Reingold (1991), vectorized; the start is a spiral."""
    n = links.shape[0]
    turn = np.arange(n) * 2.399963
    place = np.sqrt((np.arange(n) + 0.5) / n)[:, None] * np.column_stack(
        [np.cos(turn), np.sin(turn)]
    )
    near = (links > 0).astype(np.float64)
    degree = np.asarray(near.sum(axis=1)).ravel()
    ideal = 1.6 / np.sqrt(n)
    for step in np.linspace(0.12, 0.002, ROUNDS):
        across, up = (column[:, None] - column for column in place.T)
        push = ideal**2 / np.maximum(across**2 + up**2, 1e-4)
        move = push.sum(axis=1)[:, None] * place - push @ place
        move -= 0.25 / ideal * (degree[:, None] * place - near @ place) * ideal
        move -= 0.3 * place
        length = np.sqrt((move**2).sum(axis=1))
        place = (
            place + move / np.maximum(length, 1e-12)[:, None] * np.minimum(length, step)[:, None]
        )
    return np.asarray(place)


def _unit(place: np.ndarray, trim: float = 0.0) -> np.ndarray:
    """Turn the longest direction flat and stretch both axes to [0, 1].

    With `trim` the outermost part of the nodes is moved to the border.
    """
    centred = place - place.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    axes = axes * np.sign(axes[:, [0]] + 1e-12)
    turned = centred @ axes.T
    low, high = np.quantile(turned, [trim, 1 - trim], axis=0)
    span = high - low
    flat = span <= 1e-9 * max(span.max(), 1e-300)
    unit = np.clip((turned - low) / np.where(flat, 1.0, span), 0.0, 1.0)
    return np.asarray(np.where(flat, 0.5, unit))
