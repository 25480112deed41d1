"""Errors of the package: one family, each says what is wrong and what mends it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class ContagionError(Exception):
    """Base of every error that `contagion` raises on purpose."""


class ArgumentError(ContagionError, ValueError):
    """An argument has a value that it cannot take; the message says which values it takes."""


class ArgumentTypeError(ContagionError, TypeError):
    """An argument is of the wrong type; the message shows the right call."""


class UnknownNameError(ContagionError, KeyError):
    """There is no node, asset, layer, column or entry of that name; the closest is named."""

    def __str__(self) -> str:
        """The message as it is: `KeyError` would quote it."""
        return str(self.args[0]) if self.args else ""


class MissingFileError(ContagionError, FileNotFoundError):
    """There is no such file or folder."""


class MissingPackageError(ContagionError, ImportError):
    """An optional package is not installed; the message says which extra brings it."""


@dataclass(frozen=True)
class Finding:
    """One thing that the input checks found.

    Attributes
    ----------
    code : stable code, `C001` ... for errors, `W001` ... for warnings.
    severity : "error", "warning" or "repaired" (an error that a choice of the caller mended).
    title : the finding in two or three words.
    message : what was found, with counts, amounts and sample rows.
    fix : one line to paste that mends it.
    count : rows or nodes concerned.
    amount : money at stake, in the unit of the network (nan where it has no meaning).
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
    """The tables do not describe an exposure network; `.findings` holds every reason.

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
    """The shock does not fit the network: an unknown name, or more than there is to lose."""


class DatasetError(ContagionError):
    """A packaged dataset is unknown or its card is malformed."""


class ModelError(ContagionError):
    """A model was asked for something that it does not compute."""


class ConvergenceError(ContagionError):
    """The iteration stopped before its tolerance; `.partial` carries what was reached."""

    def __init__(self, message: str, partial: object = None):
        super().__init__(message)
        self.partial = partial


class AmbiguousSolution(ContagionError):
    """More than one solution is valid and the caller has not said which is meant."""


class RuleError(ContagionError):
    """A loss-sharing rule is impossible, or the claims lack what it asks for."""


class MarginError(ContagionError):
    """A book of positions and loans, or a parameter of a cascade, is not usable."""


class PolicyError(ContagionError):
    """An intervention does not fit what it is applied to, or there is nothing to compare."""


class StressError(ContagionError):
    """A stress test cannot be run, resumed or read as it was asked for."""
