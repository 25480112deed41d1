"""Valuation functions on arrays: the value of a claim, given the equity of its debtor.

Every function returns the *shortfall* of a claim from its face value, `y = width · (1 − V(E))`, and
its slope `−dy/dE >= 0`. Rows are claims (S), columns scenarios (B). Each function is first convex
and then concave in equity; a sum of functions of this shape is returned as (parts, S, B).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

Valued = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Terms:
    """Inputs of a valuation function besides the equity of the debtor.

    Attributes
    ----------
    start, width : (S, 1) money that the debtor pays before the claim, and on it; 0 and 1 for
        valuations with one rate per debtor.
    due : (S, 1) total debts of the debtor, money.
    absorbing : (S, 1) claims on the debtor that are written down before it is in default, money.
    book : (S, 1) equity of the debtor at face value and before the shock, money.
    external : (S, B) external assets of the debtor after the shock, money.
    given : parameters of the valuation, (S, 1) each.
    """

    start: np.ndarray
    width: np.ndarray
    due: np.ndarray
    absorbing: np.ndarray
    book: np.ndarray
    external: np.ndarray
    given: Mapping[str, np.ndarray]

    def take(self, columns: np.ndarray) -> Terms:
        """The same for some of the scenarios."""
        return replace(self, external=self.external[:, columns])


def from_funds(funds: np.ndarray, start: np.ndarray, width: np.ndarray) -> Valued:
    """The shortfall of a claim that is paid from funds between `start` and `start + width`.

    Example
    -------
    Funds of 7 and a claim of 10 that ranks after 4: the shortfall is 7, with a slope of 1.

    >>> [a.item() for a in from_funds(np.array(7.0), np.array(4.0), np.array(10.0))]
    [7.0, 1.0]
    """
    gap = start + width - funds
    return np.clip(gap, 0.0, width), ((gap >= 0) & (gap <= width)).astype(float)


def relative_loss(equity: np.ndarray, book: np.ndarray) -> Valued:
    """`h = clip(1 − E / M, 0, 1)`, 1 where the book equity M is not positive; and −dh/dE.

    Example
    -------
    >>> h, slope = relative_loss(np.array([3.0, -1.0]), np.array(4.0))
    >>> h.tolist(), slope.tolist()
    ([0.25, 1.0], [0.25, 0.0])
    """
    alive = book > 0
    capital = np.where(alive, book, 1.0)
    left = equity / capital
    moving = alive & (left >= 0) & (left <= 1)
    return np.where(alive, np.clip(1.0 - left, 0.0, 1.0), 1.0), moving / capital


def below(level: np.ndarray, external: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, ...]:
    """Lognormal external assets X with mean `external`: P(X < k), its density, E[(k − X)⁺].

    Parameters
    ----------
    level : k, money. external : mean of X, money. spread : σ √T, standard deviation of log X.

    With `spread` or `external` 0 the assets are certain and the density counts as 0.

    Example
    -------
    The at-the-money put with σ√T = 0.2 is worth 2 N(0.1) − 1 times the assets:

    >>> p, _, put = below(np.array([100.0]), np.array(100.0), np.array(0.2))
    >>> p.round(4).tolist(), put.round(3).tolist()
    ([0.5398], [7.966])
    """
    open_ = (level > 0) & (external > 0) & (spread > 0)
    s = np.where(open_, spread, 1.0)
    k = np.where(open_, level, 1.0)
    x = np.where(open_, external, 1.0)
    d = np.log(k / x) / s
    from scipy.special import ndtr  # not cheap to import, and few need it

    p = ndtr(d + s / 2)
    put = np.maximum(k * p - x * ndtr(d - s / 2), 0.0)
    certain = (level > 0) & ~open_
    gap = level - external
    density = np.exp(-((d + s / 2) ** 2) / 2) / (np.sqrt(2 * np.pi) * s * k)
    return (
        np.where(open_, p, certain & (gap > 0)),
        np.where(open_, density, 0.0),
        np.where(open_, put, np.where(certain, np.maximum(gap, 0.0), 0.0)),
    )


def at_maturity(
    terms: Terms, equity: np.ndarray, spread: np.ndarray, recovery: np.ndarray
) -> Valued:
    """Expected shortfall of a claim when the external assets are lognormal at maturity.

    Funds at maturity are `E + due − Ae + X` with E[X] = Ae. The claim gets
    `clip(funds − start, 0, width)`, or the share `recovery` of that if the funds are below the
    debts due (less the claims that absorb losses before default). If any `recovery` is below 1,
    the two parts of the loss are returned separately, (2, S, B).

    Example
    -------
    Equity 0, assets and debt of 100, σ√T = 0.2: the shortfall of the debt is the put, 7.966.

    >>> one = np.array([[1.0]])
    >>> terms = Terms(0 * one, 100 * one, 100 * one, 0 * one, 0 * one, 100 * one, {})
    >>> at_maturity(terms, 0 * one, 0.2 * one, one)[0].round(3).item()
    7.966
    """
    external = terms.external
    low = terms.start - terms.due - equity + external
    sure = spread * external <= 0
    p_low, _, put_low = below(low, external, spread)
    p_high, _, put_high = below(low + terms.width, external, spread)
    plain, slope = from_funds(equity + terms.due, terms.start, terms.width)
    missing = np.where(sure, plain, np.clip(put_high - put_low, 0.0, terms.width))
    slope = np.where(sure, slope, np.maximum(p_high - p_low, 0.0))
    if (recovery >= 1).all():
        return missing, slope
    failing, density, _ = below(external - equity - terms.absorbing, external, spread)
    failing = np.where(sure, equity < -terms.absorbing, failing)
    costly = terms.start + terms.width / 2 < terms.due - terms.absorbing  # no layer that absorbs
    lost = np.where(costly, terms.width * failing, missing)
    faster = np.where(costly, terms.width * density, slope)
    return (
        np.stack([recovery * missing, (1 - recovery) * lost]),
        np.stack([recovery * slope, (1 - recovery) * faster]),
    )


def before_maturity(equity: np.ndarray, external: np.ndarray, spread: np.ndarray) -> Valued:
    """Probability that equity reaches 0 before maturity, with external assets a geometric Brownian
    motion without drift; and its slope −d/dE.

        N((u + s²/2) / s) + Ae / (Ae − E) · N((u − s²/2) / s),  u = log(1 − E / Ae),  s = σ √T

    1 where E <= 0, and 0 where E >= Ae.

    Example
    -------
    >>> p, _ = before_maturity(np.array([0.0, 20.0]), np.array(100.0), np.array(0.1))
    >>> p.round(4).tolist()
    [1.0, 0.0287]
    """
    inside = (equity > 0) & (equity < external) & (spread > 0)
    s = np.where(inside, spread, 1.0)
    room = np.where(inside, external - equity, 1.0)
    x = np.where(inside, external, 1.0)
    u = np.where(inside, np.log1p(-np.where(inside, equity / x, 0.0)), 0.0)
    from scipy.special import ndtr

    first, second = (u + s**2 / 2) / s, ndtr((u - s**2 / 2) / s)
    p = ndtr(first) + x / room * second
    steep = np.sqrt(2 / np.pi) * np.exp(-(first**2) / 2) / (s * room) - x / room**2 * second
    slope = np.where(inside, np.maximum(steep, 0.0), 0.0)
    return np.where(inside, np.clip(p, 0.0, 1.0), (equity <= 0).astype(float)), slope
