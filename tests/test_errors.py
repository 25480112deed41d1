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


def cases() -> list[Any]:
    found = []
    for name, function in functions().items():
        for word, parameter in inspect.signature(function).parameters.items():
            kinds = re.findall(r"\w+", str(parameter.annotation))
            if (watched := [kind for kind in WATCHED if kind in kinds]) and "Mapping" not in kinds:
                found.append(pytest.param(function, word, watched, kinds, id=f"{name}-{word}"))
    return found


def filled(function: Any, word: str, value: Any) -> dict[str, Any]:
    """Arguments of a call: one is given, the others that are needed have the right kind or None."""
    arguments = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == word:
            arguments[name] = value
        elif parameter.default is parameter.empty:
            kinds = re.findall(r"\w+", str(parameter.annotation))
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
