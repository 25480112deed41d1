"""The ranking table: one row a node, one column a measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd

from ...errors import ArgumentError, expect, several
from ...models import CrossHoldings, DebtRank, EisenbergNoe
from ...models.base import Model
from ...models.node_values import Weights
from ...network.exposure_network import ExposureNetwork
from ...records import Table, because
from ...text import known_name
from ...vocabulary import SEED
from .. import MEASURES, Measure, each_default
from ..registry import beside, definitions

SHEET = {
    "equity": "external assets + claims − external liabilities − debts, money",
    "claims": "claims of the node on other nodes of the network, money",
    "debts": "debts of the node to other nodes of the network, money",
}
HEADLINES = ("socialized_caused", "default_impact", "debtrank")
LARGE, DRAWN = 2_000, 400  # above LARGE nodes, costly measures are estimated from DRAWN nodes


def rank(
    network: ExposureNetwork,
    models: Sequence[Model] | None = None,
    *,
    measures: Iterable[str] | Literal["all"] | None = None,
    recovery: float = 0.0,
    weights: Weights | None = None,
    n_jobs: int = 1,
    progress: bool = False,
) -> Table:
    """Systemic importance, one row a node, most important first.

    Each node defaults once under each model (see `measures.each_default`). The first column of the
    first model orders the rows: the socialized loss that the default causes, if the model settles
    claims. A DebtRank model gives the column `debtrank`. Every other model gives
    `socialized_caused` (if it settles claims), `default_impact` (the loss of owners inside the
    graph), `contagion_index`, `vulnerability_index`, `induced_defaults` and `hazard`. With more
    than one model, the name of the model follows after a dot (and its parameters, if a model occurs
    twice). Measures that need no model run are further columns.

    Parameters
    ----------
    network : the exposures.
    models : by default `[EisenbergNoe(), DebtRank()]`, without DebtRank (which does not compute
        guarantees) if the network has guarantees; `[CrossHoldings()]` if nodes own each other.
    measures : names from `measures.MEASURES`: only these columns, in this order; "all" for the
        columns of the models and every measure of a node that needs only the network. Above 2,000
        nodes, "all" estimates those whose cost grows faster than the exposures (betweenness,
        harmonic, sinkrank, impact_susceptibility, impact_diffusion) from a sample of 400, with
        their standard error in `notes`; if named, they are exact.
    recovery : recovery rate on claims on the defaulting node, in [0, 1].
    weights : of `debtrank`, as in :class:`~contagion.DebtRank`; by default those of each model.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Returns
    -------
    Table indexed by node, with the `definitions` of its columns. Undefined values are nan, and
    `reasons` is {column: {node: why}}.

    Raises
    ------
    ArgumentError : for a measure that does not exist (with the closest name), that is not one
        number for each node, or that no model in `models` gives.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix(
    ...     [[0, 10, 0], [0, 0, 0], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
    ...     equity=[1, 3, 1])
    >>> ct.rank(net).index[0]
    'a'
    >>> ct.rank(net, measures=["default_impact", "glasserman_young"]).columns.tolist()[3:]
    ['default_impact', 'glasserman_young']
    """
    expect(network=network)
    wanted = _wanted(measures)
    chosen = several(models, "Model", "models") if models is not None else _usual(network)
    if weights is not None:
        chosen = [replace(m, weights=weights) if isinstance(m, DebtRank) else m for m in chosen]
    book = network.book
    sheet = {"equity": book.equity, "claims": book.claims, "debts": book.debts}
    first = pd.DataFrame(sheet, index=network.names)
    parts = [Table(first, SHEET, because(first, {"balance sheet not known": True}))]
    if wanted is None or any(measure.of is None for measure in wanted) or measures == "all":
        parts += _runs(network, chosen, recovery, n_jobs, progress)
    if wanted is not None:
        some = {"k": DRAWN, "rng": SEED} if measures == "all" and len(network) > LARGE else {}
        found = {
            m.name: m.of(network, **(some if m.drawn else {})) for m in wanted if m.of is not None
        }
        parts += [beside(found)] if found else []
    frame = pd.concat([part.table for part in parts], axis=1)
    if wanted is not None and measures != "all":
        frame = frame[[*SHEET, *_columns(frame, wanted)]]
    by = str(frame.columns[len(SHEET)]) if len(frame.columns) > len(SHEET) else "debts"
    if wanted is None or measures == "all":
        names = [str(column) for column in frame]
        by = next((c for c in names if c.startswith(HEADLINES)), "debts")
    ordered = frame.sort_values(by, ascending=False, kind="stable")
    reasons = {name: why for part in parts for name, why in part.reasons.items()}
    notes = tuple(note for part in parts for note in part.notes)
    return Table(ordered, SHEET | definitions(frame.columns), reasons, notes)


def _usual(network: ExposureNetwork) -> list[Model]:
    """The default models for a network: those that compute all its features."""
    owned = network.shareholdings is not None
    usual: list[Model] = [CrossHoldings() if owned else EisenbergNoe()]
    if network.guarantees is None and not owned:
        usual.append(DebtRank())
    return usual


def _runs(
    network: ExposureNetwork, models: list[Model], recovery: float, n_jobs: int, progress: bool
) -> list[Table]:
    """The measures that need model runs, one table for each model."""
    clearing = [model for model in models if not isinstance(model, DebtRank)]
    label = {id(model): type(model).__name__ for model in clearing}
    if len(set(label.values())) < len(clearing):
        label = {id(model): repr(model) for model in clearing}
    parts = []
    for model in models:
        own = model.weights if isinstance(model, DebtRank) else None
        table = each_default(
            network, model, recovery=recovery, weights=own, n_jobs=n_jobs, progress=progress
        )
        ending = f".{label[id(model)]}" if len(clearing) > 1 and id(model) in label else ""
        names = [str(name) for name in table if not str(name).endswith("_suffered")]
        columns = {f"{name}{ending}": table.scores(name) for name in names}
        if isinstance(model, DebtRank):
            columns = {_debtrank_name(model): table.scores("debtrank")}
        parts.append(beside(columns))
    return parts


def _debtrank_name(model: DebtRank) -> str:
    """`debtrank`, with a suffix for a variant or weights other than "linear" and "equity"."""
    own = model.weights if isinstance(model.weights, str) else "own weights"
    parts = ["single_hit"] * (model.variant != "linear") + [own] * (own != "equity")
    return ".".join(["debtrank", *([" ".join(parts)] if parts else [])])


def _wanted(measures: Iterable[str] | Literal["all"] | None) -> list[Measure] | None:
    """The requested measures."""
    if measures is None:
        return None
    if measures == "all":
        return [m for m in MEASURES.values() if m.scope == "node" and m.of is not None]
    if isinstance(measures, str):
        measures = [measures]
    found = []
    for name in measures:
        known_name(name, MEASURES, "measure")
        if MEASURES[name].scope != "node":
            raise ArgumentError(
                f"{name} is one number for the {MEASURES[name].scope}, not one a node: "
                f"use measures.{name}."
            )
        found.append(MEASURES[name])
    return found


def _columns(frame: pd.DataFrame, wanted: list[Measure]) -> list[str]:
    """The columns of the measures, in the requested order."""
    found = []
    for measure in wanted:
        mine = [str(c) for c in frame if str(c).partition(".")[0] == measure.name]
        if not mine:
            raise ArgumentError(
                f"{measure.name} comes from runs, and none of the models gives it; "
                f"see measures.{measure.name}, or choose other models."
            )
        found += mine
    return found
