"""The default waterfall of a clearing house, for many scenarios and members at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rationing import shared

MARGIN = "defaulter margin"
CONTRIBUTION = "defaulter contribution"
BEFORE = "own capital before the fund"
FUND = "default fund"
BESIDE = "own capital beside the fund"
AFTER = "own capital after the fund"
ASSESSMENTS = "assessments"
ALONG = "own capital beside assessments"
LAST = "own capital at the end"
GAINS = "gains haircut"
TEAR_UP = "tear-up"
OWN = (BEFORE, BESIDE, AFTER, ALONG, LAST)  # layers of the house; the others belong to members


@dataclass(frozen=True)
class Settled:
    """Allocation of the losses of a default; leading axes scenarios, n members.

    Attributes
    ----------
    loss : (...) the sum of the losses of all members in default.
    absorbed, capacity : by layer, in the order of loss absorption; (..., n), own capital (...).
    uncovered : (...) remaining loss that no layer absorbs.
    returned : (..., n) margin and contribution returned to members in default.
    called : (..., n) assessments that are due.
    failed : (..., n) bool, members with dues above their means.
    """

    loss: np.ndarray
    absorbed: dict[str, np.ndarray]
    capacity: dict[str, np.ndarray]
    uncovered: np.ndarray
    returned: np.ndarray
    called: np.ndarray
    failed: np.ndarray


def settle(
    members: dict[str, np.ndarray], own: dict[str, np.ndarray], multiple: np.ndarray, haircut: float
) -> Settled:
    """Losses of defaulters, layer by layer, until no further member defaults on its assessment.

    A layer of capacity C absorbs `min(L, C)` of a remaining loss L, pro rata to the capacities in
    the layer, so own capital beside a layer loses the same share. In the assessments a member
    pays `min(λ k c, means + max(margin − loss, 0))`, with a common λ <= 1.

    Parameters
    ----------
    members : (..., n) each: `loss`, `margin`, `contribution`, `gain` (>= 0), `tear_up`, `means`,
        `called` (>= 0) and `defaulted` (bool).
    own : (...) capital by layer of `OWN`.
    multiple : (...) k, assessments of a member are limited to k times its contribution.
    haircut : largest haircut on gains, a share.

    Example
    -------
    One defaulter with a loss of 30 beyond its margin; own capital 5; a survivor with 10 in the
    fund and assessments of at most 10:

    >>> n = {"loss": [40.0, 0], "margin": [10.0, 9], "contribution": [0.0, 10]}
    >>> rest = {"gain": [0.0, 7], "tear_up": [0.0, 0], "means": [0.0, 99], "called": [0.0, 0]}
    >>> arrays = {name: np.array(values) for name, values in (n | rest).items()}
    >>> arrays["defaulted"] = np.array([True, False])
    >>> own = {name: np.array(5.0 if name == BEFORE else 0.0) for name in OWN}
    >>> done = settle(arrays, own, np.array(1.0), 1.0)
    >>> [float(taken.sum()) for taken in done.absorbed.values()]
    [10.0, 0.0, 5.0, 10.0, 0.0, 0.0, 10.0, 0.0, 0.0, 5.0, 0.0]
    """
    out = members["defaulted"]
    lost, margin, put = members["loss"], members["margin"], members["contribution"]
    of_margin = np.where(out, np.minimum(lost, margin), 0.0)
    of_put = np.where(out, np.minimum(lost - of_margin, put), 0.0)
    first = np.where(out, lost - of_margin - of_put, 0.0).sum(-1)
    absorbed, capacity = {MARGIN: of_margin, CONTRIBUTION: of_put}, {}
    capacity[MARGIN], capacity[CONTRIBUTION] = np.where(out, margin, 0.0), np.where(out, put, 0.0)
    left = first
    for layer, along in ((BEFORE, None), (FUND, BESIDE), (AFTER, None)):
        funds = np.where(out, 0.0, put) if layer == FUND else own[layer]
        room = funds.sum(-1) + own[BESIDE] if along else funds
        taken = np.minimum(left, room)
        part = np.divide(taken, room, out=np.zeros(room.shape), where=room > 0)
        capacity[layer] = funds
        absorbed[layer] = funds * part[..., None] if along else taken
        if along:
            capacity[along], absorbed[along] = own[along], own[along] * part
        left = np.maximum(left - taken, 0.0)

    # Assessments: the clearing house pays beside the members, like another member. A member that
    # defaults adds its own loss to the need, so others may default too: gives the least set.
    full = np.where(out, 0.0, multiple[..., None] * put)
    limit = np.maximum(full - members["called"], 0.0)
    spare = np.maximum(margin - lost, 0.0)
    hole = np.maximum(lost - margin, 0.0)
    most = np.minimum(limit, members["means"] + spare)
    beside = own[ALONG][..., None]
    weight, pay = np.concatenate([full, beside], -1), np.concatenate([most, beside], -1)
    failed = np.zeros(out.shape, bool)
    while True:
        need = left + np.where(failed, hole, 0.0).sum(-1)
        paid, rate = shared(need, weight, pay)
        rate = np.where(paid.sum(-1) < need * (1 - 1e-12), 1.0, rate)  # called in full
        called = np.minimum(rate[..., None] * full, limit)
        more = failed | (called > members["means"] * (1 + 1e-12))
        if (more == failed).all():
            break
        failed = more
    of_failed = np.where(failed, np.minimum(lost, margin), 0.0)
    absorbed[MARGIN] = of_margin + of_failed
    capacity[MARGIN] = np.where(out | failed, margin, 0.0)
    absorbed[ASSESSMENTS], capacity[ASSESSMENTS] = paid[..., :-1], limit
    absorbed[ALONG], capacity[ALONG] = paid[..., -1], own[ALONG]
    left = np.maximum(need - paid.sum(-1), 0.0)
    left = np.where(left <= 1e-12 * need, 0.0, left)

    absorbed[LAST], capacity[LAST] = np.minimum(left, own[LAST]), own[LAST]
    left = left - absorbed[LAST]
    for layer, worth in ((GAINS, haircut * members["gain"]), (TEAR_UP, members["tear_up"])):
        worth = np.where(out, 0.0, worth)
        room = worth.sum(-1)
        taken = np.minimum(left, room)
        part = np.divide(taken, room, out=np.zeros(room.shape), where=room > 0)
        capacity[layer], absorbed[layer] = worth, worth * part[..., None]
        left = np.maximum(left - taken, 0.0)

    from_margin = np.where(failed, np.maximum(paid[..., :-1] - members["means"], 0.0), 0.0)
    returned = np.where(out, margin + put - of_margin - of_put, 0.0)
    returned = returned + np.where(failed, margin - of_failed - from_margin, 0.0)
    loss = np.where(out | failed, lost, 0.0).sum(-1)
    return Settled(loss, absorbed, capacity, left, returned, called, failed)
