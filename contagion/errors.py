"""Errors of the package: one family; each message states the problem and how to solve it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class ContagionError(Exception):
    """Base class of all errors that `contagion` raises."""


@contextmanager
def located(where: object) -> Iterator[None]:
    """Put the file or entry concerned in front of the messages of errors raised inside.

    >>> with located("rule.toml"):
    ...     raise ArgumentError("share=2: it lies in [0, 1].")
    Traceback (most recent call last):
    contagion.errors.ArgumentError: rule.toml: share=2: it lies in [0, 1].
    """
    try:
        yield
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{where} is not text in UTF-8 (byte {error.start}).") from None
    except ContagionError as error:
        if isinstance(error, NetworkError) and error.findings:
            raise
        named = copy(error)
        named.args = (f"{where}: {error}",)
        raise named from error


@contextmanager
def reading(place: object, kind: type[ContagionError] | None = None) -> Iterator[None]:
    """Convert any error of a parser into an error that names the file.

    >>> with reading("rates.csv"):
    ...     float("high")
    Traceback (most recent call last):
    contagion.errors.ArgumentError: rates.csv cannot be read: could not convert string to float:
    'high'.
    """
    try:
        yield
    except (ContagionError, OSError):
        raise
    except Exception as error:
        said = str(error).split("C error: ")[-1].strip().rstrip(".").split("\n")[0]
        if isinstance(error, KeyError):
            said = f"{said} is not a valid entry"
        elif isinstance(error, RecursionError):
            said = "it is nested too deeply"
        raise (kind or ArgumentError)(f"{place} cannot be read: {said}.") from error


class ArgumentError(ContagionError, ValueError):
    """An argument has a value that is not permitted; the message lists the permitted values."""


class ArgumentTypeError(ContagionError, TypeError):
    """An argument is of the wrong type; the message shows the right call."""


# For names of arguments used throughout the package: the class, and an example that creates one.
KINDS = {
    "network": ("ExposureNetwork", "ct.datasets.load('cefi_credit_2022')"),
    "shock": ("Shock", "ct.Shock.default('celsius')"),
    "model": ("Model", "ct.EisenbergNoe()"),
    "scenarios": ("Scenarios", "ct.scenarios.defaults(network, 0.01)"),
    "result": ("PropagationResult", "model.propagate(network, shock)"),
    "book": ("MarginBook", "ct.liquidation.MarginBook(prices, positions)"),
    "run": ("Case", "ct.experiments.Case(network, model, shock)"),
    "cascade": ("LiquidationCascade", "ct.liquidation.LiquidationCascade()"),
}
_PASSED: set[tuple[tuple[str, ...], str, type]] = set()


def expect(*kinds: str, **given: object) -> None:
    """Raise `ArgumentTypeError` unless every argument has the class of its name in `KINDS`.

    `kinds` are names of other permitted classes of the package, which replace `KINDS`. The message
    shows the correct call of the function that the user called.

    >>> expect(shock="celsius")
    Traceback (most recent call last):
    contagion.errors.ArgumentTypeError: shock has to be a Shock, such as
    ct.Shock.default('celsius'), and is the text 'celsius'.
    """
    for name, value in given.items():
        key = kinds, name, type(value)
        if key not in _PASSED:
            wanted = kinds or KINDS[name][:1]
            if not _is(value, wanted):
                raise ArgumentTypeError(_wrong_type(wanted, name, value, sys._getframe(1)))
            _PASSED.add(key)


def several(value: Any, kind: str, name: str, *, one: bool = False) -> list[Any]:
    """A list of objects of one class, each checked; with `one` also a single object is accepted."""
    if one and _is(value, (kind,)):
        return [value]
    if isinstance(value, str) or hasattr(value, "shape") or not isinstance(value, Iterable):
        if one or not _is(value, (kind,)):
            raise ArgumentTypeError(_wrong_type((kind,), name, value, sys._getframe(1)))
        raise ArgumentTypeError(f"{name} is a list of {kind}: write {name}=[{value!r}].")
    found = list(value)
    for each in found:
        expect(kind, **{name: each})
    return found


def _is(value: object, kinds: Sequence[str]) -> bool:
    return any(
        base.__name__ in kinds and base.__module__.startswith("contagion.")
        for base in type(value).__mro__
    )


def _wrong_type(wanted: Sequence[str], name: str, value: Any, frame: FrameType | None) -> str:
    how = dict(KINDS.values())
    kind, found = type(value).__name__, f"{_article(type(value).__name__)}"
    make = how.get(wanted[0], "")
    names = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, type):
        found, make = f"the class {value.__name__}", f"{value.__name__}()"
    elif value is None or isinstance(value, bool | int | float):
        found = str(value)
    elif kind in ("DataFrame", "ndarray") and wanted[0] == "ExposureNetwork":
        make = "ct.ExposureNetwork(nodes, exposures)"
        if kind == "ndarray":
            make = "ct.ExposureNetwork.from_matrix(matrix, names, orientation=...)"
    elif names and all(isinstance(one, str) for one in names):
        short = repr(value) if len(repr(value)) < 40 else "..."
        found = f"the text {short}" if isinstance(value, str) else "a list of names"
        if wanted[0] == "Shock":
            make = f"ct.Shock.default({short})"
        elif wanted[0] == "ExposureNetwork" and isinstance(value, str):
            make = f"ct.read({short})" if "." in value or "/" in value else make
            make = make if make[:7] == "ct.read" else f"ct.datasets.load({short})"
    say = f"{name} has to be {' or '.join(map(_article, wanted))}"
    say += f", such as {make}," if make else ""
    return f"{say} and is {found}.{_call(name, value, frame)}"


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


def _call(name: str, value: object, frame: FrameType | None) -> str:
    """The signature of the outermost function of the package that received the value."""
    call = ""
    while frame is not None and frame.f_globals.get("__name__", "").startswith("contagion."):
        code, known = frame.f_code, frame.f_locals
        words = code.co_varnames[: code.co_argcount]
        if code.co_name[0] not in "_<" and any(known.get(word) is value for word in words):
            words = tuple(word for word in words if word not in ("self", "cls"))
            call = f" The call is {code.co_name}({', '.join(words)})."
        frame = frame.f_back
    return call


class UnknownNameError(ContagionError, KeyError):
    """A name of a node, asset, layer, column or entry is unknown; the message has the closest."""

    def __str__(self) -> str:
        """The message without the quotes that `KeyError` would add."""
        return str(self.args[0]) if self.args else ""


class MissingFileError(ContagionError, FileNotFoundError):
    """A file or folder does not exist."""


class MissingPackageError(ContagionError, ImportError):
    """An optional package is not installed; the message names the extra to install."""


@dataclass(frozen=True)
class Finding:
    """One finding of the input checks.

    Attributes
    ----------
    code : stable code, `C001` ... for errors, `W001` ... for warnings, `N001` ... for notes.
    severity : "error", "warning", "note" or "repaired" (an error that an option repaired).
    title : the finding in two or three words.
    message : description with counts, amounts and sample rows.
    fix : one line with options or code that solve the problem.
    count : number of rows or nodes concerned.
    amount : amount concerned, in the unit of the network (nan where it has no meaning).
    samples : up to three rows or names, with file and line where known.
    """

    code: str
    severity: str
    title: str
    message: str
    fix: str
    count: int = 0
    amount: float = float("nan")
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        first = f"{self.code} {self.title}: {self.message}"
        body = textwrap.fill(first, 79, subsequent_indent="     ", break_on_hyphens=False)
        if not self.fix:
            return body
        return (
            body
            + "\n"
            + textwrap.fill(
                f"Fix: {self.fix}",
                79,
                initial_indent="     ",
                subsequent_indent="          ",
                break_on_hyphens=False,
            )
        )


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Findings as a DataFrame: code, severity, title, count, amount, message, fix, samples."""
    import pandas as pd

    names = ["code", "severity", "title", "count", "amount", "message", "fix", "samples"]
    return pd.DataFrame([[getattr(f, n) for n in names] for f in findings], columns=names)


class NetworkError(ContagionError):
    """The tables do not describe an exposure network; `.findings` lists every reason.

    Example
    -------
    >>> import contagion as ct, pandas as pd
    >>> nodes = pd.DataFrame({"node": ["a", "b"], "external_assets": [5.0, 5.0]})
    >>> exposures = pd.DataFrame({"creditor": ["a"], "debtor": ["b"], "amount": [-1.0]})
    >>> try:
    ...     ct.ExposureNetwork(nodes, exposures)
    ... except ct.NetworkError as error:
    ...     [finding.code for finding in error.findings]
    ['C006']
    """

    def __init__(self, findings: Sequence[Finding] | str):
        if isinstance(findings, str):
            self.findings: tuple[Finding, ...] = ()
            super().__init__(findings)
            return
        self.findings = tuple(findings)
        n = len(self.findings)
        head = "The tables have 1 problem:" if n == 1 else f"The tables have {n} problems:"
        super().__init__("\n".join([head, *map(str, self.findings)]))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.findings or str(self),))

    @property
    def table(self) -> pd.DataFrame:
        """The findings as a DataFrame, one row each."""
        return findings_table(self.findings)


class ShockError(ContagionError):
    """The shock is not possible: an invalid value, or a loss above a node's assets or equity."""


class DatasetError(ContagionError):
    """A packaged dataset is unknown or its card is malformed."""


class ModelError(ContagionError):
    """The model does not compute the requested result."""


class ConvergenceError(ContagionError):
    """The iteration did not converge to its tolerance; `.partial` has the result at the stop."""

    def __init__(self, message: str, partial: object = None):
        super().__init__(message)
        self.partial = partial


class AmbiguousSolution(ContagionError):
    """More than one solution is valid and the caller has not chosen one."""


class RuleError(ContagionError):
    """A loss-sharing rule is not possible, or the claims lack data that it needs."""


class MarginError(ContagionError):
    """A book of positions and loans, or a parameter of a cascade, is not valid.

    `.findings` lists the errors in its tables.
    """

    def __init__(self, message: str, findings: Sequence[Finding] = ()):
        super().__init__(message)
        self.findings = tuple(findings)


class PolicyError(ContagionError):
    """An intervention cannot be applied to its target, or there is nothing to compare."""


class DisclosureError(ContagionError):
    """A report on confidential data would disclose names, or they cannot be replaced by codes."""


class StressError(ContagionError):
    """A stress test cannot be run, resumed or read as requested."""
