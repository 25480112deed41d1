"""One vocabulary: a public name stands for one object, and a word means the same everywhere."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from inspect import Parameter, signature

import pytest

import contagion
from contagion import vocabulary

NOT_PUBLIC = ("kernels", "cli")  # arrays in and out; commands have options
# Rooms whose names are unique but whose signatures this contract does not walk: the rooms inside
# `network` serve readers of tables; venues use the words of their rulebooks.
OWN_WORDS = ("contagion.network.", "contagion.venues")
FORBIDDEN = {  # word: what is said instead
    "net": "network",
    "seed": "rng",
    "random_state": "rng",
    "generator": "rng",
    "n_iter": "samples or resamples",
    "bootstrap": "resamples",
    "repetitions": "resamples",
    "draws": "samples",
    "n_samples": "samples",
    "n_boot": "resamples",
    "alpha": "level or confidence",
    "quantile": "level",
    "ci": "confidence",
    "coverage": "confidence",
    "top": "most",
    "head": "most",
    "jobs": "n_jobs",
    "workers": "n_jobs",
    "verbose": "progress",
    "antithetic": "sampling",
    "sobol": "sampling",
    "tilt": "sampling",
}
PAPERS = {("contagion.models.RogersVeraart", "alpha")}  # the letter of the paper, a recovery
SAMPLING = "contagion.scenarios.Sampling"  # the object whose fields these are
FILES = {"path", "text", "folder"}  # what is read or written comes before the network
KEYWORDS = {  # word: (annotations, defaults) in functions and methods; each by keyword only
    "rng": ({"Rng"}, {None}),
    "n_jobs": ({"int"}, {1}),
    "progress": ({"bool"}, {False}),
    "confidence": ({"float"}, {vocabulary.CONFIDENCE}),
    "interval": ({"Interval", "Interval | None"}, {"asymptotic", None}),  # None: by statistic
    "resamples": ({"int"}, {vocabulary.RESAMPLES, vocabulary.ERROR_RESAMPLES, 0}),
    "samples": ({"int"}, {1, 100, 1000, 10_000}),
    "max_size": ({"int"}, {4, 5}),
    "sampling": ({"Sampling"}, {contagion.scenarios.Sampling()}),
    "weighting": ({"Weighting"}, {"plain"}),
    "baseline": ({"Baseline"}, {"book", "cleared"}),
    "ax": ({"Axes | None"}, {None}),
}
WORDS = {  # word: annotations, wherever it stands in a function or method
    "network": {"ExposureNetwork", "ExposureNetwork | Study | StudyRun"},  # or what says it
    "level": {"float"},
    "most": {"int"},
    "recovery": {"float", "Values", "float | Iterable[float]"},  # one a node, or one a claim
    "book": {"MarginBook"},
    "cascade": {"LiquidationCascade"},
    "margins": {"Margins"},
    "unit": {"str"},
}
MOST_POSITIONAL = 2  # optional arguments that may be given without their word


def rooms() -> list[str]:
    """Every package with public names, below the kernels and the command line nothing."""
    found = [m.name for m in pkgutil.walk_packages(contagion.__path__, "contagion.") if m.ispkg]
    found += ["contagion.datasets", "contagion.shocks"]
    return ["contagion", *(name for name in found if name.split(".")[1] not in NOT_PUBLIC)]


def public(room: str) -> Iterator[tuple[str, object]]:
    """Public names of a room; of a module without `__all__`, what it defines."""
    module = importlib.import_module(room)
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, held in vars(module).items()
            if getattr(held, "__module__", "") == room and not name.startswith("_")
        ]
    for name in names:
        yield name, getattr(module, name)


EVERY = [(room, name, held) for room in rooms() for name, held in public(room)]


def clashes(found: list[tuple[str, str, object]]) -> dict[str, list[str]]:
    """Names that stand for several objects, with the rooms where they do."""
    places: dict[str, dict[int, str]] = defaultdict(dict)
    for room, name, held in found:
        places[name].setdefault(id(held), room)
    return {name: sorted(at.values()) for name, at in places.items() if len(at) > 1}


def test_a_public_name_stands_for_one_object():
    assert len(EVERY) > 400
    assert clashes(EVERY) == {}


def test_a_clash_would_be_noticed():
    assert clashes([("a", "read", int), ("b", "read", str), ("c", "read", int)]) == {
        "read": ["a", "b"]
    }
    assert any(inspect.isclass(held) for _, _, held in EVERY)


# -- words --------------------------------------------------------------------------------------


def signatures() -> dict[str, tuple[dict[str, Parameter], bool]]:
    """Parameters without self of every public function, constructor (True) and public method."""
    found: dict[str, tuple[dict[str, Parameter], bool]] = {}
    for room, name, held in EVERY:
        if room.startswith(OWN_WORDS):
            continue
        if inspect.isfunction(held):
            found[f"{room}.{name}"] = dict(signature(held).parameters), False
        elif inspect.isclass(held) and not issubclass(held, Exception):
            if _ours(held.__init__):
                found[f"{room}.{name}"] = dict(signature(held).parameters), True
            for method, member in inspect.getmembers(held, inspect.isroutine):
                if not method.startswith("_") and _ours(member):
                    parameters = dict(signature(member).parameters)
                    parameters.pop("self", None)
                    found[f"{room}.{name}.{method}"] = parameters, False
    return found


def _ours(member: Callable[..., object]) -> bool:
    return str(getattr(member, "__module__", "")).startswith("contagion")


SIGNATURES = signatures()


def deviations(name: str, parameters: dict[str, Parameter], record: bool) -> list[str]:
    """What one signature has that the vocabulary has not."""
    found = [
        f"{name}: {word} is called {FORBIDDEN[word]}"
        for word in parameters
        if word in FORBIDDEN and (name, word) not in PAPERS and name != SAMPLING
    ]
    if record:  # fields of records and models are nouns of their own
        return found
    order = list(parameters)
    before = set(order[: order.index("network")]) if "network" in order else set()
    if before - FILES:
        found.append(f"{name}: network comes first, not {order[0]}")
    for word, parameter in parameters.items():
        annotation = str(parameter.annotation)
        if word in WORDS and annotation not in WORDS[word]:
            found.append(f"{name}: {word} is {annotation}, elsewhere {sorted(WORDS[word])}")
        if word in KEYWORDS:
            annotations, defaults = KEYWORDS[word]
            if annotation not in annotations:
                found.append(f"{name}: {word} is {annotation}, elsewhere {sorted(annotations)}")
            if parameter.kind is not Parameter.KEYWORD_ONLY:
                found.append(f"{name}: {word} is given by keyword only")
            if not any(parameter.default is d or parameter.default == d for d in defaults):
                found.append(f"{name}: {word} is {parameter.default!r}, elsewhere {defaults}")
    loose = [
        word
        for word, parameter in parameters.items()
        if parameter.default is not Parameter.empty
        and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    if len(loose) > MOST_POSITIONAL:
        found.append(f"{name}: {', '.join(loose)} are too many to give by position")
    return found


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_speaks_the_vocabulary(name):
    assert deviations(name, *SIGNATURES[name]) == []


def test_levels_have_one_default_a_kind():
    joint = {"contagion.measures.covar", "contagion.measures.tail_dependence"}
    for name, (parameters, record) in SIGNATURES.items():
        level = parameters.get("level")
        if level is None or record or level.default is Parameter.empty:
            continue
        want = vocabulary.JOINT_LEVEL if name in joint else vocabulary.LEVEL
        assert level.default == want, name


def test_rows_shown_have_one_default_in_tables_and_one_in_figures():
    found = {name: p["most"].default for name, (p, record) in SIGNATURES.items() if "most" in p}
    assert len(found) > 6
    for name, default in found.items():
        figure = name.startswith("contagion.plot.")
        assert default == (vocabulary.MOST_DRAWN if figure else vocabulary.MOST), name


def test_processes_come_with_a_bar():
    for name, (parameters, _) in SIGNATURES.items():
        assert "n_jobs" not in parameters or "progress" in parameters, name


def test_every_deviation_would_be_noticed():
    def wrong(rng: int = 0, *, network: object, draws: int = 3, n_jobs: int = 2) -> None: ...

    def loose(network: ExposureNetwork, a=1, b=2, c=3, *, rng: Rng = None) -> None: ...  # noqa: F821

    found = deviations("f", dict(signature(wrong).parameters), False)
    for words in (
        "draws is called samples",
        "network comes first, not rng",
        "network is object",
        "rng is int",
        "rng is given by keyword only",
        "rng is 0",
        "n_jobs is 2",
    ):
        assert any(words in text for text in found), (words, found)
    assert deviations("g", dict(signature(loose).parameters), False) == [
        "g: a, b, c are too many to give by position"
    ]
    assert len(SIGNATURES) > 300
