"""Tests of margin coverage: the number and the timing of days with a loss above the margin.

Rows are days, oldest first; other axes are separate series. An exceedance is a day with a loss
above the value at risk (or margin) of that day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, chdtrc, ndtri

from ..statistics.arrays import Numbers, answer
from ..statistics.samples import known
from ..vocabulary import LEVEL
from .exceedance_counts import binomial_test, counts, days, markov_test


@dataclass(frozen=True)
class CoverageTest:
    """A likelihood-ratio test of exceedances.

    Attributes
    ----------
    statistic : (...) likelihood ratio, >= 0; large values are evidence against the model.
    p_value : (...) by the chi-squared distribution, for long series.
    exact : (...) probability of a statistic at least as large, without approximation; nan if not
        computed.
    exceedances : (...) days with an exceedance.
    n : days.
    """

    statistic: Numbers
    p_value: Numbers
    exact: Numbers
    exceedances: Numbers
    n: int


@dataclass(frozen=True)
class TrafficLight:
    """Zone of a model by its number of exceedances.

    Attributes
    ----------
    zone : (...) "green", "yellow" or "red".
    probability : (...) of at most that many exceedances if the model is right.
    increase : (...) addition to a multiplier of 3: 0 in green, 1 in red.
    """

    zone: np.ndarray
    probability: Numbers
    increase: Numbers


def exceedances(losses: ArrayLike, margin: ArrayLike) -> np.ndarray:
    """Days with a loss above the margin; a loss equal to the margin is no exceedance.

    losses, margin : (n, ...) losses (positive) and the margin of the day; they broadcast.

    Raises ArgumentError for nan: a day without margin is not a day without exceedance.

    Example
    -------
    >>> exceedances([5, 10, 12], [10, 10, 10])
    array([False, False,  True])

    Source: definition of an exception in Basel Committee (1996), Supervisory framework for the use
    of backtesting.
    """
    loss, cover = known("losses", losses), known("margin", margin)
    return np.asarray(loss > cover)


def kupiec_test(count: ArrayLike, n: int, level: float = LEVEL) -> CoverageTest:
    """Test of the proportion of exceedances against the level.

    LR = 2 [x ln(x/n) + (n − x) ln(1 − x/n) − x ln p − (n − x) ln(1 − p)],  p = 1 − level,
    chi-squared with 1 degree of freedom; `exact` sums the binomial probabilities of all counts
    whose LR is at least as large.

    Parameters
    ----------
    count : (...) exceedances x, whole, 0 to n: `exceedances(...).sum(0)`.
    n : days, >= 1.
    level : of the value at risk, between 0 and 1.

    Raises
    ------
    ArgumentError : nan, a count that is not whole or above n, a level out of range.

    Example
    -------
    57 exceedances in 1,043 days at 95 % (52 are expected):

    >>> test = kupiec_test(57, 1_043, 0.95)
    >>> round(test.statistic, 5), round(test.p_value, 5)
    (0.46147, 0.49694)

    Source: Kupiec (1995), Journal of Derivatives 3(2); formula and example: MathWorks,
    varbacktest.pof (Risk Management Toolbox).
    """
    x, p = counts(count, n, level), 1 - level
    found, exact = binomial_test(x, n, p)
    return CoverageTest(answer(found), answer(chdtrc(1, found)), answer(exact), answer(x), n)


def independence_test(exceeded: ArrayLike) -> CoverageTest:
    """Test for clusters of exceedances: Christoffersen's test against a Markov chain.

        LR = 2 [n00 ln(1 − π01) + n01 ln π01 + n10 ln(1 − π11) + n11 ln π11
                − (n00 + n10) ln(1 − π) − (n01 + n11) ln π]

    n_ab = days in state b after a day in state a, π_ab = n_ab / (n_a0 + n_a1), 0 ln 0 = 0,
    chi-squared with 1 degree of freedom. `exact`: given the number of exceedances, every order of
    the days is equally likely if they are independent; orders are counted by their number of runs.

    Parameters
    ----------
    exceeded : (n, ...) True on days of an exceedance, n >= 2.

    Returns
    -------
    CoverageTest; the statistic is 0 without exceedances, as they give no evidence.

    Raises
    ------
    ArgumentError : values that are not True or False, fewer than two days.

    Example
    -------
    Four exceedances in a row in 40 days. In random order at most 1 % of series are this extreme.

    >>> test = independence_test([False] * 20 + [True] * 4 + [False] * 16)
    >>> round(test.statistic, 3), test.exact < 0.01
    (12.213, True)

    Source: Christoffersen (1998), International Economic Review 39(4); formula as in MathWorks,
    varbacktest.cci. The exact distribution is elementary counting, tested against enumeration.
    """
    hit = days(exceeded)
    n, shape = len(hit), hit.shape[1:]
    flat = hit.reshape(n, -1)
    found, exact = markov_test(flat)
    ones = flat.sum(0)
    statistic, p_value, share, total = (
        answer(a.reshape(shape)) for a in (found, chdtrc(1, found), exact, ones)
    )
    return CoverageTest(statistic, p_value, share, total, n)


def conditional_coverage_test(exceeded: ArrayLike, level: float = LEVEL) -> CoverageTest:
    """Joint test of coverage and independence: LR of `kupiec_test` + LR of `independence_test`.

    Chi-squared with 2 degrees of freedom; `exact` is nan. Kupiec's part counts all n days, the
    part on independence their n − 1 transitions.

    Parameters
    ----------
    exceeded, level : as in these two tests.

    Raises
    ------
    ArgumentError : errors as for those two tests.

    Example
    -------
    >>> test = conditional_coverage_test([False] * 20 + [True] * 4 + [False] * 16, 0.95)
    >>> round(test.statistic, 3), round(test.p_value, 4)
    (13.865, 0.001)

    Source: Christoffersen (1998), International Economic Review 39(4); sum as in MathWorks,
    varbacktest.cc.
    """
    hit = days(exceeded)
    cover = kupiec_test(hit.sum(0), len(hit), level)
    joint = np.asarray(cover.statistic) + independence_test(hit).statistic
    nothing = answer(np.full_like(joint, np.nan))
    return CoverageTest(
        answer(joint), answer(chdtrc(2, joint)), nothing, cover.exceedances, len(hit)
    )


def traffic_light(count: ArrayLike, n: int = 250, level: float = LEVEL) -> TrafficLight:
    """Basel's zones green, yellow and red, by the probability of the number of exceedances.

    F = P(at most x exceedances of n); green: F < 0.95, yellow: 0.95 <= F < 0.9999, red: above.
    increase = 3 (z(level) / z(1 − x/n) − 1) in yellow, between 0 and 1. For 250 days at 0.99
    Basel's own table has 0.40, 0.50, 0.65, 0.75, 0.85 for 5 to 9 exceedances; this does not round.

    Parameters
    ----------
    count : (...) exceedances, whole, 0 to n.
    n, level : as in `kupiec_test`.

    Raises
    ------
    ArgumentError : as `kupiec_test`.

    Example
    -------
    >>> light = traffic_light([4, 5, 10])
    >>> light.zone.tolist(), light.increase.round(2), light.probability.round(4)
    (['green', 'yellow', 'red'], array([0. , 0.4, 1. ]), array([0.8922, 0.9588, 0.9999]))

    Source: Basel Committee (1996), Supervisory framework for the use of backtesting; zones and
    increase as in MathWorks, varbacktest.tl (the table is recalled, unverified).
    """
    x = counts(count, n, level)
    chance = np.asarray(bdtr(x, n, 1 - level))
    at = (chance >= 0.95).astype(int) + (chance >= 0.9999)
    zone = np.asarray(np.array(["green", "yellow", "red"])[at])
    seen = ndtri(1 - x / n)
    more = 3 * (ndtri(level) / np.where(seen > 0, seen, 1e-9) - 1)
    more = np.where(zone == "green", 0.0, np.where(zone == "red", 1.0, np.clip(more, 0, 1)))
    return TrafficLight(zone, answer(chance), answer(more))
