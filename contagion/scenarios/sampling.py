"""How scenarios are sampled: how many, from which seed, and what makes the errors smaller."""

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
    """The sampling options of a constructor, checked.

    Attributes
    ----------
    scenarios, seed : how many, and from which entropy.
    antithetic, replicates : see :class:`~contagion.scenarios.numbers.Numbers`.
    tilt, plain : importance sampling, see :class:`~contagion.scenarios.field.Field`; a tilt of
        one number goes in the direction in which the total loss rises fastest.
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
        """The source of d normal numbers a scenario, for n nodes."""
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
        """A field over `names`; `towards` (len(names),) is what the total loss rises by with x.

        `n` is the number of nodes, which decides the size of blocks; `twists` says that there
        is importance sampling besides the shift.
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


def sampling(
    scenarios: int,
    rng: Rng,
    antithetic: bool = False,
    sobol: bool = False,
    replicates: int = 16,
    tilt: Tilt = None,
    plain: float = 0.1,
) -> Sampling:
    """The sampling options of a constructor, checked; see :class:`Sampling`.

    Raises
    ------
    ShockError
        For a number of scenarios or replicates below 1, a tilt that is not finite, and a plain
        part outside [0, 1).
    """
    for flag, name in ((antithetic, "antithetic"), (sobol, "sobol")):
        if not isinstance(flag, bool):
            raise ShockError(f"{name}={flag!r}: choose True or False.")
    if sobol and (isinstance(replicates, bool) or int(replicates) != replicates or replicates < 1):
        raise ShockError(f"replicates={replicates!r}: give a whole number >= 1.")
    tilted: float | tuple[float, ...] | None = None
    if tilt is not None:
        if isinstance(tilt, Sequence | np.ndarray) and not isinstance(tilt, str):
            tilted = tuple(one(value, "tilt") for value in tilt)
        else:
            tilted = one(tilt, "tilt")
    if not 0 <= one(plain, "plain") < 1:
        raise ShockError(f"plain={plain}: it has to lie in [0, 1).")
    return Sampling(
        counted(scenarios),
        seed_of(rng),
        antithetic,
        int(replicates) if sobol else 0,
        tilted,
        float(plain),
    )
