"""Many scenarios through a model: losses, defaults, VaR and ES with their errors, resumable."""

from .result import StressTest
from .run import stress_test
from .saved import read_stress_test, resume

__all__ = ["StressTest", "read_stress_test", "resume", "stress_test"]
