"""Stress tests: many scenarios run with a model; losses, defaults, VaR and ES with their errors.

Start with :func:`stress_test`; :func:`load` and :func:`resume` read a folder that it wrote.

- `run`, `work`, `plan`, `sums`: chunks, processes, sums that do not depend on the chunks
- `checks`, `spec`: checks of the arguments; the specification of a run in plain values
- `losses`, `scalars`, `nodes`, `collect`: losses by scenario and by node
- `result`: the results with labels and errors; VaR intervals are in `contagion/statistics`
- `folder`, `saved`: runs on disk, which can be resumed
"""

from .result import StressTest
from .run import stress_test
from .saved import read_stress_test, resume

__all__ = ["StressTest", "read_stress_test", "resume", "stress_test"]
