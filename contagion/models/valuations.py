"""Valuation functions V(E): the value of a claim as a function of the equity of its debtor.

Seven functions from the literature; a new one is a frozen dataclass with a method `missing`. They
are arguments of :class:`contagion.models.NetworkValuation`. Parameters are one number for all
nodes, or one per node: {node: number}, an array in the order of the network, or a column of its
node table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError
from ..kernels.valuation import (
    Terms,
    Valued,
    at_maturity,
    before_maturity,
    from_funds,
    relative_loss,
)
from ..text import known_name
from .parameters import POSITIVE, RATE, Parameter, Range
from .valuation_base import Valuation


@dataclass(frozen=True, repr=False)
class EisenbergNoe(Valuation):
    """Creditors receive the debtor's assets: `V = 1` where E >= 0, else `max(0, 1 + E / debts)`.

    This holds if all debts rank equally. In general `clip(E + due − start, 0, face) / face` for a
    claim that ranks behind debts of `start`, with tiers, rules and external creditors as in
    :class:`contagion.EisenbergNoe`. The equities equal those of that model.

    Example
    -------
    >>> EisenbergNoe().value(-3, debts=10)
    array(0.7)

    Source: Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272, after
    Eisenberg & Noe (2001), DOI 10.1287/mnsc.47.2.236.9835.
    """

    by_claim: ClassVar[bool] = True

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        return from_funds(equity + terms.due, terms.start, terms.width)


@dataclass(frozen=True, repr=False)
class RogersVeraart(Valuation):
    """Default destroys value: `V = (α Ae + β (E + due − Ae)) / due` in default, else 1.

    E is equity before default costs, as in :class:`contagion.models.RogersVeraart`. The equities
    equal those of that model. Ae are the external assets after the shock; rules and tiers as there.

    Parameters
    ----------
    alpha, beta : shares (0 to 1) of external assets and of the value of claims that a node in
        default realizes.
    strict : default when equity is below 0; `False`: also at 0 (the paper of 2020).

    Example
    -------
    Debts of 10, external assets of 4 and claims worth 4: 2 and 2 are realized.

    >>> RogersVeraart(0.5, 0.5).value(-2, debts=10, external_assets=4)
    array(0.4)

    Source: Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272, after Rogers
    & Veraart (2013), DOI 10.1287/mnsc.1120.1569.
    """

    by_claim: ClassVar[bool] = True
    jumps: ClassVar[bool] = True
    by_node: ClassVar[Mapping[str, Range]] = {"alpha": RATE, "beta": RATE}

    alpha: Parameter = 0.9
    beta: Parameter = 0.9
    strict: bool = True

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        alpha, beta = terms.given["alpha"], terms.given["beta"]
        funds = equity + terms.due
        left = alpha * terms.external + beta * (funds - terms.external)
        y, slope = from_funds(np.where(default, left, funds), terms.start, terms.width)
        moves = default | (terms.absorbing > 0)
        return np.where(moves, y, 0.0), np.where(moves, slope * np.where(default, beta, 1.0), 0.0)


@dataclass(frozen=True, repr=False)
class Furfine(Valuation):
    """`V = recovery` in default, else 1: contagion only by default.

    With `recovery = 1 − λ` the equities equal those of :class:`contagion.models.Furfine`; a claim
    with its own `lgd` is worth 1 − lgd in default, as there.

    Parameters
    ----------
    recovery : value of claims on a node in default, as a share of face value, 0 to 1.
    strict : `True`: default when equity is below 0; `False`: also at 0 (the paper of 2020), even
        without a loss.

    Example
    -------
    >>> Furfine(0.4, strict=False).value([1, 0, -1])
    array([1. , 0.4, 0.4])

    Source: Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272, after Furfine
    (2003), DOI 10.1353/mcb.2003.0004.
    """

    jumps: ClassVar[bool] = True
    by_lgd: ClassVar[bool] = True
    by_node: ClassVar[Mapping[str, Range]] = {"recovery": RATE}

    recovery: Parameter = 0.0
    strict: bool = True

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        return np.where(default, 1.0 - terms.given["recovery"], 0.0), np.zeros(equity.shape)


@dataclass(frozen=True, repr=False)
class LinearDebtRank(Valuation):
    """`V = 1 − (1 − recovery) h` with `h = 1 − E / M` the relative loss of equity, in [0, 1].

    M is the equity at face value before the shock. If M = 0, h is 1 as soon as a loss reaches the
    node, and 0 before: the limit as equity tends to 0. Claims on a node with M < 0 are worth
    `recovery` from the start, as in the package of the authors; otherwise the equities equal those
    of :class:`contagion.DebtRank`.

    Parameters
    ----------
    recovery : value of claims on a node in default, as a share of face value, 0 to 1.

    Example
    -------
    >>> LinearDebtRank().value([3, -1], book_equity=4)
    array([0.75, 0.  ])

    Source: Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272, after
    Bardoscia et al. (2015), DOI 10.1371/journal.pone.0130406; `lin_dr` in neva/ibeval.py of
    github.com/marcobardoscia/neva @ 27b1600.
    """

    by_loss: ClassVar[bool] = True
    by_node: ClassVar[Mapping[str, Range]] = {"recovery": RATE}

    recovery: Parameter = 0.0
    strict = False

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        h, slope = relative_loss(equity, terms.book)
        lost = 1.0 - terms.given["recovery"]
        return lost * h, lost * slope


@dataclass(frozen=True, repr=False)
class ExponentialDebtRank(Valuation):
    """`V = 1 − (1 − recovery) h exp(α (h − 1))`: small equity losses are passed on less.

    `α = 0` is :class:`LinearDebtRank`; as α grows it tends to :class:`Furfine` with
    `strict=False`. h as in :class:`LinearDebtRank`.

    Parameters
    ----------
    alpha : α >= 0, finite.
    recovery : value of claims on a node in default, as a share of face value, 0 to 1.

    Example
    -------
    >>> ExponentialDebtRank(2.0).value([3, 0], book_equity=4).round(4)
    array([0.9442, 0.    ])

    Source: Bardoscia, Caccioli, Perotti, Vivaldo & Caldarelli (2016), PLoS ONE 11(10) e0163825,
    DOI 10.1371/journal.pone.0163825; the form of p(h) as in published implementations of it, the
    number of the equation not seen.
    """

    by_loss: ClassVar[bool] = True
    by_node: ClassVar[Mapping[str, Range]] = {"alpha": POSITIVE, "recovery": RATE}

    alpha: Parameter
    recovery: Parameter = 0.0
    strict = False

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        h, slope = relative_loss(equity, terms.book)
        alpha, lost = terms.given["alpha"], 1.0 - terms.given["recovery"]
        part = lost * np.exp(alpha * (h - 1.0))
        return part * h, part * (1.0 + alpha * h) * slope


@dataclass(frozen=True, repr=False)
class Merton(Valuation):
    """The expected payment at maturity: external assets X are lognormal with mean Ae.

        V = E[ clip(E + X − Ae + due − start, 0, face) · (recovery in default, else 1) ] / face

    Default is E + X − Ae < 0. With claims of equal rank and `recovery = 1` this is the formula of
    Merton for risky debt. `volatility → 0` is :class:`EisenbergNoe`. No interest.

    Parameters
    ----------
    volatility : σ of external assets, per year, >= 0.
    maturity : T, years.
    recovery : share of the remaining assets that creditors receive in default, 0 to 1; the rest
        are default costs, which are not booked to the debtor.

    Example
    -------
    Equity of 0, assets and debt of 100: the discount is an at-the-money put, 2 N(0.1) − 1.

    >>> Merton(0.2).value(0, debts=100, external_assets=100).round(5)
    np.float64(0.92034)

    Source: Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272, ex-ante
    Eisenberg–Noe with geometric Brownian motion; `exante_en_merton_gbm` in neva/ibeval.py of
    github.com/marcobardoscia/neva @ 27b1600; claims in a rank order are ours.
    """

    by_claim: ClassVar[bool] = True
    ex_ante: ClassVar[bool] = True
    by_node: ClassVar[Mapping[str, Range]] = {
        "volatility": POSITIVE,
        "maturity": POSITIVE,
        "recovery": RATE,
    }

    volatility: Parameter
    maturity: Parameter = 1.0
    recovery: Parameter = 1.0

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        given = terms.given
        spread = given["volatility"] * np.sqrt(given["maturity"])
        return at_maturity(terms, equity, spread, given["recovery"])


@dataclass(frozen=True, repr=False)
class BlackCox(Valuation):
    """`V = 1 − (1 − recovery) PD(E)`: default as soon as equity reaches 0 before maturity.

    External assets are a geometric Brownian motion without drift that starts at Ae; PD is the
    probability that they fall by E before maturity, 1 where E <= 0.

        PD = N((u + s²/2) / s) + Ae / (Ae − E) · N((u − s²/2) / s),  u = log(1 − E/Ae),  s = σ √T

    Parameters
    ----------
    volatility : σ of external assets, per year, >= 0.
    maturity : T, years.
    recovery : value of claims on a node in default, as a share of face value, 0 to 1.

    Example
    -------
    >>> BlackCox(0.1, recovery=0.6).value([20, 0], external_assets=100).round(4)
    array([0.9885, 0.6   ])

    Source: Barucca et al. (2020), Mathematical Finance 30(4), DOI 10.1111/mafi.12272, and
    Bardoscia, Barucca, Brinley Codd & Hill (2017), Bank of England Staff Working Paper 662;
    `exante_en_blackcox_gbm` in neva/ibeval.py of github.com/marcobardoscia/neva @ 27b1600.
    """

    ex_ante: ClassVar[bool] = True
    by_node: ClassVar[Mapping[str, Range]] = {
        "volatility": POSITIVE,
        "maturity": POSITIVE,
        "recovery": RATE,
    }

    volatility: Parameter
    maturity: Parameter = 1.0
    recovery: Parameter = 0.6
    strict = False

    def missing(self, terms: Terms, equity: np.ndarray, default: np.ndarray) -> Valued:
        """See :meth:`Valuation.missing`."""
        given = terms.given
        spread = given["volatility"] * np.sqrt(given["maturity"])
        p, slope = before_maturity(equity, terms.external, spread)
        return (1.0 - given["recovery"]) * p, (1.0 - given["recovery"]) * slope


VALUATIONS: dict[str, type[Valuation]] = {
    "eisenberg-noe": EisenbergNoe,
    "furfine": Furfine,
    "linear-debtrank": LinearDebtRank,
    "exponential-debtrank": ExponentialDebtRank,
    "rogers-veraart": RogersVeraart,
    "merton": Merton,
    "black-cox": BlackCox,
}


def from_words(text: str) -> Valuation:
    """A valuation from text, as on the command line: name, or name:parameter=value,...

    A value is a number, true or false, or the name of a column of the node table.

    Raises
    ------
    ArgumentError
        For an unknown name or parameter, with the closest one.

    Example
    -------
    >>> from_words("black-cox:volatility=0.1,recovery=0.4")
    valuations.BlackCox(volatility=0.1, recovery=0.4)
    """
    name, _, rest = text.partition(":")
    known_name(name, VALUATIONS, "valuation")
    kind = VALUATIONS[name]
    given: dict[str, Any] = {}
    for item in filter(None, rest.split(",")):
        key, sign, value = (part.strip() for part in item.partition("="))
        known_name(key, [f.name for f in fields(kind)], f"parameter of {name}")
        if not sign:
            raise ArgumentError(f"{text!r}: write {name}:{key}=VALUE.")
        given[key] = _read(value)
    needed = [f.name for f in fields(kind) if f.default is MISSING]
    if missing := [key for key in needed if key not in given]:
        raise ArgumentError(f"{name} needs {', '.join(missing)}: write {name}:{missing[0]}=VALUE.")
    return kind(**given)


def _read(value: str) -> float | bool | str:
    """A number, true or false, or a string."""
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return float(value)
    except ValueError:
        return value
