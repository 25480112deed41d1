"""Number of debtors in default that causes a creditor to default, and Poisson degrees."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from ..errors import ArgumentError

SLACK = 1e-9  # relative tolerance within which a loss counts as equal to the capital


def failures_needed(
    degree: np.ndarray, capital: float, interbank: float = 1.0, *, strict: bool = False
) -> np.ndarray:
    """Smallest number of debtors in default that causes a node to default, integers (K,).

    Each claim is interbank / degree and is lost in full. The least m ≥ 1 with

        m · interbank / degree ≥ capital,      or > capital (strict; survives equality).

    The result is degree + 1 (never reached) for a node without claims, and where no number up to
    the degree is enough.

    Parameters
    ----------
    degree : (K,) numbers of debtors, ≥ 0.
    capital, interbank : of every node, in the same unit; capital ≥ 0, interbank > 0.
    strict : whether a loss has to exceed the capital.

    Raises
    ------
    ArgumentError : for a capital below 0 and an interbank that is not above 0.

    Example
    -------
    Capital of 4 and claims of 20: with 5 debtors the first default causes a loss of exactly 4.

    >>> failures_needed(np.array([1, 4, 5, 6, 10]), 4, 20).tolist()
    [1, 1, 1, 2, 2]
    >>> failures_needed(np.array([1, 4, 5, 6, 10]), 4, 20, strict=True).tolist()
    [1, 1, 2, 2, 3]
    """
    degree = np.asarray(degree, int)
    share = _share(capital, interbank) * degree
    slack = SLACK * np.maximum(share, 1.0)
    least = np.floor(share + slack) + 1 if strict else np.ceil(share - slack)
    return np.asarray(np.clip(least, 1, degree + 1), int)


def largest_vulnerable(capital: float, interbank: float = 1.0, *, strict: bool = False) -> float:
    """The largest number of debtors with which the default of one debtor causes a node to default.

    The largest j with interbank / j ≥ capital, or > capital (strict); infinite without capital,
    0 where one default is never enough. Raises the same errors as :func:`failures_needed`.

    Example
    -------
    >>> largest_vulnerable(0.04, 0.2), largest_vulnerable(0.04, 0.2, strict=True)
    (5.0, 4.0)
    """
    share = _share(capital, interbank)
    if share == 0:
        return float("inf")
    most = 1 / share
    slack = SLACK * max(most, 1.0)
    return float(np.ceil(most - slack) - 1 if strict else np.floor(most + slack))


def poisson(mean: float, tail: float = 1e-16) -> np.ndarray:
    """Poisson probabilities of 0, 1, 2 …, up to where the remaining probability is below `tail`.

    Example
    -------
    >>> poisson(2.0)[:2].round(4).tolist(), round(float(poisson(2.0).sum()), 12)
    ([0.1353, 0.2707], 1.0)
    """
    if not (np.isfinite(mean) and mean >= 0):
        raise ArgumentError(f"mean={mean!r}: a mean is at least 0.")
    most = int(mean + 12 * np.sqrt(mean + 1) + 20)
    k = np.arange(most)
    pmf = np.exp(k * np.log(mean) - mean - gammaln(k + 1)) if mean > 0 else (k == 0).astype(float)
    keep = max(int((np.cumsum(pmf[::-1])[::-1] > tail).sum()), 1)
    pmf = pmf[:keep]
    return np.asarray(pmf / pmf.sum())


def _share(capital: float, interbank: float) -> float:
    if not (np.isfinite(capital) and capital >= 0):
        raise ArgumentError(f"capital={capital!r}: it is at least 0 and finite.")
    if not (np.isfinite(interbank) and interbank > 0):
        raise ArgumentError(f"interbank={interbank!r}: claims are above 0 and finite.")
    return capital / interbank
