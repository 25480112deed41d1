"""Results as JSON and as files: settings and tables of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..results.propagation_result import PropagationResult
from ..rules import to_dict
from ..study import StudyRun
from ..study.result_tables import tables
from .outputs import rows, summary

SETTLED = ("bearers", "layers", "calls")


def record(result: PropagationResult) -> dict[str, Any]:
    """Settings and results of a run, without the tables."""
    from .. import __version__

    model = type(result.model)
    return {
        "contagion": __version__,
        "network": result.network.name,
        "unit": result.network.unit,
        "nodes": len(result.network),
        "exposures": len(result.network.amount),
        "model": {"name": model.__name__, "source": model.source, "repr": repr(result.model)},
        "shock": repr(result.shock),
        "baseline": result.baseline,
        "rules": {str(node): to_dict(rule) for node, rule in result.network.rules.items()},
        "socialization": result.socialization.to_dict() if result.model.settles else None,
        "rounds": int(result.outcome.rounds),
        "residual": float(result.outcome.residual),
        "converged": bool(result.outcome.converged),
        "findings": [[finding.code, finding.message] for finding in result.network.findings],
        "assumptions": list(result.network.assumptions),
    }


def results(done: StudyRun, out: Path) -> list[Path]:
    """Write the results of a study into a folder: the study, every table, summary.json."""
    return [*done.save(out), summary(out, whole(done))]


def whole(done: StudyRun) -> dict[str, Any]:
    """All results of a study; if it has only a run, the record of that run."""
    told = {name: recorded(name, result) for name, result in done.results.items()}
    return told["run"] if list(told) == ["run"] else {"study": done.study.to_dict(), **told}


def recorded(output: str, result: Any) -> dict[str, Any]:
    """A result for JSON: settings and tables."""
    if output != "run":
        return rows(tables(output, result))
    found = {"table": result.table.reset_index().to_dict("records")}
    if result.model.settles:
        found |= {key: getattr(result, key).to_dict("records") for key in SETTLED}
    return {**record(result), **found}
