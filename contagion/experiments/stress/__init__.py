"""Many scenarios through a model: losses, defaults, VaR and ES with their errors, resumable.

Start with :func:`stress_test`; :func:`load` and :func:`resume` read a folder that it wrote.

- `run`, `work`, `plan`, `sums`: chunks, processes, sums that do not depend on the cutting
- `checks`, `spec`: what is asked for, checked; what a run is, in plain values
- `losses`, `scalars`, `nodes`, `collect`: what an outcome means by scenario and by node
- `result`: the answer with labels and errors; VaR intervals come from `contagion/statistics`
- `folder`, `saved`: runs on disk
"""

from .result import StressTest
from .run import stress_test
from .saved import read_stress_test, resume

__all__ = ["StressTest", "read_stress_test", "resume", "stress_test"]
