"""Dependent standard normal (or Student-t) numbers of the nodes, with importance sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, ndtr, ndtri

from ..errors import ShockError
from ..network.exposure_network import ExposureNetwork
from .numbers import Numbers
from .values import by_name, by_node


@dataclass(frozen=True)
class Parts:
    """One block of a field: x = scale (systematic + specific · own).

    Attributes
    ----------
    systematic : (k, n) contribution of the factors.
    own : (k, n) independent standard normal numbers; `None` without a specific part.
    scale : (k, 1) sqrt(ν / W) of Student's t; `None` for normal numbers.
    tilted : (k,) bool, whether the scenario is drawn with the shift.
    exponent : (k,) log of the ratio of the densities with and without the shift.
    extra : (k, e) further independent standard normal numbers.
    """

    systematic: np.ndarray
    own: np.ndarray | None
    scale: np.ndarray | None
    tilted: np.ndarray
    exponent: np.ndarray
    extra: np.ndarray


@dataclass(frozen=True, eq=False)
class Field:
    """x_i = Σ_f B_if F_f + sqrt(1 − Σ_f B_if²) ε_i, standard normal; large x means large losses.

    With `degrees` ν, x is multiplied by sqrt(ν / W), W chi-squared with ν degrees: Student's t,
    with one W for each scenario, so that extreme moves occur together.

    Importance sampling draws the normal numbers z that determine F (and W, if any) from N(shift, I)
    with probability 1 − plain and from N(0, I) otherwise, and weights a scenario by its likelihood
    ratio

        w = 1 / (plain + (1 − plain) exp(shift · z − |shift|² / 2)) ≤ 1 / plain

    Source: after Glasserman and Li (2005), Management Science 51(11), for the shift of the
    factor; after Hesterberg (1995), Technometrics 37(2), for the mixture that bounds the weights.

    Attributes
    ----------
    numbers : source of normal numbers: factors, W, mixture, extra, own, in this order.
    loadings : (n, f) B.
    specific : (n,) sqrt(1 − Σ B²); empty without a specific part.
    order : (n,) column of each node among own numbers: its position in the sorted names.
    degrees : ν; 0 for normal numbers.
    shift : (f,) or, with degrees, (f + 1,); empty without importance sampling.
    plain : share of the scenarios drawn without the shift; 0 without importance sampling.
    extra : number of further normal numbers for each scenario.
    """

    numbers: Numbers
    loadings: np.ndarray
    specific: np.ndarray
    order: np.ndarray
    degrees: float
    shift: np.ndarray
    plain: float
    extra: int

    def parts(self, number: int) -> Parts:
        """Block `number` in its parts."""
        drawn = self.numbers.draw(number)
        factors = self.loadings.shape[1]
        at = factors + bool(self.degrees)
        common = drawn[:, :at]
        tilted, exponent = np.ones(len(drawn), bool), np.zeros(len(drawn))
        if self.plain:
            tilted, at = drawn[:, at] >= ndtri(self.plain), at + 1
        if self.shift.size:
            common = common + np.where(tilted[:, None], self.shift, 0.0)
            exponent = common @ self.shift - self.shift @ self.shift / 2
        scale = tail_scale(common[:, factors:], self.degrees) if self.degrees else None
        extra, at = drawn[:, at : at + self.extra], at + self.extra
        own = None
        if self.specific.size:
            own = drawn[:, at:]
            if (self.order[1:] < self.order[:-1]).any():
                own = own[:, self.order]
        systematic = common[:, :factors] @ self.loadings.T
        return Parts(systematic, own, scale, tilted, exponent, extra)

    def draw(self, number: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Block `number`: x (k, n), weights (k,) or None, and extra numbers (k, e)."""
        parts = self.parts(number)
        x = parts.systematic
        if parts.own is not None:
            x += parts.own * self.specific
        if parts.scale is not None:
            x *= parts.scale
        weights = self.weights(parts.exponent) if self.shift.size else None
        return x, weights, parts.extra

    def weights(self, exponent: np.ndarray) -> np.ndarray:
        """Likelihood ratios w (k,) from the logs of the density ratios of the tilted draws."""
        if self.plain:
            exponent = np.logaddexp(np.log(self.plain), np.log1p(-self.plain) + exponent)
        ratio: np.ndarray = np.exp(-exponent)
        return ratio


def tail_scale(z: np.ndarray, degrees: float) -> np.ndarray:
    """sqrt(ν / W) with W chi-squared with ν degrees, from normal numbers z; it grows with z."""
    scale: np.ndarray = np.sqrt(degrees / (2 * gammaincinv(degrees / 2, ndtr(-z))))
    return scale


def own_order(names: pd.Index) -> np.ndarray:
    """(n,) position of each name in the sorted names, so that random numbers depend on names."""
    place = np.empty(len(names), np.intp)
    place[np.argsort(names.map(str).to_numpy(object), kind="stable")] = np.arange(len(names))
    return place


def loadings_of(
    names: pd.Index, correlation: Any, noun: str = "node"
) -> tuple[np.ndarray, np.ndarray]:
    """Loadings (n, f) and specific parts (n,) for a correlation.

    A number ρ, or one ρ_i for each name: one factor with loadings sqrt(ρ_i), so that i and j have
    correlation sqrt(ρ_i ρ_j). A matrix (n, n): its principal components, without a specific part.
    """
    if is_matrix(correlation):
        return _root(names, correlation, noun), np.empty(0)
    if isinstance(correlation, Real) and correlation < 0:
        raise ShockError(
            f"correlation is {float(correlation):g}: one for all lies in [0, 1]. For {noun}s "
            "that move against each other give a table, a DataFrame with their names on both sides."
        )
    squared = by_name(names, correlation, "correlation", 0.0, 1.0, noun)
    return np.sqrt(squared)[:, None], np.sqrt(1 - squared)


def node_loadings(network: ExposureNetwork, correlation: Any) -> tuple[np.ndarray, np.ndarray]:
    """The same for the nodes of a network; a text is a column of their table."""
    if isinstance(correlation, str):
        correlation = by_node(network, correlation, "correlation", 0.0, 1.0)
    return loadings_of(network.names, correlation)


def is_matrix(correlation: Any) -> bool:
    """Whether a correlation is given as a matrix."""
    if isinstance(correlation, pd.DataFrame):
        return True
    return not isinstance(correlation, str | Mapping) and np.ndim(correlation) == 2


def _root(names: pd.Index, given: Any, noun: str) -> np.ndarray:
    n = len(names)
    if isinstance(given, pd.DataFrame):
        for side in (given.index, given.columns):
            by_name(names, pd.Series(0.0, side), "correlation", noun=noun)
        given = given.loc[names, names]
    matrix = np.asarray(given, float)
    if matrix.shape != (n, n):
        raise ShockError(f"correlation has shape {matrix.shape}; it has to be ({n}, {n}).")
    if not np.allclose(matrix, matrix.T, atol=1e-9) or not np.allclose(np.diag(matrix), 1):
        raise ShockError("correlation has to be symmetric, with 1 on its diagonal.")
    place = np.argsort(own_order(names))
    values, vectors = np.linalg.eigh(matrix[np.ix_(place, place)])
    if values[0] < -1e-8:
        raise ShockError(
            f"correlation has a negative eigenvalue ({values[0]:.3g}): it is not a valid "
            "correlation matrix. Take the nearest one."
        )
    vectors *= np.where(vectors.sum(0) < 0, -1.0, 1.0)
    root = np.empty((n, n))
    root[place] = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    return root
