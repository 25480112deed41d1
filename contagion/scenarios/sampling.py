"""Sampling of scenarios: their number, the seed, and variance reduction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ShockError
from ..vocabulary import Rng
from .field import Field, own_order, tail_scale
from .numbers import Numbers
from .scenario_set import block_size, counted, seed_of
from .values import one, said

Tilt = float | Sequence[float] | None


@dataclass(frozen=True)
class Sampling:
    """Variance reduction in the sampling of scenarios; the same options for every kind.

    Attributes
    ----------
    antithetic : scenario 2 i + 1 mirrors scenario 2 i.
    sobol, replicates : scrambled Sobol points, in this number of independent sequences; the
        number of scenarios has to be a power of two in each.
    tilt : importance sampling: the common factor F is drawn with this mean instead of 0 (above 0
        for larger losses), and scenarios get weights. For the worst share p of scenarios, use about
        its normal quantile: 2.3 for 1 %, 3.1 for 0.1 %. One number shifts the factors in the
        direction of the steepest increase of the total loss; several numbers are one for each
        factor. With Student-t numbers the normal number that determines W is also shifted, so that
        the largest move becomes likely; to choose this shift yourself, give one number for each
        factor and one for W.
    plain : share of the scenarios drawn without tilt; weights are at most 1 / plain.

    Raises
    ------
    ShockError : for a number of replicates below 1, a tilt that is not finite, a plain part outside
        [0, 1), and for antithetic Sobol points.

    Example
    -------
    >>> Sampling(tilt=2.3)
    Sampling(antithetic=False, sobol=False, replicates=16, tilt=2.3, plain=0.1)
    """

    antithetic: bool = False
    sobol: bool = False
    replicates: int = 16
    tilt: Tilt = None
    plain: float = 0.1

    def __post_init__(self) -> None:
        for name in ("antithetic", "sobol"):
            flag = getattr(self, name)
            if not isinstance(flag, bool):
                raise ShockError(f"{name}={flag!r}: choose True or False.")
        if self.antithetic and self.sobol:
            raise ShockError("antithetic and sobol exclude each other: choose one.")
        count = self.replicates
        if self.sobol and (isinstance(count, bool) or int(count) != count or count < 1):
            raise ShockError(f"replicates={count!r}: give a whole number >= 1.")
        tilt = self.tilt
        if isinstance(tilt, Sequence | np.ndarray) and not isinstance(tilt, str):
            object.__setattr__(self, "tilt", tuple(one(value, "tilt") for value in tilt))
        elif tilt is not None:
            object.__setattr__(self, "tilt", one(tilt, "tilt"))
        if not 0 <= one(self.plain, "plain") < 1:
            raise ShockError(f"plain={self.plain}: it has to lie in [0, 1).")


INDEPENDENT = Sampling()


@dataclass(frozen=True)
class Sampler:
    """The number of scenarios, their seed, and the sampling options.

    Attributes
    ----------
    scenarios, seed : their number, and the entropy.
    antithetic, replicates : see :class:`~contagion.scenarios.numbers.Numbers`.
    tilt, plain : importance sampling, see :class:`~contagion.scenarios.field.Field`.
    """

    scenarios: int
    seed: int
    antithetic: bool = False
    replicates: int = 0
    tilt: float | tuple[float, ...] | None = None
    plain: float = 0.0

    def words(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        """The call that made a set, in plain values."""
        found = {"kind": kind, "scenarios": self.scenarios}
        found |= {key: said(value) for key, value in given.items() if value is not None}
        if self.antithetic:
            found["antithetic"] = True
        if self.replicates:
            found |= {"sobol": True, "replicates": self.replicates}
        if self.tilt is not None:
            found["tilt"] = said(self.tilt)
        if self.tilt is not None or given.get("target") is not None:
            found["plain"] = self.plain
        return found | {"seed": self.seed}

    def numbers(self, n: int, d: int) -> Numbers:
        """The source of d normal numbers for each scenario, for n nodes."""
        return Numbers(
            self.seed, self.scenarios, block_size(n), d, self.antithetic, self.replicates
        )

    def field(
        self,
        names: pd.Index,
        loadings: np.ndarray,
        specific: np.ndarray,
        towards: np.ndarray,
        *,
        n: int,
        degrees: float = 0.0,
        extra: int = 0,
        twists: bool = False,
    ) -> Field:
        """A field over `names`; `towards` (len(names),) is the derivative of the total loss by x.

        `n` is the number of nodes, which determines the size of blocks; `twists` means that there
        is importance sampling in addition to the shift.
        """
        shift = self._shift(loadings, towards, degrees)
        plain = self.plain if shift.size or twists else 0.0
        d = loadings.shape[1] + bool(degrees) + bool(plain) + extra + specific.size
        numbers = self.numbers(n, d)
        order = own_order(names)
        return Field(numbers, loadings, specific, order, degrees, shift, plain, extra)

    def _shift(self, loadings: np.ndarray, towards: np.ndarray, degrees: float) -> np.ndarray:
        if self.tilt is None:
            return np.empty(0)
        size = loadings.shape[1] + bool(degrees)
        if not isinstance(self.tilt, float):
            if len(self.tilt) != size:
                raise ShockError(
                    f"tilt has {len(self.tilt)} numbers; give one, or {size}: one a factor"
                    + (", and one for the common scale of Student's t." if degrees else ".")
                )
            return np.array(self.tilt)
        direction = np.nan_to_num(towards) @ loadings
        length = float(np.linalg.norm(direction))
        if length < 1e-12 * float(np.abs(np.nan_to_num(towards)).sum()) or not length:
            raise ShockError("tilt shifts the common factors, and nothing loads on them.")
        shift = self.tilt * direction / length
        if not degrees:
            return np.asarray(shift)
        angle = np.linspace(0, np.pi / 2, 181)
        size_of_move = tail_scale(self.tilt * np.sin(angle), degrees) * np.cos(angle)
        best = float(angle[np.argmax(size_of_move)])
        return np.append(shift * np.cos(best), self.tilt * np.sin(best))


def sampler(scenarios: int, rng: Rng, sampling: Sampling) -> Sampler:
    """The checked sampling options of a constructor.

    Raises
    ------
    ShockError : for a number of scenarios below 1, and a sampling of another type.
    """
    if not isinstance(sampling, Sampling):
        raise ShockError(
            f"sampling={sampling!r}: give a contagion.scenarios.Sampling, such as "
            "Sampling(antithetic=True)."
        )
    tilt = sampling.tilt
    return Sampler(
        counted(scenarios),
        seed_of(rng),
        sampling.antithetic,
        int(sampling.replicates) if sampling.sobol else 0,
        tilt if tilt is None or isinstance(tilt, float) else tuple(tilt),
        float(sampling.plain),
    )
