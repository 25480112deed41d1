"""The number of steps from the shock to each loss, along all channels of a model.

A loss spreads along claims that lose value, calls on guarantors and shares, and along the other
channels of the model: from the seller of an asset to its holders, from a node that withdraws
funding to its debtors (:class:`Routed`). Only losses that the shock causes count, for either
baseline.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from scipy.sparse import csr_array

from . import waterfalls as sharing
from .ledger import noise
from .run_arrays import RunArrays

Route = tuple[csr_array, ...]  # matrices of links, applied in order: n × n, or n × k and k × n


@runtime_checkable
class Routed(Protocol):
    """A model that spreads losses by channels besides claims and can list their links."""

    def routes(self, result: RunArrays) -> tuple[Route, ...]:
        """Links of the channels besides claims, calls and shares; each route is one step."""


def hops(result: RunArrays) -> np.ndarray:
    """(n,) steps from the nearest trigger along links with losses; -1 for nodes not reached.

    One step leads from a debtor to a creditor whose claim loses value (or a guarantor that is
    called, or an owner whose shares fall); from a node that sells an asset to each holder that
    loses by the price; from a node that withdraws funding to a debtor that loses by it; with marks,
    from a debtor to a creditor that marks the claim down and sells assets because of it. See
    :meth:`Routed.routes` of the models.
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
    """Links (n, n) from a debtor to the nodes that lose on claims on it, calls for it or shares."""
    net = result.network
    source, target, lost = sharing.loss_flows(result.caused)
    floor = noise(net)
    rows = np.flatnonzero(lost > np.minimum(floor[source], floor[target]))
    n = len(net)
    return csr_array((np.ones(len(rows), np.int8), (source[rows], target[rows])), shape=(n, n))


def others(result: RunArrays) -> tuple[Route, ...]:
    """The routes of other channels; empty if the model has none or the shock hits no node."""
    if result.triggers.any() and isinstance(result.model, Routed):
        return result.model.routes(result)
    return ()


def along(front: np.ndarray, route: Route) -> np.ndarray:
    """The nodes that are one step along a route from the nodes in `front`."""
    for links in route:
        onto, size = links[front].indices, links.shape[1]
        if 16 * len(onto) < size:  # few nodes reached: sorting them is faster than counting all
            front = np.unique(onto)
        else:
            front = np.flatnonzero(np.bincount(onto, minlength=size))
    return front
