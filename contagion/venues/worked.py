"""The worked example of a rule, taken from its docstring, so that it is written only once."""

from __future__ import annotations

import ast
from collections.abc import Callable
from doctest import DocTestParser
from inspect import getdoc
from typing import Any

from ..errors import RuleError
from ..rules.rule import Allocation


def example(build: Callable[..., Any]) -> Allocation:
    """The first allocation in the Example of a docstring: the value of its `….allocate(…)`.

    doctest compares the output printed in the docstring, whose figures were checked by hand.

    Raises
    ------
    RuleError : the docstring allocates no loss, or Python was started without docstrings (-OO).

    Example
    -------
    >>> from contagion.venues import bitmex
    >>> example(bitmex.rule).layers["absorbed"].tolist()
    [500.0, 1300.0]
    """
    names: dict[str, Any] = {}
    for shown in DocTestParser().get_examples(getdoc(build) or ""):
        tree = ast.parse(shown.source)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "allocate"
            ):
                done = eval(compile(ast.Expression(node), build.__name__, "eval"), names)
                if isinstance(done, Allocation):
                    return done
        exec(compile(tree, build.__name__, "exec"), names)
    raise RuleError(f"The text of {build.__name__} has no example that shares a loss.")
