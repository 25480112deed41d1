"""Exponential twisting of default probabilities, for many scenarios at once."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

STEPS = 60  # Newton steps, bisection if they leave the bracket; usually ten are enough
MOST = 500.0  # largest θ c: probabilities below e^−500 are not raised


def twisted(
    chance: np.ndarray, severity: np.ndarray, target: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raise independent default probabilities until the expected loss reaches a target.

    For each row, with θ ≥ 0 the root of Σ_i c_i q_i(θ) = target (0 if the expected loss is already
    above it):

        q_i(θ) = p_i e^(θ c_i) / (1 − p_i + p_i e^(θ c_i))
        ψ(θ) = Σ_i log(1 − p_i + p_i e^(θ c_i))
        likelihood ratio of a scenario with loss L = Σ c_i 1{i defaults}:  e^(ψ(θ) − θ L)

    Parameters
    ----------
    chance : (k, n) p. severity : (n,) c ≥ 0. target : in the unit of c.

    Returns
    -------
    q (k, n), ψ (k,), θ (k,).

    Example
    -------
    >>> q, psi, theta = twisted(np.array([[0.1, 0.1]]), np.ones(2), 1.0)
    >>> q.round(9), theta.round(6)                       # half each; θ = log 9
    (array([[0.5, 0.5]]), array([2.197225]))

    Source: after Glasserman and Li (2005), Management Science 51(11).
    """
    largest = float(severity.max())
    cost, aim = severity / largest, target / largest
    with np.errstate(divide="ignore"):
        log_p, log_rest = np.log(chance), np.log1p(-chance)
    odds = log_p - log_rest
    theta = np.zeros(len(chance))
    low, high = np.zeros(len(chance)), np.full(len(chance), MOST)
    rows = np.flatnonzero(chance @ cost < aim)
    for _ in range(STEPS):
        q = expit(odds[rows] + theta[rows, None] * cost)
        gap = q @ cost - aim
        slope = (q * (1 - q)) @ cost**2
        low[rows[gap < 0]], high[rows[gap >= 0]] = theta[rows[gap < 0]], theta[rows[gap >= 0]]
        moving = (np.abs(gap) > 1e-10 * aim) & (high[rows] - low[rows] > 1e-12)
        step = (theta[rows] - gap / np.maximum(slope, 1e-300))[moving]
        rows = rows[moving]
        if not len(rows):
            break
        inside = (step > low[rows]) & (step < high[rows])
        theta[rows] = np.where(inside, step, (low[rows] + high[rows]) / 2)
    lifted = theta[:, None] * cost
    psi = np.logaddexp(log_rest, log_p + lifted).sum(1)
    return expit(odds + lifted), psi, theta / largest
