"""One family of errors: every error is a `ContagionError`, and says what to type."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import pickle
import pkgutil
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion import errors

PACKAGE = Path(errors.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
CLASSES = [
    x for x in vars(errors).values() if isinstance(x, type) and issubclass(x, ct.ContagionError)
]
OUTSIDE = {"AttributeError", "NotImplementedError", "StopIteration", "SystemExit"}


def raised(source: str) -> list[str]:
    """Names of the classes that a module raises."""
    calls = (
        node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Raise)
    )
    return [call.id for call in calls if isinstance(call, ast.Name) and call.id[0].isupper()]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_family_is_raised(path):
    family = {each.__name__ for each in CLASSES} | OUTSIDE | {"Exit", "Abort", "BadParameter"}
    assert set(raised(path.read_text("utf-8"))) <= family


def test_another_error_would_be_noticed():
    assert raised("def f():\n    raise ValueError('x')") == ["ValueError"]
    assert raised("try:\n    f()\nexcept OSError:\n    raise\nraise KeyError") == ["KeyError"]


def test_the_family_is_at_the_top():
    assert {each.__name__ for each in CLASSES} <= set(ct.__all__)
    assert all(getattr(ct, each.__name__) is each for each in CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_travel(kind):
    error = kind("Unknown node 'a'.")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind
        assert str(other) == "Unknown node 'a'."


def test_what_an_error_carries_travels_with_it():
    error = pickle.loads(pickle.dumps(ct.ConvergenceError("no", partial=[1])))
    assert error.partial == [1]
    with (
        pytest.raises(ct.ConvergenceError, match=r"^here: no$") as caught,
        errors.located("here"),
    ):
        raise ct.ConvergenceError("no", partial=[1])
    assert caught.value.partial == [1]


# -- arguments of a wrong type ------------------------------------------------------------------


def network() -> ct.ExposureNetwork:
    return ct.ExposureNetwork.from_matrix(
        [[0, 4, 0], [0, 0, 3], [1, 0, 0]],
        ["alpha", "beta", "gamma"],
        orientation="debtor->creditor",
        external_assets=[5, 4, 6],
    )


NET = network()
MODEL = ct.EisenbergNoe()
SHOCK = ct.Shock.default("alpha")
BOOK = ct.liquidation.MarginBook(
    {"X": 90.0},
    positions=[{"venue": "v", "holder": "h", "instrument": "X", "size": 2, "margin": 30}],
)
RIGHT = {  # one of each kind
    "ExposureNetwork": NET,
    "Model": MODEL,
    "Shock": SHOCK,
    "Scenarios": ct.scenarios.defaults(NET, 0.1, scenarios=4, rng=1),
    "PropagationResult": MODEL.propagate(NET, SHOCK),
    "MarginBook": BOOK,
}
WRONG = ["alpha", 3, None, NET, MODEL, SHOCK, BOOK, ct.EisenbergNoe, pd.DataFrame(), np.eye(2)]
WATCHED = (
    *RIGHT, "LiquidationCascade", "CascadeResult", "StressTest", "LayerComparison", "RuleComparison"
)  # fmt: skip
EXEMPT = {
    "with_assumptions": "of the sheet inside a network, called by the network alone",
    "with_shares": "the same",
}


def functions() -> dict[str, Any]:
    """Every function that a room hands out, and what runs one shock."""
    found: dict[str, Any] = {}
    for item in pkgutil.walk_packages(ct.__path__, "contagion."):
        if item.name.startswith(("contagion.cli", "contagion.kernels")):
            continue
        room = importlib.import_module(item.name)
        for name in getattr(room, "__all__", ()):
            each = getattr(room, name)
            if inspect.isfunction(each) and name not in EXEMPT:
                found[f"{each.__module__.removeprefix('contagion.')}.{name}"] = each
    found["propagate"], found["solve"] = MODEL.propagate, MODEL.solve
    found["cascade.run"] = ct.liquidation.LiquidationCascade().run
    found["shock.arrays"], found["shock.resolved"] = SHOCK.arrays, SHOCK.resolved
    return found


def kinds_of(parameter: inspect.Parameter) -> list[str]:
    """The words of an annotation; `Contents`, the base of a network, stands for a network."""
    words = re.findall(r"\w+", str(parameter.annotation))
    return ["ExposureNetwork" if word == "Contents" else word for word in words]


def cases() -> list[Any]:
    found = []
    for name, function in functions().items():
        for word, parameter in inspect.signature(function).parameters.items():
            kinds = kinds_of(parameter)
            if (watched := [kind for kind in WATCHED if kind in kinds]) and "Mapping" not in kinds:
                found.append(pytest.param(function, word, watched, kinds, id=f"{name}-{word}"))
    return found


def filled(function: Any, word: str, value: Any) -> dict[str, Any]:
    """Arguments of a call: one is given, the others that are needed have the right kind or None."""
    arguments = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == word:
            arguments[name] = value
        elif (
            parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
        ):
            kinds = kinds_of(parameter)
            right = next((RIGHT[kind] for kind in kinds if kind in RIGHT), None)
            arguments[name] = [right] if kinds[0] == "Iterable" else right
    return arguments


@pytest.mark.parametrize("function, word, watched, kinds", cases())
def test_a_wrong_type_says_what_was_expected(function, word, watched, kinds):
    for value in WRONG:
        names = [each.__name__ for each in type(value).__mro__]
        if set(names) & set(kinds) or (value is None and "None" in kinds):
            continue
        if "Iterable" in kinds and isinstance(value, str | pd.DataFrame | np.ndarray):
            continue
        with pytest.raises(ct.ArgumentTypeError) as caught:
            result = function(**filled(function, word, value))
            if inspect.isgenerator(result):
                next(result)
        assert any(kind in str(caught.value) for kind in watched), str(caught.value)
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "call, words",
    [
        (
            lambda: MODEL.propagate(NET, "alpha"),
            "a Shock, such as ct.Shock.default('alpha'), and is the text 'alpha'. "
            "The call is propagate(network, shock).",
        ),
        (
            lambda: MODEL.propagate("cefi_credit_2022", SHOCK),
            "such as ct.datasets.load('cefi_credit_2022'), and is the text 'cefi_credit_2022'",
        ),
        (lambda: MODEL.propagate("net.csv", SHOCK), "such as ct.read('net.csv'),"),
        (lambda: MODEL.propagate(SHOCK, NET), "is a Shock. The call is propagate(network, shock)."),
        (lambda: MODEL.propagate(NET, ["alpha", "beta"]), "ct.Shock.default(['alpha', 'beta'])"),
        (lambda: MODEL.propagate(pd.DataFrame(), SHOCK), "ct.ExposureNetwork(nodes, exposures)"),
        (lambda: MODEL.propagate(np.eye(2), SHOCK), "ct.ExposureNetwork.from_matrix(matrix, "),
        (lambda: ct.rank(NET, MODEL), "models is a list of Model: write models=[EisenbergNoe()]."),
        (lambda: ct.rank(MODEL), "and is an EisenbergNoe. The call is rank(network, models)."),
        (lambda: ct.rank(NET, [ct.EisenbergNoe]), "such as EisenbergNoe(), and is the class Eis"),
        (lambda: ct.stress_test(NET, SHOCK, None), "model has to be a Model"),
        (
            lambda: ct.stress_test(MODEL, NET, RIGHT["Scenarios"]),
            "is an ExposureNetwork. The call is stress_test(networks, model, scenarios).",
        ),
        (lambda: ct.stress_test(NET, MODEL, SHOCK), "scenarios has to be a Scenarios, such as ct."),
        (lambda: ct.write_report("r.html", RIGHT["PropagationResult"]), "write_report(path, netw"),
        (
            lambda: ct.measures.default_impact(NET, NET),
            "The call is default_impact(network, model)",
        ),
        (lambda: ct.liquidation.LiquidationCascade().run(NET, {"X": -0.1}), "a MarginBook"),
        (lambda: ct.rank(BOOK), "is a MarginBook. The call is rank(network, models)."),
        (lambda: ct.compare_rules(NET, ct.rules.ProRata(), {}), "call is compare_rules(network, "),
        (lambda: ct.compare_rules(NET, SHOCK, ct.rules.ProRata()), 'give {"name": {node: rule}}'),
        (lambda: ct.sweep(NET, {}), "run has to be a Case, such as ct.experiments.Case(network, "),
    ],
)
def test_the_right_call_is_shown(call, words):
    with pytest.raises(ct.ArgumentTypeError, match=re.escape(words)):
        call()


# -- unknown names ------------------------------------------------------------------------------

NODES = {  # parameters that take names of nodes
    "node", "nodes", "node_or_asset", "survived", "failed", "hit", "fail", "financial", "gsibs",
    "members", "clearing_house", "candidates", "weights", "capital", "groups", "pairs", "direction",
    "joint", "excluded",
}  # fmt: skip
NO_NODES = {
    "critical_exposures-candidates": "rows of exposures",
    "cheapest-candidates": "interventions by a name of the caller's",
    "from_array-weights": "one number a scenario",
    "marginal_systemic_risk-candidates": "rows of exposures",
}
NEEDED = {"budget": 1.0, "shock": SHOCK, "target": 0.5, "fail": "beta", "clearing_house": "beta"}


def named_cases() -> list[Any]:
    found = []
    for name, function in functions().items():
        words = inspect.signature(function).parameters
        for word in NODES & set(words) if "network" in words or "networks" in words else ():
            case = f"{name.rpartition('.')[2]}-{word}"
            if case not in NO_NODES:
                found.append(pytest.param(function, word, id=case))
    return sorted(found, key=lambda case: str(case.id))


@pytest.mark.parametrize("function, word", named_cases())
def test_an_unknown_node_is_an_unknown_name_with_the_closest(function, word):
    parameters = inspect.signature(function).parameters
    hint = str(parameters[word].annotation)
    value: Any = ["alpah"] if "Iterable" in hint or "Sequence" in hint else "alpah"
    value = (
        {"alpah": 1.0}
        if "Mapping" in hint or word == "weights"
        else [("alpah", "beta")]
        if word == "pairs"
        else value
    )
    arguments = filled(function, word, value)
    arguments |= {k: v for k, v in NEEDED.items() if k in arguments and k != word}
    if word in ("hit", "direction", "candidates") and "fail" in parameters:
        arguments["fail"] = "beta"
    with pytest.raises(ct.UnknownNameError, match=r"'alpah'.*Did you mean 'alpha'"):
        function(**arguments)


def test_unknown_names_of_methods_and_classes():
    policy = ct.experiments.policy
    result = RIGHT["PropagationResult"]
    scenarios = RIGHT["Scenarios"]
    for call in (
        lambda: NET.position("alpah"),
        lambda: NET.with_rules({"alpah": "talmud"}),
        lambda: NET.with_nodes(equity={"alpah": 1.0}),
        lambda: NET.set_off(("alpah", "beta")),
        lambda: NET.close_out({"x": {"parties": ("alpah", "beta")}}),
        lambda: NET.novate("alpah"),
        lambda: result.explain("alpah"),
        lambda: ct.plot.waterfall(result, "alpah"),
        lambda: policy.InsuranceFund("alpah", 1.0).apply(NET),
        lambda: policy.Capital(add=1.0, nodes=["alpah"]).apply(NET),
        lambda: policy.RuleChange({"alpah": "talmud"}).apply(NET),
        lambda: ct.Shock.default(["beta", "alpah"]).arrays(NET),
        lambda: ct.Shock.loss({"alpah": 1.0}).arrays(NET),
        lambda: ct.Shock.relative(0.5, ["alpah"]).arrays(NET),
        lambda: ct.Shock.depeg("alpah").arrays(NET),
        lambda: ct.experiments.Case(NET, MODEL)(**{"rule.alpah": "talmud"}),
        lambda: ct.stress_test(NET, MODEL, scenarios, joint=["alpah"]),
        lambda: ct.lookthrough.look_through(NET).of("alpah"),
        lambda: ct.measures.leave_one_out(NET, MODEL, ["alpah"]),
    ):
        with pytest.raises(ct.UnknownNameError, match=r"'alpah'.*Did you mean 'alpha'"):
            call()


@pytest.mark.parametrize(
    "call, closest",
    [
        (lambda: ct.datasets.load("cefi_credit_2020"), "cefi_credit_2022"),
        (lambda: ct.rank(NET, measures=["defualt_impact"]), "default_impact"),
        (lambda: ct.venues.venue("bitmx"), "bitmex"),
        (lambda: ct.venues.venue("bitmex", found=1), "fund"),
        (lambda: ct.rules.from_dict("talmut"), "talmud"),
        (lambda: ct.rules.from_dict({"rule": "queue", "bye": "x"}), "by"),
        (lambda: BOOK.at({"XX": 1.0}), "X"),
        (lambda: ct.liquidation.liquidatable(BOOK, [-0.1], "XX"), "X"),
        (lambda: ct.models.valuations.from_words("merto"), "merton"),
        (lambda: ct.lookthrough.blast_radius(NET, "external_asets"), "external_assets"),
        (lambda: ct.scenarios.defaults(NET, "external_asets"), "external_assets"),
    ],
)
def test_other_unknown_names(call, closest):
    with pytest.raises(ct.UnknownNameError, match=f"Did you mean '{closest}'"):
        call()


def test_a_list_where_one_name_is_needed_says_so():
    with pytest.raises(ct.ArgumentTypeError, match="Give the name of one node, not a list"):
        NET.position(["alpha", "beta"])


# -- several nodes in a shock -------------------------------------------------------------------


def test_several_nodes_default_at_once():
    both = ct.Shock.default("alpha", 0.4) + ct.Shock.default("beta", 0.4)
    for several in (["alpha", "beta"], ("alpha", "beta"), pd.Index(["alpha", "beta"])):
        assert ct.Shock.default(several, recovery=0.4) == both
    assert ct.Shock.default(name for name in ("alpha", "beta")).defaults[1] == ("beta", 0.0)
    rates = ct.Shock.default(["alpha", "beta"], recovery=[0.1, 0.2])
    assert rates.defaults == (("alpha", 0.1), ("beta", 0.2))
    with pytest.raises(ct.ShockError, match="2 recovery rates for 1 node"):
        ct.Shock.default("alpha", recovery=[0.1, 0.2])
    with pytest.raises(ct.ShockError, match="recovery of 'beta' is 2"):
        ct.Shock.default(["alpha", "beta"], recovery=[0.1, 2.0])


# -- the command line ---------------------------------------------------------------------------

BAD = {  # what a user may have on disk
    "empty.csv": b"",
    "head.csv": b"creditor,debtor,amount\n",
    "words.csv": b"creditor,debtor,amount\na,b,many\n",
    "ragged.csv": b"creditor,debtor,amount\na,b,1,2,3\n",
    "bytes.csv": bytes(range(256)) * 4,
    "image.parquet": b"\x89PNG\r\n" + bytes(64),
    "empty.parquet": b"",
    "book.xlsx": b"not a workbook",
    "net.graphml": b"<graphml><node",
    "net.gexf": b"hello",
    "bad.toml": b"kind = [[[",
    "list.toml": b"kind = [1, 2]",
    "latin.toml": b'kind = "\xe9"',
    "rule.toml": b'rule = "waterfall"\nlayers = 3\n',
    "capped.toml": b'rule = "capped"\nshare = "much"\n',
}
COMMANDS = (
    "check FILE",
    "run FILE",
    "run NET --nodes FILE --default a",
    "allocate FILE --loss 3 --rule pro_rata",
    "allocate CLAIMS --loss 3 --rule FILE",
    "cascade --positions FILE --prices X=10 --move X=-0.1",
    "cascade --positions POSITIONS --prices FILE --move X=-0.1",
    "stress NET --scenarios FILE --assume-equity a=1 --assume-equity b=1",
    "stress NET --scenarios historical --set returns=FILE --count 9 --assume-equity a=1",
    "stress --resume FILE",
    "reconstruct FILE",
)


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("disk")
    for name, content in BAD.items():
        (folder / name).write_bytes(content)
    (folder / "folder.csv").mkdir()
    (folder / "card").mkdir()
    (folder / "card" / "exposures.csv").write_text("creditor,debtor,amount\na,b,1\n")
    (folder / "card" / "dataset.toml").write_text("network = 3")
    (folder / "NET").with_suffix(".csv").write_text("creditor,debtor,amount\na,b,1\n")
    (folder / "CLAIMS").with_suffix(".csv").write_text("claimant,amount\na,5\n")
    (folder / "POSITIONS").with_suffix(".csv").write_text(
        "venue,holder,instrument,size,margin\nv,h,X,2,30\n"
    )
    return folder


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [*BAD, "folder.csv", "card", "missing.csv"])
def test_a_broken_file_is_a_message_and_no_traceback(command, name, disk, capsys):
    from contagion.cli import run

    words = command
    for each in ("NET", "CLAIMS", "POSITIONS"):
        words = words.replace(each, str(disk / f"{each}.csv"))
    assert run([word.replace("FILE", str(disk / name)) for word in words.split()]) in (0, 1, 2)
    assert "Traceback" not in capsys.readouterr().err
