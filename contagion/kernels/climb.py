"""The inner loops of the solver: iteration upward to a fixed point, and one exact round.

One scenario of `y = clip(c + p · (y @ S)[owner], 0, w)`, in arrays of segments (S,) and of nodes
(n,). Segments `ptr[i] : ptr[i + 1]` belong to node i, entries `sp[s] : sp[s + 1]` of `si`, `sd` are
the creditors of segment s and their shares.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiled import compiled

Array = np.ndarray


@compiled
def climb(
    ptr: Array, sp: Array, si: Array, sd: Array,
    c: Array, p: Array, w: Array, thr: Array, inv: Array,
    y: Array, x: Array, last: Array, hot: Array, flag: Array,
    tolerance: float, most: int, patience: float, jumps: bool,
) -> Any:  # fmt: skip
    """Gauss–Seidel iteration by pushes: y and x are updated until all changes are negligible.

    A node is hot once its losses x exceed its threshold `thr`. While few nodes become hot, they
    are processed first in, first out, so that a loss passes down a chain in one sweep. If the sums
    of changes of successive sweeps shrink by a steady ratio λ, the last change is extrapolated by
    λ / (1 − λ) (`jumps`; after a jump that is worse than a sweep, the next one comes later), and
    changes have to fall to the share 1 − λ of the tolerance, because the remaining changes sum to
    up to 1 / (1 − λ) times the last. Changes below a fiftieth of that are not passed on. Nodes that
    cannot lose more are skipped, except in the sweep after a jump, which may overshoot; all hot
    nodes are checked before the iteration ends.

    Parameters
    ----------
    inv : (S,) one over the unit in which changes are measured, see `System.matters`.
    last, hot, flag : work arrays (S,), (n,), (n,): y before the sweep; hot nodes; their flags.
    tolerance : for the largest residual over the unit. most : maximum number of sweeps.
    patience : the iteration ends if the ratio implies that more sweeps than this are still needed.

    Returns
    -------
    (converged, sweeps, entries worked on, jumps, last ratio).
    """
    n = len(thr)
    edge, last_x = np.empty(n), np.empty(n)
    for j in range(n):
        flag[j] |= x[j] > thr[j]
        edge[j] = np.inf if flag[j] else thr[j]
    work, leaps, since, count, stale, whole = 0, 0, 0, 0, True, False
    ordered, stuck = 0, 0
    small = 0.02 * tolerance
    before, ratio, pace, hoped, wait = np.inf, 2.0, 0.0, np.inf, 2
    for sweep in range(1, most + 1):
        if stale:
            count = 0
            for j in range(n):
                rises = whole
                for s in range(ptr[j], ptr[j + 1]):
                    rises |= y[s] < w[s]
                hot[count] = j
                count += rises & flag[j]
            whole, ordered, stuck = False, count, -1
        stored = jumps and since >= wait
        if stored:
            last[:] = y
            last_x[:] = x
        size, worst, full = 0.0, 0.0, 0
        for k in range(count):
            i = hot[k]
            at = x[i]
            for s in range(ptr[i], ptr[i + 1]):
                g = min(max(c[s] + p[s] * at, 0.0), w[s])
                full += g >= w[s]
                d = g - y[s]
                a = abs(d) * inv[s]
                if a > small:
                    y[s] = g
                    size += a
                    worst = max(worst, a)
                    for e in range(sp[s], sp[s + 1]):
                        x[si[e]] += sd[e] * d
                    work += sp[s + 1] - sp[s]
        fresh = 0
        for j in range(n):
            fresh += x[j] > edge[j]
        tail = count
        if fresh > 0:
            for j in range(n):
                if x[j] > edge[j]:
                    flag[j] = True
                    edge[j] = np.inf
                    hot[tail] = j
                    tail += 1
            if fresh <= 64 or 16 * fresh <= n:
                k = count
                while k < tail:
                    i = hot[k]
                    at = x[i]
                    for s in range(ptr[i], ptr[i + 1]):
                        g = min(max(c[s] + p[s] * at, 0.0), w[s])
                        d = g - y[s]
                        if abs(d) * inv[s] > small:
                            y[s] = g
                            for e in range(sp[s], sp[s + 1]):
                                j = si[e]
                                x[j] += sd[e] * d
                                if x[j] > edge[j]:
                                    flag[j] = True
                                    edge[j] = np.inf
                                    hot[tail] = j
                                    tail += 1
                            work += sp[s + 1] - sp[s]
                    k += 1
        elif worst <= tolerance * (1.0 - pace):
            worst = 0.0
            for i in range(n):
                if flag[i]:
                    for s in range(ptr[i], ptr[i + 1]):
                        g = min(max(c[s] + p[s] * x[i], 0.0), w[s])
                        worst = max(worst, abs(g - y[s]) * inv[s])
            if worst <= tolerance * (1.0 - pace):
                return True, sweep, work, leaps, ratio
            whole = True
        if size > hoped:
            wait *= 2
        hoped = np.inf
        since += 1
        stuck = full if stuck < 0 else stuck
        stale = whole or 8 * (tail - ordered) > ordered or 8 * (full - stuck) > count
        count = tail
        new = size / before
        if before < np.inf and 50 * fresh <= count and worst > tolerance:
            steady = abs(new - ratio) < 0.2 * abs(1.0 - new) or min(new, ratio) > 1.0 - 1e-6
            if steady and new < 1.0:
                pace = max(pace, new)
                small = 0.02 * tolerance * (1.0 - pace)
            if steady and since > wait:
                slow = new >= 1.0 or np.log(tolerance / worst) / np.log(new) > patience
                if slow and (leaps > 1 or new > 0.999 or not jumps):
                    return False, sweep, work, leaps, new
                if stored and new > 0.3:
                    further = new / (1.0 - new)
                    for j in range(n):
                        x[j] += further * (x[j] - last_x[j])
                    for k in range(tail):
                        i = hot[k]
                        for s in range(ptr[i], ptr[i + 1]):
                            far = y[s] + further * (y[s] - last[s])
                            y[s] = min(max(far, 0.0), w[s])
                            d = y[s] - far
                            if d != 0.0:
                                for e in range(sp[s], sp[s + 1]):
                                    x[si[e]] += sd[e] * d
                                work += sp[s + 1] - sp[s]
                    stale = whole = True
                    leaps += 1
                    since = 0
                    hoped, size, new = new * size, np.inf, 2.0
        ratio = new
        before = size if size > 0.0 else np.inf
    return False, most, work, leaps, ratio


@compiled
def push(sp: Array, si: Array, sd: Array, y: Array, x: Array) -> Any:
    """`x = y @ S`, into x; returns the entries worked on."""
    x[:] = 0.0
    work = 0
    for s in range(len(y)):
        v = y[s]
        if v != 0.0:
            for e in range(sp[s], sp[s + 1]):
                x[si[e]] += sd[e] * v
            work += sp[s + 1] - sp[s]
    return work


@compiled
def round_of(owner: Array, c: Array, p: Array, w: Array, inv: Array, x: Array, y: Array,
             z: Array) -> Any:  # fmt: skip
    """One round, `z = clip(c + p · x[owner], 0, w)`; returns its largest change over the unit."""
    worst = 0.0
    for s in range(len(y)):
        i = owner[s]
        g = min(max(c[s] + p[s] * x[i], 0.0), w[s])
        z[s] = g
        worst = max(worst, abs(g - y[s]) * inv[s])
    return worst


@compiled
def thresholds(ptr: Array, c: Array, p: Array, out: Array) -> Any:
    """Losses of a node above which a segment is unpaid: `min_s −c_s / p_s`, into `out`."""
    for i in range(len(out)):
        low = np.inf
        for s in range(ptr[i], ptr[i + 1]):
            if c[s] > 0.0:
                low = -np.inf
            elif p[s] > 0.0:
                low = min(low, -c[s] / p[s])
        out[i] = low
    return 0


@compiled
def moving(ptr: Array, c: Array, p: Array, w: Array, x: Array, slack: Array, falling: bool,
           moves: Array) -> Any:  # fmt: skip
    """Mark segments that move when the losses of their owner rise (or fall) in moves (S,); a count.

    `0 ≤ c + p x < w` when they rise, `0 < c + p x ≤ w` when they fall, up to `slack` (n,).
    """
    count = 0
    for i in range(len(x)):
        for s in range(ptr[i], ptr[i + 1]):
            g = c[s] + p[s] * x[i]
            room = min(slack[i], 0.25 * w[s])
            if p[s] <= 0.0 or w[s] <= 0.0:
                moves[s] = False
            elif falling:
                moves[s] = g > room and g <= w[s] + room
            else:
                moves[s] = g >= -room and g < w[s] - room
            if moves[s]:
                count += 1
    return count


@compiled
def tight(ptr: Array, sp: Array, si: Array, p: Array, inside: Array, moves: Array,
          alive: Array, begin: Array, into: Array, queue: Array) -> Any:  # fmt: skip
    """Nodes in closed groups: they pass on all their losses, and only to nodes of this kind.

    A node leaks if its moving segments pass on less than 1 per unit of loss, or a creditor leaks.
    Sets `alive` (n,) and returns the number of nodes left. `begin` (n + 1,), `into` (one per entry)
    and `queue` (n,) are work arrays.
    """
    n = len(alive)
    tail, left = 0, 0
    for i in range(n):
        passed = 0.0
        for s in range(ptr[i], ptr[i + 1]):
            if moves[s]:
                passed += p[s] * inside[s]
        alive[i] = passed >= 1.0 - 1e-14
    for turn in range(4):
        changed = False
        left = 0
        for k in range(n):
            i = k if turn % 2 == 0 else n - 1 - k
            if alive[i]:
                for s in range(ptr[i], ptr[i + 1]):
                    if moves[s] and alive[i]:
                        for e in range(sp[s], sp[s + 1]):
                            if not alive[si[e]]:
                                alive[i] = False
                                changed = True
                                break
                if alive[i]:
                    left += 1
        if left == 0 or not changed:
            return left
    # reversed graph of losses among the remaining nodes; then backwards from every leak
    begin[:] = 0
    for i in range(n):
        if alive[i]:
            for s in range(ptr[i], ptr[i + 1]):
                if moves[s]:
                    for e in range(sp[s], sp[s + 1]):
                        begin[si[e] + 1] += 1
    for i in range(n):
        begin[i + 1] += begin[i]
        queue[i] = begin[i]
    for i in range(n):
        if alive[i]:
            for s in range(ptr[i], ptr[i + 1]):
                if moves[s]:
                    for e in range(sp[s], sp[s + 1]):
                        j = si[e]
                        into[queue[j]] = i
                        queue[j] += 1
    for i in range(n):
        if not alive[i]:
            queue[tail] = i
            tail += 1
    head = 0
    while head < tail:
        j = queue[head]
        head += 1
        for e in range(begin[j], begin[j + 1]):
            i = into[e]
            if alive[i]:
                alive[i] = False
                left -= 1
                queue[tail] = i
                tail += 1
    return left


@compiled
def bound(
    owner: Array, sp: Array, si: Array, sd: Array, p: Array, least: Array, moves: Array,
    total: Array, now: Array, z: Array, most: int,
) -> Any:  # fmt: skip
    """`v = Σ x_k + x_{k+1} / (1 − q)`, into `total`; returns q (1 if none is found), entries.

    x₀ = least (S,), `x_{k+1} = A x_k` on the segments that move. The sum ends at the first q below
    0.9, else the last q is used.
    """
    count = len(now)
    work = 0
    for s in range(count):
        now[s] = least[s]
        total[s] = now[s]
    q = 1.0
    for _ in range(most):
        z[:] = 0.0
        for s in range(count):
            v = now[s]
            if v > 0.0:
                for e in range(sp[s], sp[s + 1]):
                    z[si[e]] += sd[e] * v
                work += sp[s + 1] - sp[s]
        q = 0.0
        for s in range(count):
            new = p[s] * z[owner[s]] if moves[s] else 0.0
            if new > 0.0:
                q = max(q, new / now[s])
            now[s] = new
        if q < 0.9:
            break
        for s in range(count):
            total[s] += now[s]
    if q < 1.0:
        for s in range(count):
            total[s] += now[s] / (1.0 - q) * (1.0 + 1e-12)
    else:
        q = 1.0
    return q, work


@compiled
def again(owner: Array, sp: Array, si: Array, sd: Array, p: Array, rows: Array, v: Array,
          z: Array, out: Array) -> Any:  # fmt: skip
    """`out = A v` on the segments `rows`: effect of unpaid v on each segment; z (n,) work array."""
    z[:] = 0.0
    work = 0
    for k in range(len(rows)):
        s = rows[k]
        for e in range(sp[s], sp[s + 1]):
            z[si[e]] += sd[e] * v[k]
        work += sp[s + 1] - sp[s]
    for k in range(len(rows)):
        s = rows[k]
        out[k] = p[s] * z[owner[s]]
    return work
