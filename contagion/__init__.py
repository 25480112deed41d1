"""How losses spread through networks of exposures, and who bears them in the end.

    >>> import contagion as ct
    >>> network = ct.datasets.load("cefi_credit_2022")
    >>> result = ct.EisenbergNoe().propagate(network, ct.Shock.default("three_arrows"))
    >>> f"{result.socialization.socialized_share:.0%}"
    '100%'

This module has the names for a first session. Others are in the subpackages: `network` (exposures
and balance sheets), `models` (how losses spread), `rules` and `venues` (how one node shares a
shortfall), `results` (losses and their bearers), `measures` (critical nodes), `liquidation` and
`margin` (positions, loans, initial margin), `scenarios` and `experiments` (many runs), `synthetic`
(generated and reconstructed networks), `outofcore` (networks larger than memory), `lookthrough`,
`randomgraphs`, `statistics`, `plot` and `report`; `study` holds a run as one specification.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .handed import CATALOGUE

if TYPE_CHECKING:
    from . import (
        datasets,
        experiments,
        liquidation,
        lookthrough,
        margin,
        measures,
        models,
        outofcore,
        plot,
        randomgraphs,
        rules,
        scenarios,
        statistics,
        study,
        synthetic,
        venues,
    )
    from .citations import cite
    from .errors import (
        AmbiguousSolution,
        ArgumentError,
        ArgumentTypeError,
        ContagionError,
        ConvergenceError,
        DatasetError,
        DisclosureError,
        MarginError,
        MissingFileError,
        MissingPackageError,
        ModelError,
        NetworkError,
        PolicyError,
        RuleError,
        ShockError,
        StressError,
        UnknownNameError,
    )
    from .experiments import compare_rules, stress_test, sweep
    from .measures.ranking import rank
    from .models import DebtRank, EisenbergNoe
    from .network import ExposureNetwork, read, read_table
    from .panel import Panel
    from .report import write_report
    from .shocks import Shock
    from .study import Study

__version__ = "0.1.0"

__all__ = [
    "AmbiguousSolution",
    "ArgumentError",
    "ArgumentTypeError",
    "ContagionError",
    "ConvergenceError",
    "DatasetError",
    "DebtRank",
    "DisclosureError",
    "EisenbergNoe",
    "ExposureNetwork",
    "MarginError",
    "MissingFileError",
    "MissingPackageError",
    "ModelError",
    "NetworkError",
    "Panel",
    "PolicyError",
    "RuleError",
    "Shock",
    "ShockError",
    "StressError",
    "Study",
    "UnknownNameError",
    "cite",
    "compare_rules",
    "datasets",
    "experiments",
    "liquidation",
    "lookthrough",
    "margin",
    "measures",
    "models",
    "outofcore",
    "plot",
    "randomgraphs",
    "rank",
    "read",
    "read_table",
    "rules",
    "scenarios",
    "statistics",
    "stress_test",
    "study",
    "sweep",
    "synthetic",
    "venues",
    "write_report",
]

_IN = {  # the room of a name; other names are errors if capitalised, else rooms
    "DebtRank": "models",
    "EisenbergNoe": "models",
    "ExposureNetwork": "network",
    "Panel": "panel",
    "Shock": "shocks",
    "Study": "study",
    "cite": "citations",
    "compare_rules": "experiments",
    "rank": "measures.ranking",
    "read": "network",
    "read_table": "network",
    "stress_test": "experiments",
    "sweep": "experiments",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:
    """Load rooms and functions on first use, so that `import contagion` is fast."""
    if name in __all__ and (name in _IN or name[0].isupper()):
        found = getattr(import_module(f".{_IN.get(name, 'errors')}", __name__), name)
        globals()[name] = found
        return found
    if name in __all__ or name in ("errors", "network", "report", "results"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


CATALOGUE.append(lambda name, **given: import_module(".venues", __name__).venue(name, **given))
