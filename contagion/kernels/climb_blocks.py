"""The inner loops of the solver for a block of scenarios: see :mod:`climb`.

The innermost loop runs over scenarios, which are contiguous in memory, so that one instruction
processes several of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled

Array = np.ndarray
JUMPS = 12  # maximum number per scenario: in a system that amplifies losses jumps may not converge


@compiled
def climb_block(
    ptr: Array, sp: Array, si: Array, sd: Array,
    c: Array, p: Array, w: Array, inv: Array,
    y: Array, x: Array, last: Array, state: Array, leaps: Array,
    tolerance: float, most: int,
) -> Any:  # fmt: skip
    """The iteration of :func:`climb` for a block of B scenarios, with jumps for each.

    c, p, w, y, last (S, B), x (n, B); state (9, B) is a work array, leaps (B,) counts jumps.
    If changes shrink by λ in each sweep, they have to fall to the share 1 − λ of the tolerance, as
    the remaining changes sum to up to 1 / (1 − λ) times the last. Jumps wait until half of the
    remaining scenarios have a steady ratio. A scenario that has not converged after a dozen jumps
    continues without jumps; a jump that is worse than a sweep counts as four.
    Returns (sweeps, entries worked on).
    """
    n, b = x.shape
    small = 0.02 * tolerance
    change, size, total, worst = state[0], state[1], state[2], state[3]
    before, ratio, further, pace, hoped = state[4], state[5], state[6], state[7], state[8]
    before[:] = np.inf
    hoped[:] = np.inf
    ratio[:] = 2.0
    pace[:] = 0.0
    work, since = 0, 0
    for sweep in range(1, most + 1):  # noqa: B007 - it is returned
        worst[:] = 0.0
        total[:] = 0.0
        for i in range(n):
            for s in range(ptr[i], ptr[i + 1]):
                top = 0.0
                v = inv[s]
                for k in range(b):
                    g = min(max(c[s, k] + p[s, k] * x[i, k], 0.0), w[s, k])
                    d = g - y[s, k]
                    a = abs(d) * v
                    change[k] = d if a > small else 0.0
                    size[k] = a
                    top = max(top, a)
                if top > small:
                    for k in range(b):
                        y[s, k] += change[k]
                        last[s, k] = change[k]
                        total[k] += size[k]
                        worst[k] = max(worst[k], size[k])
                    for e in range(sp[s], sp[s + 1]):
                        j = si[e]
                        share = sd[e]
                        for k in range(b):
                            x[j, k] += share * change[k]
                    work += sp[s + 1] - sp[s]
                else:
                    for k in range(b):
                        last[s, k] = 0.0
        left, steady = 0, 0
        since += 1
        for k in range(b):
            further[k] = 0.0
            if total[k] > hoped[k]:
                leaps[k] += 3
            hoped[k] = np.inf
            new = total[k] / before[k] if before[k] > 0.0 else 2.0
            even = 0.3 < new < 1.0 and abs(new - ratio[k]) < 0.2 * (1.0 - new)
            if even:
                pace[k] = max(pace[k], new)
            if worst[k] > tolerance * (1.0 - pace[k]):
                left += 1
                if even and leaps[k] < JUMPS:
                    further[k] = new / (1.0 - new)
                    steady += 1
            ratio[k] = new
            before[k] = total[k]
        small = 0.02 * tolerance * (1.0 - pace.max())
        if left == 0:
            break
        if since > 2 and 2 * steady >= left:
            since = 0
            for s in range(len(y)):
                some = False
                for k in range(b):
                    g = min(max(y[s, k] + further[k] * last[s, k], 0.0), w[s, k])
                    change[k] = g - y[s, k]
                    some = some or change[k] != 0.0
                if some:
                    for k in range(b):
                        y[s, k] += change[k]
                    for e in range(sp[s], sp[s + 1]):
                        j = si[e]
                        share = sd[e]
                        for k in range(b):
                            x[j, k] += share * change[k]
                    work += sp[s + 1] - sp[s]
            for k in range(b):
                if further[k] > 0.0:
                    leaps[k] += 1
                    hoped[k] = ratio[k] * before[k]
                    before[k] = np.inf
    return sweep, work


@compiled
def push_block(sp: Array, si: Array, sd: Array, y: Array, x: Array) -> Any:
    """`x = y @ S` for a block, y (S, B) into x (n, B); returns the entries worked on."""
    x[:] = 0.0
    work = 0
    b = x.shape[1]
    for s in range(len(y)):
        some = False
        for k in range(b):
            some = some or y[s, k] != 0.0
        if some:
            for e in range(sp[s], sp[s + 1]):
                j = si[e]
                share = sd[e]
                for k in range(b):
                    x[j, k] += share * y[s, k]
            work += sp[s + 1] - sp[s]
    return work


@compiled
def round_block(owner: Array, c: Array, p: Array, w: Array, inv: Array, x: Array, y: Array,
                worst: Array) -> Any:  # fmt: skip
    """The residual of each scenario of a block over the unit, into worst (B,)."""
    worst[:] = 0.0
    for s in range(len(y)):
        i = owner[s]
        v = inv[s]
        for k in range(y.shape[1]):
            g = min(max(c[s, k] + p[s, k] * x[i, k], 0.0), w[s, k])
            worst[k] = max(worst[k], abs(g - y[s, k]) * v)
    return 0


@compiled
def leaks_block(
    ptr: Array, sp: Array, si: Array, c: Array, p: Array, w: Array, x: Array, slack: Array,
    inside: Array, still: Array, alive: Array, falling: bool, closed: Array,
) -> Any:  # fmt: skip
    """Scenarios of a block that may have a closed group, marked in closed (B,).

    As :func:`moving` and :func:`tight`, with a few passes only: a scenario in which nodes remain
    undecided is checked separately. still (S, B) and alive (n, B) are work arrays.
    """
    n, b = x.shape
    passed = np.empty(b)
    for i in range(n):
        passed[:] = 0.0
        for s in range(ptr[i], ptr[i + 1]):
            for k in range(b):
                g = c[s, k] + p[s, k] * x[i, k]
                room = min(slack[i], 0.25 * w[s, k])
                if falling:
                    moves = p[s, k] > 0.0 and g > room and g <= w[s, k] + room
                else:
                    moves = p[s, k] > 0.0 and g >= -room and g < w[s, k] - room
                still[s, k] = not moves
                passed[k] += p[s, k] * inside[s] if moves else 0.0
        for k in range(b):
            alive[i, k] = passed[k] >= 1.0 - 1e-14
    for turn in range(6):
        changed, left = False, False
        for m in range(n):
            i = m if turn % 2 == 0 else n - 1 - m
            some = False
            for k in range(b):
                some = some or alive[i, k]
            if some:
                for k in range(b):
                    passed[k] = alive[i, k]
                for s in range(ptr[i], ptr[i + 1]):
                    for e in range(sp[s], sp[s + 1]):
                        j = si[e]
                        for k in range(b):
                            alive[i, k] = alive[i, k] and (alive[j, k] or still[s, k])
                for k in range(b):
                    changed = changed or alive[i, k] != passed[k]
                    left = left or alive[i, k]
        if not left or not changed:
            break
    for i in range(n):
        for k in range(b):
            closed[k] = closed[k] or alive[i, k]
    return 0
