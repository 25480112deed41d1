"""Many scenarios through a model: losses, defaults, VaR and ES with their errors, resumable."""

from .result import StressTest
from .run import stress_test
from .saved import load, resume

__all__ = ["StressTest", "load", "resume", "stress_test"]
