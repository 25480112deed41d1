"""Studies: a run as one specification, in Python and in TOML, with the same defaults.

Start with :class:`Study`; `study.run()` gives a :class:`StudyRun`.

- `specification`: the study; `source`, `scenario_words`: two of its tables
- `outputs`: the available outputs; `study_run`, `result_tables`: the results
- `rule_words`: rules from text; `folders`: starter, examples, replication package
- `values`, `texts`, `kinds`: one parser of values for TOML and for the command line
"""

from __future__ import annotations

from .specification import Study
from .study_run import StudyRun

__all__ = ["Study", "StudyRun"]
