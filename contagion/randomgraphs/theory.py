"""Cascades in large random graphs without short cycles: condition, frequency, extent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from ..errors import ArgumentError

GRID = 4000
HALVINGS = 80
NEWTON = 200


@dataclass(frozen=True)
class Theory:
    """The effect of one default in a graph of many nodes.

    Attributes
    ----------
    reproduction : G₁'(1), expected number of further links in default for each link in default,
        through vulnerable nodes; contagion can spread where it is above 1.
    frequency : probability that the default of a random node spreads without limit.
    extent : share of nodes in default if it does; nan where it cannot.
    """

    reproduction: float
    frequency: float
    extent: float


def directed_theory(joint: np.ndarray, needed: np.ndarray) -> Theory:
    """A directed graph in which default spreads from debtor to creditor, after Gai and Kapadia.

    p_jk is the share of nodes with j debtors and k creditors, z the average degree, m_j the number
    of defaults among j debtors that causes the creditor to default, and v_j = [m_j = 1 ≤ j]:

        reproduction   Σ j k v_j p_jk / z                       above 1: contagion
        H              = 1 − G₁(1) + G₁(H),  G₁(y) = Σ j v_j p_jk y^k / z      (least root)
        frequency      1 − Σ p_jk H^k                           the first node always defaults
        π              = Σ k p_jk P[Bin(j, π) ≥ m_j] / z        (least root above 0)
        extent         Σ p_jk P[Bin(j, π) ≥ m_j]

    H is the probability that the cascade started by one claim in default dies out. π is the
    probability that a debtor is in default at the end, nodes with m_j above 1 included.

    Parameters
    ----------
    joint : (J, K) probabilities p_jk, row = number of debtors, column = number of creditors. The
        two average degrees are equal: Σ j p_jk = Σ k p_jk.
    needed : (J,) defaults needed, see :func:`failures_needed`.

    Raises
    ------
    ArgumentError : for invalid probabilities, or average degrees that differ.

    Example
    -------
    Every node has 2 debtors and 2 creditors, and one default is enough: all nodes always default.

    >>> joint = np.zeros((3, 3)); joint[2, 2] = 1.0
    >>> directed_theory(joint, np.array([1, 1, 1]))
    Theory(reproduction=2.0, frequency=1.0, extent=1.0)
    >>> directed_theory(joint, np.array([1, 2, 2])).reproduction          # two are needed
    0.0

    Source: Gai & Kapadia (2010), Proceedings of the Royal Society A 466, condition Σ j k v_j p_jk
    = z and the generating functions; the extent after Gleeson & Cahalane (2007) and Amini, Cont &
    Minca (2016), in which debtors are drawn by the number of their creditors.
    """
    joint = np.asarray(joint, float)
    if joint.ndim != 2 or len(needed) != len(joint) or not (joint >= 0).all():
        raise ArgumentError("joint is (J, K) with probabilities >= 0, needed has J entries.")
    j, k = np.arange(joint.shape[0]), np.arange(joint.shape[1])
    held, owed = float(j @ joint.sum(axis=1)), float(joint.sum(axis=0) @ k)
    if abs(joint.sum() - 1) > 1e-9 or abs(held - owed) > 1e-9 * max(held, 1.0):
        raise ArgumentError(
            f"The probabilities sum to {joint.sum():g}, with {held:g} debtors and {owed:g} "
            "creditors on average; they sum to 1, and every claim has one of each."
        )
    vulnerable = (needed <= 1) & (j >= 1)
    passed = (j * vulnerable) @ joint / held if held else 0.0 * k
    drawn = joint @ k / held if held else 0.0 * j
    return _solved(passed, joint.sum(axis=0), drawn, j, joint.sum(axis=1), j, needed)


def undirected_theory(degrees: np.ndarray, needed: np.ndarray) -> Theory:
    """An undirected graph in which a node fails when enough neighbours have failed, after Watts.

    p_k is the share of nodes with k neighbours, and v_k = [m_k = 1 ≤ k]:

        reproduction   Σ k (k − 1) v_k p_k / z                  above 1: global cascades
        H              = 1 − G₁(1) + G₁(H),  G₁(y) = Σ k v_k p_k y^(k−1) / z   (least root)
        frequency      1 − Σ p_k H^k
        π              = Σ k p_k P[Bin(k − 1, π) ≥ m_k] / z     (least root above 0)
        extent         Σ p_k P[Bin(k, π) ≥ m_k]

    Parameters
    ----------
    degrees : (K,) probabilities of 0, 1, 2 … neighbours.
    needed : (K,) failures needed.

    Raises
    ------
    ArgumentError : for probabilities that do not sum to 1, or another number of thresholds.

    Example
    -------
    Every node has 3 neighbours and fails after the first of them: each failure leads to 2 more.

    >>> undirected_theory(np.array([0, 0, 0, 1.0]), np.array([1, 1, 1, 1]))
    Theory(reproduction=2.0, frequency=1.0, extent=1.0)

    Source: Watts (2002), PNAS 99(9), the condition G₀''(1) = z; extent after Gleeson & Cahalane
    (2007), Physical Review E 75, 056103, for a vanishing share of nodes that fail first.
    """
    pmf = np.asarray(degrees, float)
    if len(needed) != len(pmf) or not (pmf >= 0).all() or abs(pmf.sum() - 1) > 1e-9:
        raise ArgumentError("degrees are probabilities that sum to 1, needed has as many entries.")
    k = np.arange(len(pmf))
    mean = float(pmf @ k)
    edge = pmf * k / mean if mean else 0.0 * pmf
    vulnerable = (needed <= 1) & (k >= 1)
    passed = np.append((edge * vulnerable)[1:], 0.0)
    return _solved(passed, pmf, edge, np.maximum(k - 1, 0), pmf, k, needed)


def _solved(
    passed: np.ndarray,
    first: np.ndarray,
    drawn: np.ndarray,
    others: np.ndarray,
    nodes: np.ndarray,
    degree: np.ndarray,
    needed: np.ndarray,
) -> Theory:
    """The numbers of a branching process.

    passed (K,): probability that a link leads to a vulnerable node with k further links;
    first (K,): distribution of the links of the first node; drawn, others (J,): probabilities and
    other incoming links of the node at the end of a link; nodes, degree (J,): probabilities and
    degrees of all nodes; needed (J,): as above.
    """
    k = np.arange(len(passed))
    reproduction = float(passed @ k)
    if reproduction <= 1:
        return Theory(reproduction, 0.0, float("nan"))
    h = 0.0  # Newton from the left: 1 − G₁(1) + G₁(h) − h is convex and falls to its first root
    for _ in range(NEWTON):
        slope = float(passed[1:] @ (k[1:] * h ** (k[1:] - 1.0))) - 1
        step = (1 - float(passed.sum()) + float(passed @ h**k) - h) / slope
        h -= step
        if abs(step) < 1e-15:
            break
    h = min(max(h, 0.0), 1.0)

    def grown(part: np.ndarray) -> np.ndarray:
        return np.asarray(_reached(others, needed, part) @ drawn - part)

    tries = np.unique(np.concatenate([np.geomspace(1e-9, 1.0, GRID), np.linspace(0, 1, GRID)[1:]]))
    below = np.flatnonzero(grown(tries) <= 0)
    at = int(below[0]) if len(below) else len(tries) - 1
    low, high = tries[max(at - 1, 0)], tries[at]
    for _ in range(HALVINGS if at else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if grown(np.array([middle]))[0] > 0 else (low, middle)
    extent = float(_reached(degree, needed, np.array([high]))[0] @ nodes)
    return Theory(reproduction, float(1 - first @ h**k), extent)


def _reached(inputs: np.ndarray, needed: np.ndarray, part: np.ndarray) -> np.ndarray:
    """P[Bin(inputs, part) ≥ needed], shape (parts, J)."""
    able = needed <= inputs
    trials = np.where(able, inputs, 1)
    enough = bdtrc(np.where(able, needed - 1, 0), trials, part[:, None])
    return np.asarray(np.where(able, enough, 0.0))
