"""Two distributions fitted to losses, all columns at once: normal and Student-t."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, nctdtrit, ndtri, polygamma, psi, stdtrit

from ..errors import ArgumentError, ConvergenceError
from .samples import Sample

CAP = 200.0  # largest degrees of freedom; above, a Student-t is almost a normal distribution

Fitted = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def normal_measure(data: Sample, level: float, confidence: float, tail: bool) -> Fitted:
    """m + c s with its standard error and interval (k,); exact by the noncentral t if unweighted.

    The distribution of (m + c s − (μ + c σ)) / (s / √n) has no unknown parameters: μ + c σ is below
    m + s q / √n with probability p, where q is the p-quantile of the noncentral t(n − 1) at c √n.
    """
    c, n = normal_multiple(level, tail), data.worth
    mean = data.w @ data.x
    s = np.sqrt(data.w @ (data.x - mean) ** 2 / (1 - 1 / n))
    value, error = mean + c * s, s * np.sqrt((1 + c * c / 2) / n)
    sides = (1 - confidence) / 2, (1 + confidence) / 2
    if data.weighted:
        low, high = (value + float(ndtri(p)) * error for p in sides)
    else:
        root = np.sqrt(n)
        low, high = (mean + s / root * float(nctdtrit(n - 1, c * root, p)) for p in sides)
    return value, error, low, high


def student_measure(
    data: Sample, level: float, confidence: float, tail: bool, degrees: float | None
) -> Fitted:
    """m + c(ν) s with its standard error and interval (k,), by the delta method."""
    m, s, v, cov = student_fit(data, degrees)
    if tail and not (v > 1).all():
        raise ArgumentError(
            f"expected shortfall is infinite at {v.min():.3g} degrees of freedom (<= 1); "
            "use value_at_risk or give degrees."
        )
    c, h = student_multiple(v, level, tail), 1e-5 * (v - 1 if tail else v)
    slope = (student_multiple(v + h, level, tail) - student_multiple(v - h, level, tail)) / (2 * h)
    gradient = np.stack([np.ones_like(c), c, s * slope], axis=-1)
    error = np.sqrt(np.einsum("ki,kij,kj->k", gradient, cov, gradient))
    value, z = m + c * s, float(ndtri(0.5 + confidence / 2))
    return value, error, value - z * error, value + z * error


def student_fit(data: Sample, degrees: float | None) -> Fitted:
    """Maximum likelihood for x = m + s t(ν): m, s, ν (k,) and their covariance (k, 3, 3).

    Fisher scoring on (m, log s, 1/ν), in which the likelihood is regular up to the normal limit. ν
    is fixed if the caller gives it or when it reaches 200.
    """
    x, w = data.x, data.w
    m = w @ x
    s = np.sqrt(0.6 * (w @ (x - m) ** 2))
    if not (s > 0).all():
        column = int(np.argmin(s > 0))
        raise ArgumentError(f"losses do not vary in column {column}; a Student-t needs a scale.")
    v = np.full_like(m, 5.0 if degrees is None else degrees)
    for turn in range(1000):
        d = (x - m) / s
        pull = (v + 1) / (v + d * d)
        excess = w @ (pull * d * d) - 1
        score_v = (psi((v + 1) / 2) - psi(v / 2) + excess / v - w @ np.log1p(d * d / v)) / 2
        held = _held(v, degrees) & ((degrees is not None) | (score_v > 0))
        ss, sv, vv = information(v)
        # The same in g = 1/ν: dν = −ν² dg.
        sg, gg, score_g = -v * v * sv, v**4 * vv, -v * v * score_v
        sg, gg, score_g = (np.where(held, a, b) for a, b in ((0.0, sg), (1.0, gg), (0.0, score_g)))
        det = ss * gg - sg * sg
        step_m = w @ (pull * d) * s * (v + 3) / (v + 1)
        # Expected and observed information differ; shorter steps stop oscillation.
        pace = 0.5 ** (turn // 100)
        step_s = pace * np.clip((gg * excess - sg * score_g) / det, -0.5, 0.5)
        now = 1 / v
        new = np.clip(now + pace * (ss * score_g - sg * excess) / det, now / 2, 2 * now)
        new = np.where(held, now, np.maximum(new, 1 / CAP))
        done = max(np.abs(step_m / s).max(), np.abs(step_s).max(), np.abs(new - now).max()) < 1e-9
        m, s, v = m + step_m, s * np.exp(step_s), 1 / new
        if done:
            break
    else:
        raise ConvergenceError(
            "The Student-t fit did not converge in 1,000 steps; give degrees=, or another method.",
            (m, s, v),
        )
    held = _held(v, degrees)
    ss, sv, vv = information(v)
    det = np.where(held, ss, ss * vv - sv * sv)
    cov = np.zeros((len(m), 3, 3))
    cov[:, 0, 0] = s * s * (v + 3) / (v + 1)
    cov[:, 1, 1] = s * s * np.where(held, 1.0, vv) / det
    cov[:, 1, 2] = cov[:, 2, 1] = np.where(held, 0.0, -sv * s / det)
    cov[:, 2, 2] = np.where(held, 0.0, ss / det)
    return m, s, v, cov / data.worth


def _held(v: np.ndarray, degrees: float | None) -> np.ndarray:
    """Whether the degrees are given, or at their upper limit."""
    return np.full(v.shape, degrees is not None) | (v >= CAP * (1 - 1e-9))


def information(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected information of one observation on (log s, ν): entries ss, sν, νν.

    Checked against the simulated covariance of the scores in the tests.
    """
    vv = (polygamma(1, v / 2) - polygamma(1, (v + 1) / 2)) / 4
    vv = vv - (v + 5) / (2 * v * (v + 1) * (v + 3))
    return 2 * v / (v + 3), -2 / ((v + 1) * (v + 3)), vv


def normal_multiple(level: float, tail: bool) -> float:
    """VaR (or, with `tail`, expected shortfall) of the standard normal: z, or φ(z)/(1 − level)."""
    z = float(ndtri(level))
    return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi) / (1 - level)) if tail else z


def student_multiple(v: np.ndarray, level: float, tail: bool) -> np.ndarray:
    """The same of the t distribution with ν degrees: t, or f(t)/(1 − level) · (ν + t²)/(ν − 1)."""
    t = stdtrit(v, level)
    if not tail:
        return np.asarray(t)
    log_f = gammaln((v + 1) / 2) - gammaln(v / 2) - np.log(v * np.pi) / 2
    log_f = log_f - (v + 1) / 2 * np.log1p(t * t / v)
    return np.asarray(np.exp(log_f) / (1 - level) * (v + t * t) / (v - 1))
