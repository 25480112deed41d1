"""The outputs of a study: for each, the function that computes it and its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any, Literal, get_type_hints

from ..errors import ArgumentError
from ..experiments import compare_rules, layers, over_networks, policy, reverse, stress_test, sweep
from ..experiments.sweeping import Case
from ..measures import every_default
from ..measures.ranking import perturbed, rank, stability
from ..models import Model
from ..network.exposure_network import ExposureNetwork
from ..results.explain import explain
from ..results.propagation_result import PropagationResult
from ..rules import Rule
from ..shocks import Shock
from ..text import known_name
from . import market
from .texts import Grid
from .values import read_value

StudyRun = Any  # defined in a module that imports this registry
SEED = "seed"  # the name of `rng` in a file
RUNNING = ("self", "n_jobs", "progress", "out", "chunk")  # results do not depend on these
NAMES: dict[str, Any] = {
    "Model": Model,
    "Shock": Shock,
    "ExposureNetwork": ExposureNetwork,
    "PropagationResult": PropagationResult,
}


@dataclass(frozen=True)
class Output:
    """One output: how it is made, and the options of its table.

    Attributes
    ----------
    about : description in one line.
    make : (run, options) → the result, by the public function that a user would call.
    function : the function whose keywords are the options.
    given : keywords that the study itself provides.
    more : {option: (type, default)} of further options, or with another type than in the function.
    needed : options of which at least one is required.
    """

    about: str
    make: Callable[[StudyRun, dict[str, Any]], Any]
    function: Callable[..., Any]
    given: tuple[str, ...]
    more: Mapping[str, Any] = field(default_factory=dict)
    needed: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """{option: type}."""
        typed = get_type_hints(self.function, localns=NAMES)
        left = {*self.given, *RUNNING}
        found = {
            SEED if name == "rng" else name: int if name == "rng" else typed[name]
            for name, each in signature(self.function).parameters.items()
            if name not in left and each.kind is not Parameter.VAR_KEYWORD
        }
        return found | dict(self.more)

    def checked(self, data: Any, what: str) -> dict[str, Any]:
        """The options of a table, each converted to its type.

        Raises
        ------
        UnknownNameError : for an unknown option, with the closest one.
        ArgumentError : for a value that is missing or of the wrong type.
        """
        if not isinstance(data, Mapping):
            raise ArgumentError(f"{what}: write a table of options.")
        known, found = self.options, dict[str, Any]()
        for key, value in data.items():
            known_name(key, known, "key", what)
            found[key] = read_value(value, known[key], f"{what} {key}")
        return found

    def ready(self, data: Mapping[str, Any], what: str) -> None:
        """Raise `ArgumentError` if none of the required options is given."""
        if self.needed and not set(self.needed) & set(data):
            raise ArgumentError(f"{what} needs {' or '.join(self.needed)}.")


def _propagated(run: StudyRun, _: dict[str, Any]) -> Any:
    study = run.study
    return run.model.propagate(run.network, run.shock, baseline=study.baseline)


def _explained(run: StudyRun, asked: dict[str, Any]) -> Any:
    nodes, result = asked.pop("nodes"), run["run"]
    return {node: result.explain(run.node(node), **asked) for node in nodes}


def _ranked(run: StudyRun, asked: dict[str, Any]) -> Any:
    if run.study.market:
        asked.setdefault("models", [run.model])
    return rank(run.network, **asked, **run.running)


def _each_defaulted(run: StudyRun, asked: dict[str, Any]) -> Any:
    return every_default(run.network, run.model, **asked, **run.running)


def _over_networks(run: StudyRun, _: dict[str, Any]) -> Any:
    nets = run.networks
    if len(nets) < 2:
        raise ArgumentError(
            "[ensemble] runs the shock on every network of an ensemble, but there is one network. "
            "Give a folder of folders, as written by contagion reconstruct."
        )
    study = run.study
    return over_networks(nets, run.model, run.shock, baseline=study.baseline, **run.running)


def _ranked_again(run: StudyRun, asked: dict[str, Any]) -> Any:
    nets = run.networks
    noise = {name: asked.pop(name) for name in ("noise", "samples") if name in asked}
    rng = asked.pop(SEED, 0)
    over = nets if len(nets) > 1 else perturbed(nets[0], rng=rng, **noise)
    return stability(over, [run.model], **asked, **run.running)


def _compared(run: StudyRun, asked: dict[str, Any]) -> Any:
    study, sets = run.study, asked.pop("rules")
    named = {name: {run.node(node): rule for node, rule in of.items()} for name, of in sets.items()}
    return compare_rules(
        run.network, run.shock, named, model=run.model, baseline=study.baseline, **asked
    )


def _stressed(run: StudyRun, asked: dict[str, Any]) -> Any:
    nets = run.networks
    return stress_test(
        nets if len(nets) > 1 else nets[0],
        run.model,
        run.scenarios,
        baseline=run.study.baseline,
        out=run.out,
        **asked,
        **run.running,
    )


def _swept(run: StudyRun, asked: dict[str, Any]) -> Any:
    case = Case(run.network, run.model, run.shock, run.study.baseline)
    grid = {name: list(values) for name, values in asked.pop("grid").items()}
    return sweep(case, grid, rng=asked.pop(SEED, None), **asked, **run.running)


def _reversed(run: StudyRun, asked: dict[str, Any]) -> Any:
    if "given" in asked:
        asked["given"] = run.resolved(asked["given"])
    return reverse.smallest_shock(run.network, run.model, **run.nodes(asked, "fail", "hit"))


def _triggered(run: StudyRun, asked: dict[str, Any]) -> Any:
    asked = run.nodes(asked, "fail", "candidates")
    progress = run.running["progress"]
    return reverse.fewest_triggers(run.network, run.model, **asked, progress=progress)


def _funded(run: StudyRun, asked: dict[str, Any]) -> Any:
    node = run.node(asked["node"])
    return reverse.break_even_fund(run.network, node, run.shock, run.model)


def _with_policy(run: StudyRun, asked: dict[str, Any]) -> Any:
    against = run.scenarios if asked.pop("on", "shock") == "scenarios" else run.shock
    study, done = run.study, asked.pop("interventions")
    return policy.compare(
        run.network, run.model, against, done, baseline=study.baseline, **asked, **run.running
    )


def _by_layer(run: StudyRun, asked: dict[str, Any]) -> Any:
    study = run.study
    return layers.by_layer(run.network, run.model, run.shock, baseline=study.baseline, **asked)


def _cascaded(run: StudyRun, asked: dict[str, Any]) -> Any:
    study, book = run.study, run.book  # raises if the study has no market
    if study.network:
        return run["run"]
    return market.alone(book, study.cascade, study.shock, study.folder)


NODES = list[Any] | None
RUN = ("network", "shock", "model", "baseline")
OUTPUTS: dict[str, Output] = {
    "run": Output("one shock: losses, defaults, who bears them", _propagated, Model.propagate,
                  RUN),
    "explain": Output("the paths of the loss of a node", _explained, explain,
                      ("result", "node"), {"nodes": list[Any]}, ("nodes",)),
    "rank": Output("nodes by the losses that their default causes", _ranked, rank, ("network",)),
    "defaults": Output("the default of each node, alone: the loss of every other node",
                       _each_defaulted, every_default, ("network", "model")),
    "ensemble": Output("the shock on every network of an ensemble", _over_networks, over_networks,
                       ("networks", "model", "shock", "baseline")),
    "stability": Output("ranks over an ensemble of networks, or over amounts with noise",
                        _ranked_again, stability, ("networks", "models"),
                        {"noise": float, "samples": int, SEED: int}),
    "compare": Output("the shock under other rules of loss sharing", _compared, compare_rules, RUN,
                      {"rules": Mapping[str, Mapping[Any, Rule]]}, ("rules",)),
    "stress": Output("many scenarios: value at risk, expected shortfall", _stressed, stress_test,
                     ("networks", "model", "scenarios", "baseline")),
    "sweep": Output("the shock over a grid of fields", _swept, sweep, ("run", "measures"),
                    {"grid": Mapping[str, Grid]}, ("grid",)),
    "reverse": Output("the smallest shock that causes a default or a loss", _reversed,
                      reverse.smallest_shock, ("network", "model"), {"fail": NODES, "hit": NODES},
                      ("fail", "loss")),
    "triggers": Output("the fewest defaults for the same", _triggered, reverse.fewest_triggers,
                       ("network", "model"), {"fail": NODES, "candidates": NODES},
                       ("fail", "loss")),
    "fund": Output("the fund with which a node pays in full", _funded,
                   reverse.break_even_fund, ("network", "shock", "model"), {"node": str},
                   ("node",)),
    "policy": Output("the effects of interventions", _with_policy, policy.compare, RUN,
                     {"interventions": Mapping[str, policy.intervention.Intervention],
                      "on": Literal["shock", "scenarios"]}, ("interventions",)),
    "cascade": Output("a price shock through positions and loans", _cascaded, _cascaded,
                      ("run", "asked")),
    "layers": Output("the losses of each layer of claims alone", _by_layer, layers.by_layer,
                     (*RUN, "recovery")),
}  # fmt: skip
