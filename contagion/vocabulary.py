"""Argument names that all functions share: meaning, type and default.

| word | meaning | default |
|---|---|---|
| `network` | the exposures; the first argument, unless a file comes before it | |
| `rng` | seed, `SeedSequence` or `Generator`, used once | None: fresh entropy at each call |
| `level` | probability of a value at risk or expected shortfall | `LEVEL`, `JOINT_LEVEL` |
| `confidence` | coverage of an interval | `CONFIDENCE` |
| `interval` | method of an interval | "asymptotic" |
| `resamples` | bootstrap or permutation samples of existing data | 999, 200 for standard errors |
| `samples` | networks, orders or vectors that a sampler draws | |
| `scenarios` | a scenario set, or the number of scenarios | |
| `most` | largest number of rows or boxes shown | 10, in figures 12 |
| `max_size` | size of the largest set that a search considers | |
| `n_jobs` | number of processes, −1 for all cores; results do not depend on it | 1 |
| `progress` | show a progress bar | False |

With `rng=None` two calls differ; a seed makes them equal. Functions that need random numbers and
have no argument `rng` (tables of results, the report) use `SEED`, so their results do not change.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Rng = int | np.random.Generator | np.random.SeedSequence | None
Interval = Literal["asymptotic", "bootstrap"]

SEED = 0
LEVEL = 0.99  # of a loss: value at risk, expected shortfall, their allocations
JOINT_LEVEL = 0.95  # of a tail within a tail (CoVaR, tail dependence): 1 − level enters twice
LEVELS = (0.95, 0.99)  # of a table
CONFIDENCE = 0.95
RESAMPLES = 999  # for an interval
ERROR_RESAMPLES = 200  # for a standard error
MOST = 10
MOST_DRAWN = 12


def root_of(rng: Rng) -> np.random.SeedSequence:
    """The seed sequence from which the streams of a run are spawned.

    >>> root_of(7).entropy, root_of(np.random.SeedSequence(7)).entropy
    (7, 7)
    """
    if isinstance(rng, np.random.SeedSequence):
        return rng
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence(int(rng.integers(2**63)))
    return np.random.SeedSequence(rng)
