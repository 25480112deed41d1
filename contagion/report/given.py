"""The inputs of a report: checked, and completed with data of the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from .. import measures
from ..datasets import Card
from ..datasets import card as dataset_card
from ..datasets import names as dataset_names
from ..errors import ArgumentError, expect, several
from ..experiments.over_networks import OverNetworks
from ..experiments.policy import ScenarioComparison, ShockComparison
from ..experiments.reverse import BreakEven, Smallest, Triggers
from ..experiments.rule_comparison import RuleComparison
from ..experiments.stress import StressTest
from ..experiments.sweeping import Sweep
from ..measures import MEASURES, EveryDefault, Topology
from ..measures.ranking import Agreement, RankStability, agreement
from ..measures.scorecards.gsib import GsibScores
from ..network.exposure_network import ExposureNetwork
from ..panel import PanelRun
from ..plot.pieces import names
from ..records import Table
from ..results.propagation_result import PropagationResult
from ..study import Study, StudyRun
from ..text import listing
from .disclosure import Coded, Disclosure, coded
from .measure_words import measure_title

Answer = Smallest | Triggers | BreakEven
Policy = ShockComparison | ScenarioComparison
LARGE = 1_000  # largest number of nodes for computing the shape and comparing ranks


@dataclass(frozen=True, eq=False)
class Given:
    """The arguments of a report, each as a tuple or None, and results computed from them."""

    network: ExposureNetwork
    results: tuple[PropagationResult, ...]
    ranking: Table | pd.DataFrame | None
    comparison: RuleComparison | None
    card: Card | None
    study: Study | None
    topology: Topology | None
    sweeps: tuple[Sweep, ...]
    reverse: tuple[Answer, ...]
    stress: StressTest | None
    policy: tuple[Policy, ...]
    agreement: Agreement | None
    defaults: EveryDefault | None = None
    coded: Coded | None = None
    ensemble: OverNetworks | None = None
    stability: RankStability | None = None
    periods: PanelRun | None = None
    gsib: GsibScores | None = None
    live: bool = False  # for a page with the script


def given(
    network: ExposureNetwork,
    results: PropagationResult | Sequence[PropagationResult] = (),
    ranking: Table | pd.DataFrame | None = None,
    comparison: RuleComparison | None = None,
    card: Card | str | None = None,
    study: Study | None = None,
    topology: Topology | None = None,
    sweeps: Sweep | Sequence[Sweep] = (),
    reverse: Answer | Sequence[Answer] = (),
    stress: StressTest | None = None,
    policy: Policy | Sequence[Policy] = (),
    defaults: EveryDefault | None = None,
    periods: PanelRun | None = None,
    gsib: GsibScores | None = None,
) -> Given:
    """Check that all parts have the same nodes, and describe the network.

    Raises
    ------
    ArgumentError : if a part belongs to a network with other nodes.
    DatasetError : for a card name that does not exist.
    """
    expect(network=network)
    many = tuple(several(results, "PropagationResult", "results", one=True))
    found = (policy,) if isinstance(policy, ShockComparison | ScenarioComparison) else policy
    answers = (reverse,) if isinstance(reverse, Smallest | Triggers | BreakEven) else reverse
    for result in many:
        _same("A result", network, result.network.names)
    if comparison is not None:
        expect("RuleComparison", comparison=comparison)
        _same("The comparison", network, next(iter(comparison.results.values())).network.names)
    if stress is not None:
        expect("StressTest", stress=stress)
        _same("The stress test", network, stress.names)
    for one in found:
        _same("The policy comparison", network, _nodes(one))
    if defaults is not None:
        _same("The record of every default", network, defaults.network.names)
    if periods is not None:
        expect("PanelRun", periods=periods)
        _same("The run of periods", network, next(iter(periods.results.values())).network.names)
    for answer in answers:
        _inside(network, answer)
    if topology is None and len(network) <= LARGE:
        topology = measures.topology(network)
    return Given(
        network,
        many,
        ranking,
        comparison,
        _card(network, card),
        study,
        topology,
        (sweeps,) if isinstance(sweeps, Sweep) else tuple(sweeps),
        tuple(answers),
        stress,
        tuple(found),
        None if ranking is None else _agreement(ranking, network),
        defaults,
        periods=periods,
        gsib=gsib,
    )


def of_study(
    run: StudyRun, topology: Topology | None = None, disclosure: Disclosure | None = None
) -> Given:
    """The results of a study, with the study; for confidential data, the results with codes."""
    if disclosure is not None:
        hidden = coded(run, disclosure)
        return replace(of_study(hidden.run), coded=hidden)
    found, policies = run.results, run.results.get("policy", ())
    answers = [found[name] for name in ("reverse", "triggers", "fund") if name in found]
    made = given(
        run.network,
        found.get("run", ()),
        found.get("rank"),
        found.get("compare"),
        run.card,
        run.study,
        topology,
        found.get("sweep", ()),
        answers,
        found.get("stress"),
        policies,
        found.get("defaults"),
    )
    ranks = found.get("stability")
    return replace(made, ensemble=found.get("ensemble"), stability=ranks)


def _card(network: ExposureNetwork, card: Card | str | None) -> Card | None:
    """The given card, or the card of the packaged dataset from which the network was made."""
    if card is None:
        begun = [r.method for r in network.provenance.named("dataset")]
        return dataset_card(begun[0]) if begun and begun[0] in dataset_names() else None
    return dataset_card(card) if isinstance(card, str) else card


def _nodes(policy: Policy) -> Iterable[object]:
    if isinstance(policy, ShockComparison):
        return next(iter(policy.results.values())).network.names
    return next(iter(policy.tests.values())).names


def _same(what: str, network: ExposureNetwork, nodes: Iterable[object]) -> None:
    """Raise if a part has other nodes; a folder has the names of nodes as text."""
    if list(map(str, nodes)) != list(map(str, network.names)):
        raise ArgumentError(f"{what} belongs to a network with other nodes than the report.")


def _inside(network: ExposureNetwork, answer: Answer) -> None:
    nodes = (
        answer.losses.index
        if isinstance(answer, Smallest)
        else answer.nodes
        if isinstance(answer, Triggers)
        else [answer.node]
    )
    other = [node for node in nodes if node not in network.names]
    if other:
        raise ArgumentError(
            f"The answer of a reverse stress test names {listing(other)}, which the network of "
            "the report does not have."
        )


def _agreement(ranking: Table | pd.DataFrame, network: ExposureNetwork) -> Agreement | None:
    """The agreement of the measures of importance, with the titles used in the report."""
    about = {name: measure.about for name, measure in MEASURES.items()}
    columns = {
        column: measure_title(str(column))
        for column in ranking
        if about.get(str(column).partition(".")[0], "vulnerability") != "vulnerability"
        and ranking[column].nunique() > 1  # a constant measure does not order the nodes
    }
    if len(columns) < 2 or len(ranking) > LARGE:
        return None
    table = ranking[list(columns)].rename(columns=columns, index=names(network))
    return agreement(table, list(columns.values()))
