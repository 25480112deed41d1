"""Stability: whether the leverage network amplifies small losses or dampens them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.sparse import csr_array

from ..network.exposure_network import ExposureNetwork
from ..records import Scores
from ..text import listing, plural
from .registry import Measure, of_system
from .spectra import claim_matrix, perron_root

ROOM = 1e-9  # tolerance around 1 for "borderline"
NO_EQUITY = "no node with claims has positive known equity"


@dataclass(frozen=True)
class LeverageStability:
    """Largest eigenvalue of the leverage matrix, and the verdict that follows from it.

    Attributes
    ----------
    radius : largest eigenvalue r of Λ, a pure number; exactly 0 if claims form no cycle, nan if
        no row of Λ is defined.
    verdict : "stable" (r < 1), "unstable" (r > 1), "borderline" (r = 1), or "unknown": r is nan, or
        not above 1 while nodes are left out, which can only lower r.
    left_out : nodes with claims whose equity is not positive or not known; they have no leverage.
    text : the verdict as a sentence.
    """

    radius: float
    verdict: str
    left_out: tuple[object, ...]
    text: str

    def to_dict(self) -> dict[str, object]:
        """The record as a dict."""
        return asdict(self)


def leverage_stability(network: ExposureNetwork) -> LeverageStability:
    """Stability of the leverage network: the largest eigenvalue of `Λ[i, j] = X[i, j] / K_i`.

    If losses are passed on in proportion, a small relative loss of equity h becomes Λh in the next
    round of contagion. The rounds die out if the largest eigenvalue r is below 1 (stable). If it is
    above 1, some small shock grows until a node defaults (unstable), in every such model. High
    leverage alone is not enough: without a cycle of claims r is 0.

    Parameters
    ----------
    network : exposures and equity. Nodes with claims whose equity is not positive or not known
        are left out with their claims and debts, and named; that can only lower r. Whether a
        node can fail is not used.

    Returns
    -------
    LeverageStability. If nodes are left out, the verdict "unstable" remains valid; otherwise it is
    "unknown".

    Example
    -------
    a has a claim of 4 times its equity on b, b of 0.3 times its equity on a: r = √(4 · 0.3).

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 4], [0.3, 0]], ["a", "b"],
    ...     orientation="creditor->debtor", equity=[1, 1])
    >>> found = leverage_stability(net)
    >>> round(found.radius, 6), found.verdict
    (1.095445, 'unstable')

    Source: after Bardoscia, Battiston, Caccioli & Caldarelli (2017), Nature Communications 8:14416.
    """
    claims = claim_matrix(network)
    equity = network.book.equity
    holds = claims.sum(axis=1) > 0
    out = holds & ~(equity > 0)
    keep = np.flatnonzero(~out)
    left_out = tuple(network.names[out])
    if out.any() and not (holds & ~out).any():
        return LeverageStability(np.nan, "unknown", left_out, f"Not known: {NO_EQUITY}.")
    rows = claims[keep][:, keep]
    by = np.repeat(np.where(holds[keep], equity[keep], 1.0), np.diff(rows.indptr))
    radius = perron_root(csr_array((rows.data / by, rows.indices, rows.indptr), shape=rows.shape))
    return LeverageStability(radius, *_verdict(radius, left_out))


def _verdict(radius: float, left_out: tuple[object, ...]) -> tuple[str, tuple[object, ...], str]:
    size = f"The largest eigenvalue of the leverage matrix is {radius:.4g}"
    without = f" without {plural(len(left_out), 'node')} ({listing(left_out)})" if left_out else ""
    if radius > 1 + ROOM:
        word, means = "unstable", "above 1: some small losses grow from round to round."
    elif left_out:
        word = "unknown"
        means = "not above 1; they have no positive known equity, and with them it can be larger."
    elif radius < 1 - ROOM:
        word, means = "stable", "below 1: small losses shrink from round to round."
    else:
        word, means = "borderline", "1: small losses neither grow nor shrink."
    return word, left_out, f"{size}{without}, {means}"


def _radius(network: ExposureNetwork) -> Scores:
    return of_system("leverage_radius", leverage_stability(network).radius, NO_EQUITY)


DEFINITIONS = (
    Measure(
        "leverage_radius",
        "r(Λ), Λ[i, j] = X[i, j] / K_i",
        "number",
        "after Bardoscia, Battiston, Caccioli & Caldarelli (2017), Nature Communications 8:14416",
        title="spectral radius of leverage",
        denominator="own equity of the creditor",
        about="vulnerability",
        scope="system",
        of=_radius,
    ),
)
