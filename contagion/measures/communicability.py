"""Communicability: the chains of defaults that a network of claims and capital allows.

The measures of this file use one matrix, the impact of the default of debtor i on creditor j,

    V[i, j] = 1 if X[j, i] ≥ K_j else 0        or min(1, X[j, i] / K_j) with `binary=False`

with X the claims and K the equity. `exp(V)[i, j] = Σ_k (V^k)[i, j] / k!` sums the paths by which
the default of i reaches j; a path of k defaults has weight 1/k!. Defaults do not reach nodes that
cannot fail or have no positive known equity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import expect
from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..vocabulary import Rng
from . import drawn
from .registry import Measure, of_system, reasoned, scored
from .spectra import claim_matrix, exponential, power_terms, strong_components

CHUNK = 2**22  # entries of a dense block held at a time
ROOM = 1e-12  # tolerance for rounding errors in the comparison of claim and equity
NOT_ABLE = "it cannot fail, or has no positive known equity"
NOT_HIT = "no single default hits it"
NO_IMPACT = "its default hits no other node"
TOO_MANY = "the sum over paths is too large for a floating-point number"


def _able(network: ExposureNetwork) -> np.ndarray:
    """(n,) bool: nodes that another default can make default."""
    return np.asarray(network.book.can_fail & (np.nan_to_num(network.book.equity) > 0))


def impact_matrix(network: ExposureNetwork, *, binary: bool = True) -> csr_array:
    """`V[i, j]`, shape (n, n): the impact of the default of debtor i on the equity of creditor j.

    Parameters
    ----------
    network : the exposures, parallel claims added; the recovery rate is 0.
    binary : True: 1 where the claim is at least the equity, 0 otherwise. False: the share of
        the equity that is lost, at most 1.

    Returns
    -------
    csr_array of shares in [0, 1]. Columns of nodes that cannot fail or have no positive known
    equity are empty.

    Example
    -------
    b has equity 4 and a claim of 5 on a, c has equity 4 and a claim of 1.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 1], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 4, 4])
    >>> impact_matrix(net).toarray()[0].tolist()
    [0.0, 1.0, 0.0]
    >>> impact_matrix(net, binary=False).toarray()[0].tolist()
    [0.0, 1.0, 0.25]

    Source: after Silva, Souza & Tabak (2017), Journal of Economic Dynamics and Control 76, as in
    the package NetworkRiskMeasures, which an author of the paper wrote.
    """
    expect(network=network)
    claims = claim_matrix(network).tocoo()
    able = _able(network)
    victim = able[claims.row]
    debtor, creditor = claims.col[victim], claims.row[victim]
    part = np.minimum(claims.data[victim] / network.book.equity[creditor], 1.0)
    if binary:
        part = np.where(part >= 1.0 - ROOM, 1.0, 0.0)
    hit = part > 0
    return csr_array((part[hit], (debtor[hit], creditor[hit])), shape=claims.shape)


def impact_susceptibility(
    network: ExposureNetwork, *, binary: bool = True, k: int | None = None, rng: Rng = None
) -> Scores:
    """Impact susceptibility: paths by which defaults reach a node, divided by the direct paths.

        S_j = Σ_{i≠j} exp(V)[i, j] / Σ_i V[i, j]

    If it is above 1, defaults of nodes without a direct link can make the node default (remotely
    vulnerable).

    The cost is one exponential for each node on a cycle of defaults: minutes for 10,000 nodes if
    most are on cycles.

    Parameters
    ----------
    network : exposures and equity.
    binary : of the impact matrix, see :func:`impact_matrix`.
    k : if more nodes than this are on cycles of defaults, the paths from a node to itself are
        estimated from k vectors of random signs, and `notes` has the error; by default exact.
    rng : seed or generator of the draw.

    Returns
    -------
    Scores : pure numbers of 1 or more with `binary=True`; nan, with the reason, where no default
    hits the node, it cannot fail, or its equity is not known or not positive.

    Example
    -------
    The default of a makes b default, and that of b makes c default: c has one direct path and one
    path of two steps, which has weight 1/2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 0], [0, 0, 5], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 4, 4])
    >>> impact_susceptibility(net).tolist()
    [nan, 1.0, 1.5]

    Source: after Silva, Souza & Tabak (2017), Journal of Economic Dynamics and Control 76; the
    formula is that of the package NetworkRiskMeasures, which an author of the paper wrote. The
    paper itself was not read.
    """
    impact = impact_matrix(network, binary=binary)
    direct = impact.sum(axis=0)
    walks = exponential(csr_array(impact.T), np.ones(len(network)))
    with np.errstate(invalid="ignore", divide="ignore"):
        own = [returns.sum(axis=0) for returns in _returns(impact, k, rng)]
        found = (walks - np.array(own)) / direct
    values = found.mean(axis=0)
    reasons = {
        NOT_ABLE: ~_able(network),
        NOT_HIT: direct == 0,
        TOO_MANY: ~np.isfinite(values),
    }
    notes = drawn.error(found, drawn=k) if k is not None and len(found) > 1 else ()
    return scored("impact_susceptibility", values, network.names, reasons, notes=notes)


def impact_fluidity(network: ExposureNetwork, *, binary: bool = True) -> float:
    """Impact fluidity of the network: the mean impact susceptibility.

        F = Σ_j S_j / N

    over the N nodes that can fail and whose equity is known and positive; a node that no default
    hits counts as 0.

    Parameters
    ----------
    network : exposures and equity.
    binary : of the impact matrix, see :func:`impact_matrix`.

    Returns
    -------
    A pure number; nan without such a node, or if the number of paths overflows.

    Example
    -------
    As for :func:`impact_susceptibility`: (0 + 1 + 1.5) / 3.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 0], [0, 0, 5], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 4, 4])
    >>> round(impact_fluidity(net), 6)
    0.833333

    Source: after Silva, Souza & Tabak (2017), as :func:`impact_susceptibility`.
    """
    return float(_fluidity(network, binary).iloc[0])


def _fluidity(network: ExposureNetwork, binary: bool = True) -> Scores:
    found = impact_susceptibility(network, binary=binary)
    said = set(found.reasons.values())
    able = int(_able(network).sum())
    value = found.sum() / able if able and TOO_MANY not in said else np.nan
    why = TOO_MANY if TOO_MANY in said else "no node can fail and has positive known equity"
    return of_system("impact_fluidity", float(value), why)


def impact_diffusion(network: ExposureNetwork, *, binary: bool = True) -> pd.DataFrame:
    """Impact diffusion influence: paths of default that need a node, over its direct paths.

        start_q = Σ_{j≠q} exp(V)[q, j] / k_q                       paths that begin at q
        intermediate_q = Σ_{i≠q} Σ_{j≠i} (exp(V) − exp(V_q))[i, j] / k_q        that lead through it

    with V_q the impact matrix without its row q (q passes nothing on) and `k_q = Σ_j V[q, j]`.

    The cost is as for :func:`impact_susceptibility`.

    Parameters
    ----------
    network : exposures and equity.
    binary : of the impact matrix, see :func:`impact_matrix`.

    Returns
    -------
    DataFrame, one row a node: start, intermediate, total (pure numbers), reason. They are nan,
    with the reason, for a node whose default hits no other node.

    Example
    -------
    The default of a makes b default, and that of b makes c default. Without b two paths are lost:
    b to c, and a to c with weight 1/2.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 5, 0], [0, 0, 5], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 4, 4])
    >>> impact_diffusion(net).loc["b", ["start", "intermediate", "total"]].tolist()
    [1.0, 0.5, 1.5]

    Source: after Silva, Souza & Tabak (2017), as :func:`impact_susceptibility`.
    """
    return _diffusions(network, binary, None, None)[0]


def _diffusions(
    network: ExposureNetwork, binary: bool, k: int | None, rng: Rng
) -> list[pd.DataFrame]:
    """Impact diffusion influence: one table, or one for every group of the draw of k."""
    impact = impact_matrix(network, binary=binary)
    reach = impact.sum(axis=1)
    paths = exponential(impact, np.ones(len(network)))
    tables = []
    for returns in _returns(impact, k, rng):
        with np.errstate(over="ignore", invalid="ignore"):
            every, own = _through(impact, returns)
            start = paths - returns.sum(axis=0)
        reason = np.where(reach == 0, NO_IMPACT, "").astype(object)
        reason[(reason == "") & ~np.isfinite(every)] = TOO_MANY
        per = np.where(reason == "", reach, np.nan)
        with np.errstate(invalid="ignore"):
            through = np.maximum(every - start - own, 0.0)
            parts = {"start": start / per, "intermediate": through / per}
            parts["total"] = parts["start"] + parts["intermediate"]
        tables.append(pd.DataFrame({**parts, "reason": reason}, index=network.names))
    return tables


def _returns(matrix: csr_array, k: int | None, rng: Rng) -> list[np.ndarray]:
    """(K + 1, n) closed walks `(V^m)_ii / m!` for m = 0 ... K, computed only on cycles.

    One array; if more than k nodes are on cycles, one estimate for each group of a draw of k.
    """
    n = matrix.shape[0]
    label = strong_components(matrix)
    inside = np.flatnonzero(np.bincount(label)[label] > 1)
    cycles = matrix[inside][:, inside]
    none = [np.ones(n)]
    endless = ~np.isfinite(exponential(cycles, np.ones(len(inside))))
    if endless.any():  # infinite without further computation
        none.append(np.zeros(n))
        none[1][inside[endless]] = np.inf
        inside, cycles = inside[~endless], cycles[~endless][:, ~endless]
    if k is not None and k < len(inside):
        signs = drawn.signs(len(inside), k, rng)
        return [_at(inside, none, _estimated(cycles, z)) for z in signs]
    size = max(1, CHUNK // max(len(inside), 1))
    found = none
    for first in range(0, len(inside), size):
        here = np.arange(first, min(first + size, len(inside)))
        at = (here, np.arange(len(here)))
        start = np.zeros((len(inside), len(here)))
        start[at] = 1.0
        found = list(_at(inside[here], found, [term[at] for term in power_terms(cycles, start)]))
    return [np.array(found)]


def _at(where: np.ndarray, first: list[np.ndarray], terms: Sequence[np.ndarray]) -> np.ndarray:
    """Rows `first` for m = 0 ..., with the terms for m = 1 ... written at the nodes `where`."""
    rows = _padded(first, max(len(first), 1 + len(terms)))
    for m, term in enumerate(terms, start=1):
        rows[m, where] = term
    return rows


def _estimated(cycles: csr_array, signs: np.ndarray) -> list[np.ndarray]:
    """(n,) mean of `z_i (V^m z)_i / m!`, m = 1 ..., over the columns z = 2 p − 1, p of 0 and 1."""
    start = np.column_stack([np.ones(len(signs)), signs > 0])
    return [
        (signs * (2.0 * term[:, 1:] - term[:, :1])).mean(axis=1)
        for term in power_terms(cycles, start)
    ]


def _through(matrix: csr_array, returns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) sums of `exp(V) − exp(V_q)` for every q: over all entries, and over the diagonal.

    Use the generating functions of walks by length: R for walks that end at q, S for walks that
    begin at q, G for walks that do both. The walks that leave q are `R (S − 1) / G` (up to the
    first visit, and on from there), the closed walks `z G′ / G` (of the rotations of a walk with r
    visits of q, r begin at q). All series are divided by k!, term by term.
    """
    ones = np.ones(matrix.shape[0])
    begin = [ones, *power_terms(matrix, ones)]
    end = [ones, *power_terms(csr_array(matrix.T), ones)]
    most = max(len(begin), len(end), len(returns))
    s, r, g = (_padded(terms, most) for terms in (begin, end, returns))
    s[0] = 0.0
    first, closed = np.zeros_like(g), np.zeros_like(g)
    every, own = np.zeros(len(ones)), np.zeros(len(ones))
    weight = np.ones(1)  # 1 / C(k, m), m = 0 ... k
    for k in range(most):
        if k:
            m = np.arange(k + 1)
            weight = np.where(m == 0, 1.0, np.append(1.0, weight) * m / k)
        down = slice(k, None, -1)
        first[k] = r[k] - (weight[:k, None] * first[:k] * g[down][:k]).sum(axis=0)
        closed[k] = k * g[k] - (weight[:k, None] * closed[:k] * g[down][:k]).sum(axis=0)
        every += (weight[:, None] * first[: k + 1] * s[down]).sum(axis=0)
        own += closed[k]
    return every, own


def _padded(terms: Sequence[np.ndarray] | np.ndarray, rows: int) -> np.ndarray:
    """Terms as rows of a matrix, padded with zero rows."""
    table = np.zeros((rows, len(terms[0])))
    table[: len(terms)] = terms
    return table


def _diffusion(network: ExposureNetwork, *, k: int | None = None, rng: Rng = None) -> Scores:
    tables = _diffusions(network, True, k, rng)
    found = np.array([table["total"] for table in tables])
    notes = drawn.error(found, drawn=k) if k is not None and len(found) > 1 else ()
    table = tables[0].assign(total=found.mean(axis=0))
    return reasoned("impact_diffusion", table, "total", notes)


DEFINITIONS = (
    Measure(
        "impact_susceptibility",
        "Σ_{i≠j} exp(V)[i, j] / Σ_i V[i, j], V[i, j] = 1 if X[j, i] ≥ K_j",
        "number",
        "after Silva, Souza & Tabak (2017), JEDC 76",
        denominator="direct paths",
        about="vulnerability",
        of=impact_susceptibility,
        drawn=True,
    ),
    Measure(
        "impact_diffusion",
        "Σ_i Σ_{j≠i} (exp(V) − exp(V_q))[i, j] / Σ_j V[q, j], V_q without row q",
        "number",
        "after Silva, Souza & Tabak (2017), JEDC 76",
        title="impact diffusion influence",
        denominator="direct paths",
        of=_diffusion,
        drawn=True,
    ),
    Measure(
        "impact_fluidity",
        "Σ_j S_j / N, S the impact susceptibility",
        "number",
        "after Silva, Souza & Tabak (2017), JEDC 76",
        denominator="nodes that can fail",
        about="vulnerability",
        scope="system",
        of=_fluidity,
    ),
)
