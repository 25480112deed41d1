"""Standard normal numbers, block by block: pseudo-random, antithetic, or scrambled Sobol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from ..errors import ShockError

SOBOL_DIMENSIONS = 21_201  # of the direction numbers of Joe and Kuo (2008)
BITS = 30


@dataclass(frozen=True)
class Numbers:
    """Independent standard normal numbers, d for each scenario.

    Attributes
    ----------
    seed : entropy; block b has `SeedSequence(seed, spawn_key=(b,))`.
    count, block : number of all scenarios, and of those in a block (a power of two).
    d : numbers in a scenario.
    antithetic : scenario 2 i + 1 has the numbers of scenario 2 i with opposite sign.
    replicates : independently scrambled Sobol sequences, each of count / replicates points; 0:
        pseudo-random numbers.
    """

    seed: int
    count: int
    block: int
    d: int
    antithetic: bool = False
    replicates: int = 0

    def __post_init__(self) -> None:
        if self.replicates and self.antithetic:
            raise ShockError("antithetic and sobol exclude each other: choose one.")
        if not self.replicates:
            return
        points, rest = divmod(self.count, self.replicates)
        if rest or points < 1 or points & (points - 1):
            fit = self.replicates << max(self.count // self.replicates, 1).bit_length() - 1
            raise ShockError(
                f"{self.count:,} scenarios in {self.replicates} replicates: Sobol points are "
                "balanced in powers of two. Take "
                f"scenarios={fit} or {2 * fit}, or other replicates."
            )
        if self.d > SOBOL_DIMENSIONS:
            raise ShockError(
                f"Sobol points have up to {SOBOL_DIMENSIONS:,} coordinates; these scenarios need "
                f"{self.d:,}. Use Sampling(antithetic=True)."
            )

    @property
    def dependent(self) -> bool:
        """Whether scenarios depend on each other within groups."""
        return self.antithetic or self.replicates > 0

    def group(self, start: int, stop: int) -> np.ndarray:
        """(stop − start,) pair or replicate of each scenario; its own number if independent."""
        numbers = np.arange(start, stop)
        if self.replicates:
            return numbers // (self.count // self.replicates)
        return numbers // 2 if self.antithetic else numbers

    def draw(self, number: int) -> np.ndarray:
        """(k, d) block `number`; the last block can be shorter."""
        start = number * self.block
        stop = min(start + self.block, self.count)
        if self.replicates:
            return self._sobol(start, stop)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
        if not self.antithetic:
            return rng.standard_normal((self.block, self.d))[: stop - start]
        pairs = np.empty((self.block, self.d))
        rng.standard_normal(out=pairs[: self.block // 2])
        half = pairs[: self.block // 2].copy()
        pairs[0::2], pairs[1::2] = half, -half
        return pairs[: stop - start]

    def _sobol(self, start: int, stop: int) -> np.ndarray:
        """Points start to stop − 1 of the concatenated replicates.

        Blocks and replicates are powers of two: one divides the other.
        """
        from scipy.stats import qmc

        points = self.count // self.replicates
        found = []
        while start < stop:
            replicate, place = divmod(start, points)
            take = min(points - place, stop - start)
            child = np.random.SeedSequence(self.seed, spawn_key=(replicate,))
            engine = qmc.Sobol(self.d, scramble=True, bits=BITS, rng=np.random.default_rng(child))
            if place:
                engine.fast_forward(place)
            found.append(engine.random(take))
            start += take
        unit = found[0] if len(found) == 1 else np.concatenate(found)
        unit += 0.5**BITS / 2  # the middle of its cell: never 0
        return ndtri(unit, out=unit)
