"""Networks that were not observed: generated, or reconstructed from partial data.

Start with :mod:`contagion.synthetic.generate` (random networks with balance sheets that add up) or
:mod:`contagion.synthetic.reconstruct` (exposures that match the total claims and debts of nodes).
Every function takes `rng`: the same seed gives the same network.
"""

from __future__ import annotations

from . import generate, reconstruct

__all__ = ["generate", "reconstruct"]
