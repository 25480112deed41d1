"""The results of a study: the study with its network, its shock and its results, as tables too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from .. import media
from ..datasets import Card
from ..errors import ArgumentError
from ..liquidation import MarginBook
from ..media import guarded, notebook, shown
from ..models.base import NO_SHOCK, Model
from ..network.exposure_network import ExposureNetwork
from ..scenarios import Scenarios
from ..shocks import Shock
from ..text import known_name, listing
from . import market, scenario_words, source
from .outputs import OUTPUTS
from .result_tables import tables
from .values import plain_value, read_shock


@dataclass(frozen=True, eq=False, repr=False)
class StudyRun:
    """A study and its results, each made by the public function that a user would call.

    `done["run"]` is the result of one output; `network`, `shock` and `scenarios` are its inputs.
    Results are computed on first access and cached.

    Attributes
    ----------
    study : the specification, which reproduces the results.
    out : folder of a stress test that can be resumed, or None.
    running : processes and progress bar; results do not depend on them.
    results : {output: result} of the outputs computed so far.
    """

    study: Any  # a Study; `Study.run` makes this object
    out: str | PathLike[str] | None = None
    running: dict[str, Any] = field(default_factory=lambda: {"n_jobs": 1, "progress": False})
    results: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def card(self) -> Card | None:
        """The card, if the network is a packaged dataset."""
        return source.card_of(self.study.network, self.study.folder)

    @cached_property
    def networks(self) -> tuple[ExposureNetwork, ...]:
        """The networks: one, or an ensemble."""
        study = self.study
        return source.load(study.network, study.rules, study.model, study.folder)

    @cached_property
    def book(self) -> MarginBook:
        """The positions and loans."""
        return market.load(self.study.market, self.study.folder)

    @cached_property
    def model(self) -> Model:
        """The model of the study; with a market, the cascade combined with that model."""
        study = self.study
        model: Model = study.model
        if not study.market:
            return model
        return market.coupled(self.book, study.cascade, model, self.network, study.folder)

    @cached_property
    def modelled(self) -> ExposureNetwork:
        """The network with the parties and the assets of the market."""
        return self.model.on(self.network)

    @property
    def loaded(self) -> bool:
        """Whether the networks have been read."""
        return "networks" in self.__dict__

    @property
    def network(self) -> ExposureNetwork:
        """The network, or the first one of an ensemble."""
        return self.networks[0]

    @cached_property
    def shock(self) -> Shock:
        """The shock of the study, else none if prices follow a path, else the dataset's first."""
        study = self.study
        if study.shock is not None:
            shock = self.resolved(study.shock)
        elif isinstance(study.cascade.get("path"), str):
            shock = NO_SHOCK
        else:
            shock = first_run(self.card, self.network)
        shock.arrays(self.modelled)
        return shock

    @cached_property
    def scenarios(self) -> Scenarios:
        """The scenarios of the study, drawn for its network."""
        return scenario_words.made(self.study.scenarios, self.modelled, self.study.folder)

    def node(self, name: Any) -> Any:
        """The node with this name as text."""
        names = self._names
        known_name(str(name), names, "node")
        return names[str(name)]

    def nodes(self, options: dict[str, Any], *keys: str) -> dict[str, Any]:
        """The options with nodes in place of their names as text."""
        spelled = {key: [self.node(x) for x in options[key]] for key in keys if options.get(key)}
        return {**options, **spelled}

    def resolved(self, shock: Shock) -> Shock:
        """The shock with nodes and assets in place of their names as text."""
        network = self.modelled
        return read_shock(plain_value(shock), "[shock]", network.names, network.priced_assets)

    @cached_property
    def _names(self) -> dict[str, Any]:
        return {str(name): name for name in self.modelled.names}

    def __getitem__(self, output: str) -> Any:
        """The result of an output."""
        if output not in self.results:
            known_name(output, OUTPUTS, "output")
            asked = dict(self.study.outputs.get(output, {}))
            OUTPUTS[output].ready(asked, f"[{output}]")
            self.results[output] = OUTPUTS[output].make(self, asked)
        return self.results[output]

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables of all results so far; with several results, the output name is a prefix.

        {"bearers": table, ...} for one result, {"run/bearers": table, ...} for several.
        """
        found: dict[str, pd.DataFrame] = {}
        for name, result in self.results.items():
            head = f"{name}/" if len(self.results) > 1 else ""
            found |= {f"{head}{key}": table for key, table in tables(name, result).items()}
        return found

    def save(self, folder: str | PathLike[str]) -> list[Path]:
        """Write study.toml and every table as CSV; the same study gives the same bytes."""
        place = media.folder(Path(folder), "results")
        place.mkdir(parents=True, exist_ok=True)
        files = [self.study.write(place / "study.toml")]
        for name, table in self.tables().items():
            file = place / f"{name}.csv"
            file.parent.mkdir(exist_ok=True)
            guarded(table).to_csv(file, index=False, lineterminator="\n")
            files.append(file)
        return files

    @shown
    def __repr__(self) -> str:
        lines = [f"Run of {self.study!r}"]
        for name, result in self.results.items():
            lines += [f"{name}:", *(f"  {line}" for line in repr(result).splitlines()[:6])]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook(repr(self))


def first_run(card: Card | None, network: ExposureNetwork, recovery: float | None = None) -> Shock:
    """The default that starts the crisis of a dataset, with `recovery` if it is given.

    Raises
    ------
    ArgumentError : for files, which have no such default, and for a period without the node.
    """
    if card is None:
        raise ArgumentError(
            "Give a shock: --default NODE, or --loss NODE=AMOUNT; in a study "
            "[shock] default = { NODE = recovery }, in Python shock=ct.Shock.default(NODE)."
        )
    first = card.default_run["default"]
    if first not in network.names:
        raise ArgumentError(
            f"The dataset starts with the default of {first!r}, which this period does not "
            f"have. Say --default NODE: {listing(network.names, 6)}."
        )
    rate = float(card.default_run["recovery"]) if recovery is None else recovery
    return Shock.default(first, recovery=rate)


def of_outputs(run: StudyRun, outputs: Iterable[str]) -> StudyRun:
    """The run with these outputs computed."""
    for output in outputs:
        run[output]
    return run
