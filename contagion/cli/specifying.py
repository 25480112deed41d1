"""From options to a study: every command that takes a network builds one, and can write it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ..errors import ArgumentError, located
from ..models import MODELS, Model
from ..network import schema
from ..network.tables.door import BESIDE
from ..network.tables.reading import OPTIONS as READING
from ..rules import Rule
from ..scenarios import KINDS
from ..shocks import Shock
from ..study import Study, StudyRun, scenario_words
from ..study.market import places
from ..study.rule_words import rule_from
from ..study.source import card_of, hints
from ..study.study_run import first_run
from ..study.texts import free, number
from ..study.values import plain_value, read_shock, read_value
from ..text import known_name
from . import options
from .market_arguments import heard
from .options import pairs, settings
from .read_options import Reading
from .rule_arguments import assigned
from .terminal import put

PLAIN = ("orientation", "unit", "layer")
OWN = {name: READING[name].option for name in READING} | {
    name: "--" + name.replace("_", "-") for name in ("nodes", "assume_equity", *BESIDE, *PLAIN)
}  # settings with an option of their own
EVERY = "*"


@dataclass(frozen=True)
class Data(Reading):  # type: ignore[misc]
    """How a network is read, and where the study of the command is written."""

    nodes: options.Nodes = None
    holdings: options.Holdings = None
    guarantees: options.Guarantees = None
    shareholdings: options.Shareholdings = None
    orientation: options.Orientation = None
    unit: options.Unit = None
    layer: options.Layer = None
    assume_equity: options.AssumeEquity = None
    repair: options.Repair = None
    write_study: options.WriteStudy = None

    def study(self, source: str) -> Study:
        """The study in `source`, or one of this dataset or file; options override the study."""
        base = Study.read(source) if source.endswith(".toml") else Study({"source": source})
        self.__dict__["source"] = source
        found = self.keywords()
        found |= {name: getattr(self, name) for name in PLAIN if getattr(self, name) is not None}
        if str(self.orientation).endswith("-"):
            raise ArgumentError(
                f"--orientation {self.orientation}: write creditor-debtor or debtor-creditor (the "
                "shell took the > of an arrow for a file)."
            )
        found |= repairs(self.repair)
        beside = ("nodes", *BESIDE)
        found |= {name: str(getattr(self, name)) for name in beside if getattr(self, name)}
        for table in {*schema.TABLES} & {*found}:
            found[table] = Path(os.path.relpath(found[table], base.folder)).as_posix()
        form = "NODE=AMOUNT, such as --assume-equity celsius=200m"
        equity = pairs(self.assume_equity, "--assume-equity", form)
        if equity:
            card = card_of(base.network, base.folder)
            before = {} if card is None else dict(card.assume_equity)
            given = {node: number(text, "--assume-equity") for node, text in equity.items()}
            found["assume_equity"] = before | dict(base.network.get("assume_equity", {})) | given
        return base.but(network={**base.network, **found}) if found else base

    def begin(self, study: Study, **running: Any) -> StudyRun:
        """The run of a study; the study is written first if --write-study asks for it."""
        if self.write_study is not None:
            if str(self.write_study) == "-":
                put(study.toml().rstrip())
                raise typer.Exit
            study.write(self.write_study)
        self.__dict__["run"] = run = StudyRun(study, **running)
        return run

    def about(self) -> list[str]:
        run = self.__dict__.get("run")
        if run is not None and run.loaded:
            self.hear_network(
                run.network, self.__dict__.get("source", run.study.network.get("source", ""))
            )
            if run.study.market:
                heard(run.book, places(run.study.market), self)
        lines: list[str] = super().about()
        return lines


def repairs(texts: Iterable[str] | None) -> dict[str, Any]:
    """The choices of --repair, converted to their types.

    >>> repairs(["duplicates=sum", "id_map=Deutsche Bk:Deutsche Bank", "start_defaulted=a,b"])
    {'duplicates': 'sum', 'id_map': {'Deutsche Bk': 'Deutsche Bank'}, 'start_defaulted': ['a', 'b']}
    """
    found: dict[str, Any] = {}
    known = {name: hint for name, hint in hints().items() if name not in OWN}
    known["id_map"] = Mapping[str, str]
    for name, text in settings(texts, "--repair").items():
        if name in OWN:
            raise ArgumentError(
                f"--repair {name}={text}: this is an option of its own: {OWN[name]}."
            )
        known_name(name, known, "repair", f"--repair {name}={text}")
        found[name] = read_value(text, known[name], f"--repair {name}")
    return found


@dataclass(frozen=True)
class Run:
    """One shock through one model."""

    default: options.Default = None
    recovery: options.Recovery = None
    loss: options.Loss = None
    relative: options.Relative = None
    equity: options.Equity = None
    equity_relative: options.EquityRelative = None
    price: options.Price = None
    depeg: options.Depeg = None
    model: options.ModelName = None
    param: options.Param = None
    baseline: options.BaselineName = None

    def on(self, study: Study, rule: list[str] | None = None) -> Study:
        """The study with the shock, the model, the baseline and the rules of the options."""
        study = modelled(study, self.model, self.param, self.baseline)
        shock = self._shock(study)
        return ruled(study if shock is None else study.but(shock=shock), rule)

    def _shock(self, study: Study) -> Shock | None:
        """The shock of the options; None if they give none."""
        told: dict[str, Any] = {
            "loss": pairs(self.loss, "--loss", "NODE=AMOUNT, such as --loss celsius=200m"),
            "equity": pairs(self.equity, "--equity", "NODE=AMOUNT, such as --equity celsius=200m"),
            "price": pairs(self.price, "--price", "ASSET=CHANGE, such as --price ETH=-30%"),
            "depeg": pairs(self.depeg, "--depeg", "TOKEN=VALUE, such as --depeg usdc=0.9"),
            "relative": _parts(self.relative, "--relative"),
            "equity_relative": _parts(self.equity_relative, "--equity-relative"),
        }
        rate = 0.0 if self.recovery is None else self.recovery
        told["default"] = dict.fromkeys(self.default or (), rate)
        told = {key: value for key, value in told.items() if value}
        if told:
            return read_shock(told, "The shock of the options")
        if self.recovery is None:
            return None
        if study.shock is not None:
            again = plain_value(study.shock)
            again["default"] = dict.fromkeys(again.get("default", ()), rate)
            return read_shock(again, "--recovery")
        return first_run(card_of(study.network, study.folder), StudyRun(study).network, rate)


def _parts(texts: Iterable[str] | None, option: str) -> dict[str, str]:
    whole = [text if "=" in text else f"{EVERY}={text}" for text in texts or ()]
    return pairs(whole, option, f"NODE=PART or PART, such as {option} 10%")


def modelled(
    study: Study, name: str | None, params: list[str] | None, baseline: str | None = None
) -> Study:
    """The study with the model, its parameters and the baseline of the options."""
    changed: dict[str, Any] = {} if baseline is None else {"baseline": baseline}
    if name is not None:
        known_name(name, MODELS, "model")
    if name is not None or params:
        first = {"name": name} if name is not None else plain_value(study.model)
        data = {**first, **settings(params, "--param")}
        changed["model"] = read_value(data, Model, "--param")
    return study.but(**changed) if changed else study


def ruled(study: Study, texts: list[str] | None) -> Study:
    """The study with the rules of `--rule NODE=RULE`; for one node, the last rule applies.

    Raises `ArgumentError` if the model does not use rules.
    """
    if not texts:
        return study
    refuse_rules([study.model])
    network = StudyRun(study).network
    given = [assigned(text, network) for text in texts]
    rules: dict[str, Rule] = {node: rule_from(words) for _, node, words in given}
    return study.but(rules={**study.rules, **rules})


def refuse_rules(models: Iterable[Model]) -> None:
    """Raise if none of the models uses rules."""
    names = {kind: name for name, kind in MODELS.items()}
    models = list(models)
    if not any(model.settles for model in models):
        said = " and ".join(names[type(model)] for model in models)
        raise ArgumentError(
            f"--rule: {said} settles no claims, so rules are not used. Choose --model "
            f"{' or '.join(name for name in MODELS if MODELS[name].settles)}."
        )


def drawn(
    study: Study,
    kind: str | None,
    given: Iterable[str] | None,
    count: int | None,
    seed: int | None,
) -> Study:
    """The study with its scenarios, overridden by the options."""
    told: dict[str, Any] = dict(study.scenarios)
    if kind is not None and kind.endswith(".toml"):
        told = scenario_words.read(Path(kind))
    elif kind is not None:
        kinds = [name.replace("_", "-") for name in KINDS]
        known_name(kind.replace("_", "-"), kinds, "kind or file (.toml)", "--scenarios")
        told = {"kind": kind.replace("-", "_")}
    told |= {name: free(text) for name, text in elsewhere(given).items()}
    told |= {} if count is None else {"scenarios": count}
    told |= {} if seed is None else {"seed": seed}
    if isinstance(told.get("returns"), str):
        told["returns"] = Path(os.path.relpath(told["returns"], study.folder)).as_posix()
    with located(Path(kind).name) if kind is not None and kind.endswith(".toml") else nullcontext():
        return study.but(scenarios=told)


def elsewhere(
    given: Iterable[str] | None,
    flags: Mapping[str, str] = {"kind": "--scenarios", "scenarios": "--count", "seed": "--rng"},
) -> dict[str, str]:
    """The texts of --set; raise for a name with an option of its own."""
    found = settings(given)
    for name in found:
        if name in flags:
            raise ArgumentError(f"--set {name}={found[name]}: use {flags[name]} instead.")
    return found
