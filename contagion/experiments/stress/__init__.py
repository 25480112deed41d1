"""Many scenarios through a model: losses, defaults, VaR and ES with their errors, resumable."""

from .folder import StressError
from .result import StressTest
from .run import stress_test
from .saved import load, resume

__all__ = ["StressError", "StressTest", "load", "resume", "stress_test"]
