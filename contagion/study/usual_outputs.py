"""The default outputs of a report, which answer its three questions."""

from __future__ import annotations

from typing import Any

from ..errors import ContagionError
from ..experiments.policy import Collateral, ExposureLimit, compare
from ..experiments.policy.intervention import Intervention
from .specification import Study
from .study_run import StudyRun

PAIRS = 500  # largest number of nodes for which all pairs of trigger and victim are kept


def usual(study: Study, ranking: bool = True) -> Study:
    """The study with the outputs of a report: run, ranking, every default, sweep, interventions.

    Parameters
    ----------
    ranking : False leaves out the outputs that are slow for thousands of nodes.

    Example
    -------
    >>> list(usual(Study("cefi_credit_2022")).outputs)
    ['run', 'rank', 'defaults', 'sweep', 'policy']
    """
    begun = StudyRun(study)
    outputs: dict[str, dict[str, Any]] = {"run": {}}
    if ranking:  # under the model of the run, at its recovery
        rates = {rate for _, rate in (*begun.shock.defaults, *begun.shock.depegs)}
        rate = rates.pop() if len(rates) == 1 else 0.0
        outputs["rank"] = {"models": [study.model], "recovery": rate}
        if len(begun.network) <= PAIRS:
            outputs["defaults"] = {"recovery": rate}
    if len(begun.networks) > 1:
        outputs["ensemble"] = {}
        outputs |= {"stability": {"recovery": outputs["rank"]["recovery"]}} if ranking else {}
    if len(begun.network) <= PAIRS and (grid := _grid(begun)):
        outputs["sweep"] = {"grid": grid}
    helps = {name: one for name, one in _interventions(begun).items() if _runs(begun, one)}
    if helps:
        outputs["policy"] = {"interventions": helps}
    return study.but(outputs=outputs)


def _grid(begun: StudyRun) -> dict[str, list[float]]:
    """The parameters to vary: recovery rate of the nodes hit, and capital of all nodes."""
    grid = {}
    if begun.shock.defaults and not begun.shock.depegs:
        grid["shock.recovery"] = [0.0, 0.25, 0.5, 0.75]
    if begun.network.book.known.any():
        grid["network.capital"] = [0.5, 1.0, 2.0]
    return grid


def _interventions(begun: StudyRun) -> dict[str, Intervention]:
    """Interventions that need only the network and the shock."""
    net = begun.network
    hit = list(net.names[begun.shock.arrays(net).triggers])
    found: dict[str, Intervention] = {}
    if net.book.known.any():
        found["exposure limit of 25% of capital"] = ExposureLimit(0.25)
    if 0 < len(hit) < len(net):
        found["collateral for half of the debts of the nodes hit"] = Collateral(0.5, nodes=hit)
    return found


def _runs(begun: StudyRun, one: Intervention) -> bool:
    """Whether an intervention can be run here and changes anything."""
    study = begun.study
    if not study.model.settles:
        return False
    try:
        done = compare(
            begun.network, begun.model, begun.shock, {"it": one}, baseline=study.baseline
        )
    except ContagionError:  # for example, a limit may leave too few assets for a recovery rate
        return False
    return bool(done.table["avoided"].abs().max() > 0)
