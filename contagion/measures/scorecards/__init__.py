"""Official scorecards: G-SIB scores, surcharges, large-exposure limits, interconnectedness.

They follow published rules; each docstring says which parts of them were read and which were not.
"""

from __future__ import annotations

from .gsib import GsibScores, bcbs_gsib, us_gsib
from .interconnectedness import interconnectedness
from .large_exposures import large_exposures
from .methodology import denominators, weights

__all__ = [
    "GsibScores",
    "bcbs_gsib",
    "denominators",
    "interconnectedness",
    "large_exposures",
    "us_gsib",
    "weights",
]
