"""The specification of a run: network, shock, model, rules, scenarios and outputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, MissingFileError, located
from ..media import notebook, page, shown
from ..models import EisenbergNoe, Model
from ..results.run_arrays import Baseline
from ..rules import Rule
from ..scenarios import Scenarios
from ..shocks import Shock
from ..text import choice, known_name, toml
from . import market, scenario_words, source
from .outputs import OUTPUTS
from .rule_words import rule_from
from .study_run import StudyRun, of_outputs
from .values import plain_value, read_shock, read_value


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """One run as a specification, the same in Python and in a TOML file.

    It is a description only: no network is read and nothing is computed before :meth:`run`. Two
    studies are equal if their files are. In TOML the values of the fields are text: a table for a
    shock, the name of a model with its parameters, "200m" for an amount.

    Parameters
    ----------
    network : name of a dataset, or path of a file or folder; or {"source": ..., option: value} with
        the options of `contagion.read`; {"generate": {"family": name, ...}}, or a source of margins
        with {"reconstruct": {"method": name, ...}}. Tables (`nodes`, `holdings`, `guarantees`,
        `shareholdings`) are paths.
    shock : the shock; None: the first run of the dataset.
    model : the model, or its name in the registry.
    baseline : as in `model.propagate`.
    rules : {node: rule} for nodes that share a shortfall by another rule than their own; a rule, a
        word, the path of a TOML file, `venue:NAME` or a table.
    scenarios : a set of `ct.scenarios`, or its kind with parameters; the seed is 0 unless given.
    outputs : results of :meth:`run`: names, or {name: options} with the keywords of the function
        that computes it (`rng` is called `seed`); from run, explain, rank, defaults, ensemble,
        stability, compare, stress, sweep, reverse, triggers, fund, policy, layers, cascade.
    market : positions and loans with prices, {"positions": path, "loans": path, "prices": {asset:
        price} or path, "maintenance": rate, "unit": text} and reading options. With it, every
        output runs :class:`~contagion.liquidation.CoupledCascade` on the network and the model;
        the output cascade needs no network ({}).
    cascade : how positions and loans are liquidated: keywords of
        :class:`~contagion.liquidation.LiquidationCascade`, and free, path (a number of steps, or a
        file of prices by date), rounds, withdrawal and run_on of `CoupledCascade`. Prices fall by
        `shock`.
    title : a title for readers.
    folder : folder to which paths are relative.

    Raises
    ------
    ArgumentError : for an invalid value, with the accepted form.
    UnknownNameError : for an unknown name, with the closest one.

    Example
    -------
    >>> import contagion as ct
    >>> study = Study("neva_ring3", shock=ct.Shock.default("A", recovery=0.5))
    >>> done = study.run()
    >>> bool(done["run"].loss.sum() == ct.EisenbergNoe().propagate(done.network,
    ...     ct.Shock.default("A", recovery=0.5)).loss.sum())
    True
    >>> print(study.toml())
    outputs = [
        "run",
    ]
    <BLANKLINE>
    [network]
    source = "neva_ring3"
    <BLANKLINE>
    [shock.default]
    A = 0.5
    <BLANKLINE>
    [model]
    name = "eisenberg-noe"
    <BLANKLINE>
    """

    network: Mapping[str, Any]
    shock: Shock | None = None
    model: Model = field(default_factory=EisenbergNoe)
    baseline: Baseline = "cleared"
    rules: Mapping[str, Rule] = field(default_factory=dict)
    scenarios: Mapping[str, Any] = field(default_factory=lambda: dict(scenario_words.USUAL))
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"run": {}})
    market: Mapping[str, Any] = field(default_factory=dict)
    cascade: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    folder: Path = Path()

    if TYPE_CHECKING:  # types accepted by the fields; the types stored are above

        def __init__(
            self,
            network: str | PathLike[str] | Mapping[str, Any],
            shock: Shock | None = None,
            model: Model | str | Mapping[str, Any] = ...,
            baseline: Baseline = ...,
            rules: Mapping[Any, Rule | str | PathLike[str] | Mapping[str, Any]] = ...,
            scenarios: Scenarios | str | Mapping[str, Any] = ...,
            outputs: str | Iterable[str] | Mapping[str, Mapping[str, Any]] = ...,
            market: Mapping[str, Any] = ...,
            cascade: Mapping[str, Any] = ...,
            title: str = ...,
            folder: str | PathLike[str] = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        choice(self.baseline, ("book", "cleared"), "baseline")
        asked: Any = self.outputs
        if not isinstance(asked, Mapping):
            asked = {name: {} for name in ([asked] if isinstance(asked, str) else asked)}
        known_each(asked, OUTPUTS, "output", "outputs")
        found: dict[str, Any] = {
            "network": source.checked(self.network) if self.network or not self.market else {},
            "market": market.checked(self.market),
            "cascade": market.liquidations(self.cascade, Path(self.folder)),
            "shock": None if self.shock is None else _merged(self.shock),
            "model": read_value(self.model, Model, "[model]"),
            "rules": {str(x): _rule(rule, str(x), self.folder) for x, rule in self.rules.items()},
            "scenarios": scenario_words.checked(self.scenarios),
            "outputs": {
                name: MappingProxyType(OUTPUTS[name].checked(options, f"[{name}]"))
                for name, options in asked.items()
            },
            "folder": Path(self.folder),
        }
        if found["cascade"] and not found["market"]:
            raise ArgumentError('[cascade] needs a [market], such as positions = "positions.csv".')
        for name, value in found.items():
            value = MappingProxyType(value) if isinstance(value, dict) else value
            object.__setattr__(self, name, value)

    # -- plain values -----------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The study in plain values, as in its file; most default values are left out."""
        told: dict[str, Any] = {"title": self.title, "outputs": list(self.outputs)}
        if self.baseline != "cleared":
            told["baseline"] = self.baseline
        told["network"] = plain_value(self.network)
        told["market"] = plain_value(self.market)
        told["cascade"] = plain_value(self.cascade, "[cascade]")
        if self.shock is not None:
            told["shock"] = plain_value(self.shock)
        told["model"] = plain_value(self.model)
        told["rules"] = {node: plain_value(rule) for node, rule in self.rules.items()}
        if self.scenarios != scenario_words.checked(scenario_words.USUAL):
            told["scenarios"] = deepcopy(dict(self.scenarios))
        for name, options in self.outputs.items():
            if name == "cascade":  # its options are the table `cascade` of the study
                continue
            told[name] = plain_value(options, f"[{name}]")
        keep = ("outputs", "shock", "model")
        return {key: value for key, value in told.items() if value or key in keep}

    def toml(self) -> str:
        """The text of the file."""
        import tomli_w

        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: str | PathLike[str] = "") -> Study:
        """A study from plain values, as :meth:`to_dict` gives them.

        Parameters
        ----------
        folder : folder to which paths are relative.

        Example
        -------
        >>> Study.from_dict({"network": {"source": "neva_ring3"}, "shok": {}})
        Traceback (most recent call last):
        contagion.errors.UnknownNameError: Unknown table or key 'shok'. Did you mean 'shock'?
        """
        own = [each.name for each in fields(cls) if each.name != "folder"]
        known_each(data, [*own, *OUTPUTS], "table or key")
        found = {name: data[name] for name in own if name in data}
        for name, kind, form in (("title", str, '"text"'), ("baseline", str, '"cleared"')):
            if not isinstance(found.get(name, ""), kind):
                raise ArgumentError(f"{name} = {found[name]!r}: write {name} = {form}.")
        for name in ("shock", "rules"):
            if not isinstance(found.get(name, {}), Mapping):
                raise ArgumentError(f"{name} = {found[name]!r}: write a table, [{name}].")
        if not {"network", "market"} & set(found):
            raise ArgumentError(
                'There is no network: write [network] and source = "exposures.csv", or the name of '
                "a dataset (contagion datasets)."
            )
        found.setdefault("network", {})
        if "shock" in found:
            found["shock"] = read_shock(found["shock"], "[shock]")
        found["outputs"] = _asked(data, found.get("outputs"))
        return cls(**found, folder=Path(folder))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Study:
        """A study from a TOML file; paths in it are relative to its folder.

        Raises
        ------
        MissingFileError : if the file does not exist.
        ArgumentError, UnknownNameError : if it is not a valid study, with file, table and key.
        """
        place = Path(path)
        if not place.is_file():
            raise MissingFileError(
                f"There is no study {str(place)!r}. contagion init writes one to begin with."
            )
        with located(place.name):
            return cls.from_dict(toml(place.read_text("utf-8")), place.parent)

    def write(self, path: str | PathLike[str]) -> Path:
        """Write the file; :meth:`read` gives an equal study, with paths relative to its folder.

        >>> import tempfile
        >>> study = Study("neva_ring3", outputs=["run", "rank"])
        >>> study == Study.read(study.write(tempfile.mkdtemp() + "/study.toml"))
        True
        """
        place = Path(path)
        place.write_text(self.moved(place.parent).toml(), "utf-8", newline="\n")
        return place

    def moved(self, folder: str | PathLike[str]) -> Study:
        """The same study with its paths relative to another folder."""
        goal = Path(folder)
        if goal.resolve() == self.folder.resolve():
            return self
        moved = {"network": dict(self.network), "scenarios": dict(self.scenarios),
                 "market": dict(self.market), "cascade": dict(self.cascade)}  # fmt: skip
        for (table, name), path in self.places().items():
            if not Path(path).is_absolute():
                there = os.path.relpath((self.folder / path).resolve(), goal.resolve())
                moved[table][name] = Path(there).as_posix()
        return self.but(**moved, folder=goal)

    def places(self) -> dict[tuple[str, str], str]:
        """{(table, key): path} of the files that the study names."""
        found = {("network", key): path for key, path in source.places(self.network).items()}
        found |= {("market", key): path for key, path in market.places(self.market).items()}
        if isinstance(self.cascade.get("path"), str):
            found["cascade", "path"] = self.cascade["path"]
        returns = self.scenarios.get(scenario_words.RETURNS)
        if isinstance(returns, str):
            found["scenarios", scenario_words.RETURNS] = returns
        return found

    def but(self, **changed: Any) -> Study:
        """The study with the given fields changed; `outputs` are replaced as a whole.

        >>> Study("neva_ring3").but(model="debtrank").model
        DebtRank()
        """
        return Study(**{each.name: getattr(self, each.name) for each in fields(self)} | changed)

    # -- running ----------------------------------------------------------------------------

    def run(
        self,
        *outputs: str,
        n_jobs: int = 1,
        progress: bool = False,
        out: str | PathLike[str] | None = None,
    ) -> StudyRun:
        """Read the data, run the study and return its outputs; same numbers as direct calls.

        Parameters
        ----------
        outputs : outputs to compute instead of those of the study.
        n_jobs, progress : processes and a progress bar, as in `ct.stress_test`; no effect on
            results.
        out : folder of a stress test, as in `ct.stress_test`.
        """
        started = StudyRun(self, out, {"n_jobs": n_jobs, "progress": progress})
        return of_outputs(started, outputs or self.outputs)

    # -- as a value -------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self.toml() == other.toml() if isinstance(other, Study) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.toml())

    def __reduce__(self) -> tuple[Any, ...]:
        return Study.from_dict, (self.to_dict(), str(self.folder))

    @shown
    def __repr__(self) -> str:
        shock = "its first run" if self.shock is None else repr(self.shock)
        head = self.title or self.network.get(source.SOURCE, "a market")
        return f"Study of {head}: {shock}, {self.model!r}, gives {', '.join(self.outputs)}"

    def _repr_html_(self) -> str:
        return f"{notebook(repr(self))}<pre>{page(self.toml())}</pre>"


def known_each(given: Iterable[Any], known: Iterable[str], what: str, where: str = "") -> None:
    """Raise `UnknownNameError` for the first name that is not known."""
    known = list(known)
    for name in given:
        known_name(name, known, what, where)


def _asked(data: Mapping[str, Any], named: Any) -> dict[str, Any]:
    """Outputs with their options: those named, else those with a table, else run."""
    tables = {name: data[name] for name in data if name in OUTPUTS and name != "cascade"}
    if not tables and data.get("network", {}) == {}:
        tables = {"cascade": {}}
    if named is None:
        return tables or {"run": {}}
    if isinstance(named, str) or not isinstance(named, Iterable):
        raise ArgumentError(f'outputs = {named!r}: write a list, such as ["run", "rank"].')
    if unused := [name for name in tables if name not in named]:
        raise ArgumentError(
            f"[{unused[0]}] has options and is not in outputs: add {unused[0]!r} to outputs, or "
            "leave the table out."
        )
    return {name: tables.get(name, {}) for name in named}


def _merged(shock: Any) -> Shock:
    """The shock in the form of its table, with amounts of the same node added up."""
    found: Shock = read_value(shock, Shock, "[shock]")
    return read_shock(plain_value(found), "[shock]")


def _rule(given: Any, node: str, folder: Path) -> Rule:
    with located(f"[rules] {node}"):
        return rule_from(given, folder=folder)
