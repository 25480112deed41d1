"""Quantile functions of relative losses: frozen distributions of scipy, or tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ShockError
from ..text import known_name
from .values import by_name, said


@dataclass(frozen=True, eq=False)
class Marginals:
    """Quantile functions of the nodes.

    Attributes
    ----------
    frozen : one distribution for all, or n of them; empty where tables are given.
    table : (q,) or (n, q) quantiles at probabilities 0, 1/(q−1), ..., 1; linear in between.
    """

    frozen: tuple[Any, ...]
    table: np.ndarray

    def quantiles(self, unit: np.ndarray) -> np.ndarray:
        """Quantiles (k, n) at probabilities (k, n)."""
        if len(self.frozen) == 1:
            return np.asarray(self.frozen[0].ppf(unit))
        if self.frozen:
            columns = [one.ppf(unit[:, i]) for i, one in enumerate(self.frozen)]
            return np.stack(columns, axis=1)
        steps = self.table.shape[-1] - 1
        place = unit * steps
        left = np.minimum(place.astype(np.intp), steps - 1)
        place -= left
        at = left if self.table.ndim == 1 else (np.arange(unit.shape[1]), left)
        right = left + 1 if self.table.ndim == 1 else (np.arange(unit.shape[1]), left + 1)
        found: np.ndarray = self.table[at] * (1 - place) + self.table[right] * place
        return found


def marginals_of(names: pd.Index, given: Any) -> Marginals:
    """Marginals from a frozen distribution, a table, or {node: frozen distribution}.

    Raises
    ------
    ShockError : for any other type, unknown or missing nodes, and tables that decrease or have
        fewer than two columns.
    """
    if isinstance(given, Mapping | pd.Series):
        chosen = dict(given.items())
        by_name(names, pd.Series(0.0, pd.Index(list(chosen))), "marginals")
        frozen = tuple(_frozen(chosen[name]) for name in names)
        return Marginals(frozen, np.empty(0))
    if hasattr(given, "ppf"):
        return Marginals((_frozen(given),), np.empty(0))
    try:
        table = np.array(given, float)
    except (TypeError, ValueError):
        raise ShockError(
            f"marginals={given!r}: give a frozen distribution such as scipy.stats.beta(2, 5), "
            "{node: distribution}, or quantiles as numbers."
        ) from None
    if (
        table.ndim not in (1, 2)
        or table.shape[-1] < 2
        or table.shape[:-1]
        not in (
            (),
            (len(names),),
        )
    ):
        raise ShockError(
            f"marginals have shape {table.shape}; give quantiles (q,) for all nodes or "
            f"({len(names)}, q), at q >= 2 probabilities from 0 to 1."
        )
    if not np.isfinite(table).all() or (np.diff(table, axis=-1) < 0).any():
        raise ShockError("marginals: quantiles have to be finite and must not fall.")
    return Marginals((), table)


def marginal_words(given: Any) -> Any:
    """Marginals in plain values; :func:`marginals_from` is the inverse.

    >>> from scipy.stats import beta
    >>> marginal_words(beta(2, b=5))
    {'distribution': 'beta', 'args': [2], 'b': 5}
    """
    if isinstance(given, Mapping | pd.Series):
        return {str(key): marginal_words(value) for key, value in given.items()}
    if hasattr(given, "ppf"):
        found = {"distribution": _frozen(given).dist.name, "args": said(list(given.args))}
        return found | {key: said(value) for key, value in given.kwds.items()}
    return said(np.asarray(given))


def marginals_from(data: Any) -> Any:
    """Marginals from plain values: a table of numbers, {distribution = name, ...}, or one by node.

    Raises
    ------
    ShockError : for a distribution that scipy.stats does not have, with the closest one, or
        parameters that it does not take.

    Example
    -------
    >>> marginals_from({"distribution": "uniform", "loc": 0.1, "scale": 0.2}).ppf(0.5).item()
    0.2
    """
    if not isinstance(data, Mapping):
        return data
    if "distribution" not in data:
        return {name: marginals_from(value) for name, value in data.items()}
    from scipy import stats

    given = dict(data)
    name = given.pop("distribution")
    known = sorted(
        key for key, value in vars(stats).items() if isinstance(value, stats.rv_continuous)
    )
    known_name(name, known, "distribution", "marginals")
    args = given.pop("args", [])
    try:
        return getattr(stats, name)(*args, **given)
    except TypeError as error:
        raise ShockError(f"marginals: the parameters do not fit {name!r} ({error}).") from None


def _frozen(given: Any) -> Any:
    if not (hasattr(given, "ppf") and hasattr(given, "args") and hasattr(given, "dist")):
        raise ShockError(
            f"marginals: {given!r} is not a frozen distribution; write e.g. scipy.stats.beta(2, 5)."
        )
    if not np.isfinite(given.ppf([0.25, 0.75])).all():
        raise ShockError(f"marginals: {given.dist.name}{given.args} has no quantiles.")
    return given
