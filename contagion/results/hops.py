"""How many steps a loss is from the shock, along all channels by which a model spreads losses.

A loss gets from node to node along claims that lose value, calls on guarantors and shares, and by
whatever other channels the model has: from the seller of an asset to its holders, from a node that
withdraws to its debtors (:class:`Routed`). Losses are those that the shock causes, whatever the
baseline.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from scipy.sparse import csr_array

from . import waterfalls as sharing
from .ledger import noise
from .run_arrays import RunArrays

Route = tuple[csr_array, ...]  # links in a row, from nodes to nodes: n × n, or n × k and k × n


@runtime_checkable
class Routed(Protocol):
    """A model with channels besides claims, which knows where they lead."""

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """Links by which nodes lose besides claims, calls and shares; one step a route."""


def hops(result: RunArrays) -> np.ndarray:
    """(n,) steps from the nearest trigger along what passes losses on; -1 where nothing leads.

    One step: from a debtor to a creditor whose claim loses value (a guarantor who is called, an
    owner whose shares fall); from a node that sells an asset to every holder who loses by its
    price; from a node that withdraws to a debtor who loses by it; with marks, from a debtor to a
    creditor who marks it down and sells for it. See :meth:`Routed.routes` of the models.
    """
    result = result.caused
    routes = ((claims(result),), *others(result))
    hop = np.where(result.triggers, 0, -1)
    front, step = np.flatnonzero(result.triggers), 0
    while len(front):
        step += 1
        fresh = []
        for reached in [along(front, route) for route in routes]:
            fresh.append(reached[hop[reached] < 0])
            hop[fresh[-1]] = step
        front = np.concatenate(fresh)
    return hop


def claims(result: RunArrays) -> csr_array:
    """Links (n, n) from debtors to those who lose on claims on them, calls or shares."""
    net = result.network
    source, target, lost = sharing.loss_flows(result.caused)
    floor = noise(net)
    rows = np.flatnonzero(lost > np.minimum(floor[source], floor[target]))
    n = len(net)
    return csr_array((np.ones(len(rows), np.int8), (source[rows], target[rows])), shape=(n, n))


def others(result: RunArrays) -> tuple[Route, ...]:
    """The routes of other channels, where the model has any and somebody is hit."""
    if result.triggers.any() and isinstance(result.model, Routed):
        return result.model.routes(result)
    return ()


def along(front: np.ndarray, route: Route) -> np.ndarray:
    """The nodes one step along a route from those in front."""
    for links in route:
        onto, size = links[front].indices, links.shape[1]
        if 16 * len(onto) < size:  # few of many: a loss that runs along a chain
            front = np.unique(onto)
        else:
            front = np.flatnonzero(np.bincount(onto, minlength=size))
    return front
