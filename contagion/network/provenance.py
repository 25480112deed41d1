"""Where a network comes from: one record for each thing that was done to it, in order.

Whatever makes a network from tables or from another network says so here, see
:attr:`contagion.ExposureNetwork.provenance`. Titles, banners and the report read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from ..errors import Finding, NetworkError
from ..media import page, shown, visible
from ..text import listing, plural
from ..vocabulary import Rng

Value: TypeAlias = str | bool | int | float
MOST = 6  # entries of a parameter that are written out
FORM = "provenance is a list of records with what, method, parameters, seed and version."
LONGEST = 200  # characters of a parameter
# What a title has to say where amounts are not those that were reported, and as a sentence.
UNOBSERVED = {
    "reconstructed": (
        "reconstructed",
        "exposures reconstructed from totals, none of them observed: {how}",
    ),
    "generated": ("generated (illustrative)", "nodes and amounts generated, illustrative: {how}"),
    "perturbed": ("perturbed", "amounts perturbed at random: {how}"),
}


def _version() -> str:
    from .. import __version__

    return __version__


@dataclass(frozen=True)
class Record:
    """One thing that was done to make a network.

    Attributes
    ----------
    what : "dataset", "read", "repaired", "reconstructed", "generated", "perturbed", "netted",
        "changed", "layer cut", "policy" or "withdrawn".
    method : how it was done: the name of a dataset, file, function or intervention.
    parameters : (name, value) pairs; tables and long lists as the number of their values.
    seed : of the random numbers, "used generator" where one was given that cannot be made again,
        None where nothing was drawn.
    version : of this package.
    rows : what netting did to claims, see :attr:`contagion.ExposureNetwork.changes`; not written
        to files.
    """

    what: str
    method: str = ""
    parameters: tuple[tuple[str, Value], ...] = ()
    seed: int | str | None = None
    version: str = field(default_factory=_version)
    rows: pd.DataFrame | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        inside = ", ".join(f"{name} {value}" for name, value in self.parameters)
        text = visible(f"{self.what}: {self.method}" + (f" ({inside})" if inside else ""))
        return text if self.seed is None else f"{text}, seed {self.seed}"

    @property
    def drawn(self) -> str:
        """The seed in words."""
        return "no random numbers" if self.seed is None else f"seed {self.seed}"

    def entries(self) -> dict[str, Any]:
        """The record as a mapping that TOML and JSON hold; :meth:`Provenance.of` reads it."""
        found = {
            "what": self.what,
            "method": self.method,
            "parameters": dict(self.parameters),
            "seed": self.seed,
            "version": self.version,
        }
        return {name: value for name, value in found.items() if value not in (None, {})}


class Provenance(tuple[Record, ...]):
    """What was done to make a network, first things first: a tuple of :class:`Record`.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3").with_nodes(external_assets={"A": 20})
    >>> [(record.what, record.method) for record in net.provenance]
    [('dataset', 'neva_ring3'), ('changed', 'with_nodes')]
    """

    __slots__ = ()

    @classmethod
    def of(cls, given: Iterable[Record | Mapping[str, Any]]) -> Provenance:
        """From records, and from the mappings that files hold.

        Raises
        ------
        NetworkError : for anything else.
        """
        return cls(one if isinstance(one, Record) else _from_file(one) for one in _listed(given))

    def named(self, *what: str) -> list[Record]:
        """The records of a kind, in order."""
        return [record for record in self if record.what in what]

    @property
    def unobserved(self) -> str:
        """The words for a title where amounts are not as reported, such as "reconstructed"."""
        return ", ".join(dict.fromkeys(UNOBSERVED[r.what][0] for r in self.named(*UNOBSERVED)))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same as sentences, with method and seed; every result repeats them."""
        return tuple(
            UNOBSERVED[r.what][1].format(how=f"method {r.method}, {r.drawn}")
            for r in self.named(*UNOBSERVED)
        )

    @property
    def changes(self) -> list[pd.DataFrame]:
        """What each netting did to claims, one table a step."""
        return [record.rows for record in self if record.rows is not None]

    @property
    def table(self) -> pd.DataFrame:
        """One row a record: what, method, parameters, seed and version, as text."""
        rows = [
            {
                "what": record.what,
                "method": record.method,
                "parameters": ", ".join(f"{name} = {value}" for name, value in record.parameters),
                "seed": "" if record.seed is None else str(record.seed),
                "version": record.version,
            }
            for record in self
        ]
        return pd.DataFrame(rows, columns=["what", "method", "parameters", "seed", "version"])

    @shown
    def __repr__(self) -> str:
        lines = [f"{k}. {record} [{record.version}]" for k, record in enumerate(self, 1)]
        return "\n".join(lines) or "nothing is known"

    def _repr_html_(self) -> str:
        return f"<pre>{page(repr(self))}</pre>"


def record(
    what: str,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    seed: int | str | None = None,
    rows: pd.DataFrame | None = None,
) -> Record:
    """A record with plain parameters; those that are None are left out, and so are empty rows.

    >>> str(record("reconstructed", "fitness", {"links": 4, "density": None}, seed=7))
    'reconstructed: fitness (links 4), seed 7'
    """
    kept = None if rows is None or rows.empty else rows
    return Record(what, str(_value(method)), plain(parameters or {}), seed, rows=kept)


def summed(records: Sequence[Record], what: str, method: str) -> Record:
    """One record for several, with the rows of all of them."""
    rows = Provenance(records).changes
    return record(what, method, rows=pd.concat(rows, ignore_index=True) if rows else None)


def plain(parameters: Mapping[str, Any]) -> tuple[tuple[str, Value], ...]:
    """Parameters as pairs of names and short values, without those that are None or empty.

    >>> plain({"alpha": 0.5, "nodes": ["a", "b"], "sizes": range(100), "none": None})
    (('alpha', 0.5), ('nodes', "'a', 'b'"), ('sizes', '100 values'))
    """
    said = ((str(name), _value(value)) for name, value in parameters.items() if value is not None)
    return tuple(pair for pair in said if pair[1] != "")


def _value(value: Any) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        text = value
    elif isinstance(value, PurePath):
        text = value.name
    elif isinstance(value, Mapping):
        text = ", ".join(f"{key}: {_value(x)}" for key, x in list(value.items())[:MOST])
        text = text if len(value) <= MOST else plural(len(value), "value")
    elif isinstance(value, list | tuple | set | frozenset | range | np.ndarray | pd.Index):
        text = listing(list(value)) if len(value) <= 3 else plural(len(value), "value")
    elif isinstance(value, pd.DataFrame | pd.Series):
        text = plural(len(value), "row")
    elif isinstance(value, Iterator):
        text = type(value).__name__
    else:
        text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _listed(given: Any) -> Iterable[Any]:
    if not isinstance(given, list | tuple):
        raise NetworkError(FORM)
    return given


def _from_file(given: Any) -> Record:
    """A record that was written; what is not there is empty."""
    if not isinstance(given, Mapping) or not isinstance(given.get("parameters", {}), Mapping):
        raise NetworkError(FORM)
    return Record(
        str(given.get("what", "")),
        str(given.get("method", "")),
        plain(given.get("parameters", {})),
        given.get("seed"),
        str(given.get("version", "")),
    )


def _known(amount: float) -> float | None:
    return None if np.isnan(amount) else amount


class Seeded(NamedTuple):
    """A generator, and the seed that makes it again."""

    generator: np.random.Generator
    seed: int | str


def seeded(rng: Rng) -> Seeded:
    """The generator of an argument `rng`, and its seed; without one, the seed that was drawn.

    >>> seeded(7).seed, seeded(np.random.default_rng(7)).seed
    (7, 'used generator')
    """
    generator = np.random.default_rng(rng)
    if isinstance(rng, np.random.Generator | np.random.BitGenerator):
        return Seeded(generator, "used generator")
    sequence: Any = generator.bit_generator.seed_seq
    if not sequence.spawn_key and isinstance(sequence.entropy, int) and sequence.entropy < 2**63:
        return Seeded(generator, sequence.entropy)  # an integer of TOML
    child = f" {sequence.spawn_key}" if sequence.spawn_key else ""
    return Seeded(generator, f"{sequence.entropy}{child}")


def begun(
    given: Iterable[Record | Mapping[str, Any]],
    read: Record,
    choices: Mapping[str, Any],
    findings: Iterable[Finding],
) -> Provenance:
    """The provenance of a network from tables: what they bring, how they were read, and repairs."""
    first = replace(read, parameters=(*read.parameters, *plain(choices)))
    mended = [
        record("repaired", f"{f.code} {f.title}", {"count": f.count, "amount": _known(f.amount)})
        for f in findings
        if f.severity == "repaired"
    ]
    return Provenance((*Provenance.of(given), first, *mended))
