"""One row a node, one column a measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import pandas as pd

from ...errors import ArgumentError, expect, several
from ...models import CrossHoldings, DebtRank, EisenbergNoe
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...text import known_name
from .. import MEASURES, Measure, single_defaults
from ..indices import debtrank_of

SHEET = ("equity", "claims", "debts")
LARGE = 2_000  # nodes from which slow measures have to be asked for by name


def rank(
    network: ExposureNetwork,
    models: Sequence[Model] | None = None,
    *,
    measures: Iterable[str] | Literal["all"] | None = None,
    recovery: float = 0.0,
    progress: bool = False,
) -> pd.DataFrame:
    """Systemic importance, one row a node, most important first.

    Every node defaults once under every model (see `measures.single_defaults`). A DebtRank
    model gives the column `debtrank`; every other model gives `default_impact`,
    `contagion_index`, `vulnerability_index`, `induced_defaults` and `hazard`, with the name of
    the model behind a dot when there is more than one (its parameters too, when one model comes
    twice). Measures that need no run of a model come beside them.

    Parameters
    ----------
    network : the exposures.
    models : by default `[EisenbergNoe(), DebtRank()]`, and without DebtRank, which knows no
        guarantees, where there are any; `[CrossHoldings()]` where nodes own each other.
    measures : names from `measures.MEASURES`: only these columns, in this order; "all" for the
        columns of the models and every measure of a node that needs the network alone (above
        2,000 nodes without the slow ones: betweenness, harmonic, sinkrank ...).
    recovery : recovery rate on claims on the failing node, in [0, 1].
    progress : show a progress bar.

    Returns
    -------
    DataFrame indexed by node; `measures.MEASURES` defines the columns. Where a measure is not
    defined it is nan, and `attrs["reasons"]` is {column: {node: why}}.

    Raises
    ------
    ArgumentError
        For a measure that does not exist (with the closest name), is not one number a node, or
        that none of the models gives.

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
    wanted = _wanted(measures, len(network))
    chosen = several(models, "Model", "models") if models is not None else _usual(network)
    book = network.book
    sheet = {"equity": book.equity, "claims": book.claims, "debts": book.debts}
    parts = [pd.DataFrame(sheet, index=network.names)]
    reasons: dict[str, dict[Any, str]] = {}
    if wanted is None or any(measure.of is None for measure in wanted) or measures == "all":
        for part in _runs(network, chosen, recovery, progress):
            reasons.update(part.attrs.pop("reasons", {}))
            parts.append(part)
    if wanted is not None:
        for measure in wanted:
            if measure.of is not None:
                column = measure.of(network)
                reasons[measure.name] = column.attrs.pop("reasons", {})
                parts.append(column.rename(measure.name).to_frame())
    frame = pd.concat(parts, axis=1)
    if wanted is not None and measures != "all":
        frame = frame[[*SHEET, *_columns(frame, wanted)]]
    by = str(frame.columns[len(SHEET)]) if len(frame.columns) > len(SHEET) else "debts"
    if wanted is None or measures == "all":
        names = [str(column) for column in frame]
        by = next((c for c in names if c.startswith(("default_impact", "debtrank"))), "debts")
    ordered = frame.sort_values(by, ascending=False, kind="stable")
    ordered.attrs["reasons"] = {name: why for name, why in reasons.items() if why}
    return ordered


def _usual(network: ExposureNetwork) -> list[Model]:
    """The models that say most about a network and know all that it has."""
    owned = network.shareholdings is not None
    usual: list[Model] = [CrossHoldings() if owned else EisenbergNoe()]
    if network.guarantees is None and not owned:
        usual.append(DebtRank())
    return usual


def _runs(
    network: ExposureNetwork, models: list[Model], recovery: float, progress: bool
) -> list[pd.DataFrame]:
    """The measures that need runs, one part a model."""
    clearing = [model for model in models if not isinstance(model, DebtRank)]
    label = {id(model): type(model).__name__ for model in clearing}
    if len(set(label.values())) < len(clearing):
        label = {id(model): repr(model) for model in clearing}
    parts = []
    for model in models:
        table = single_defaults(network, model, recovery=recovery, progress=progress)
        reasons = table.attrs.pop("reasons", {})
        if isinstance(model, DebtRank):
            name = "debtrank" if model.variant == "linear" else "debtrank.single_hit"
            column = debtrank_of(network, table).rename(name)
            why = column.attrs.pop("reasons", {})
            parts.append(column.to_frame())
            parts[-1].attrs["reasons"] = {name: why}
            continue
        table = table.drop(columns="loss_suffered")
        if len(clearing) > 1:
            table = table.add_suffix(f".{label[id(model)]}")
            reasons = {f"{name}.{label[id(model)]}": why for name, why in reasons.items()}
        table.attrs["reasons"] = {name: why for name, why in reasons.items() if name in table}
        parts.append(table)
    return parts


def _wanted(measures: Iterable[str] | Literal["all"] | None, n: int) -> list[Measure] | None:
    """The measures that were asked for."""
    if measures is None:
        return None
    if measures == "all":
        every = [m for m in MEASURES.values() if m.scope == "node" and m.of is not None]
        return [m for m in every if n <= LARGE or not m.slow]
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
    """The columns of the measures, in the order in which they were asked for."""
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
