"""The provenance of a network: one record for each step that produced it, in order.

Every function that makes a network from tables or from another network adds a record, see
`ExposureNetwork.provenance`. Titles, banners and the report use the records.
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
from ..text import listing, money, plural
from ..vocabulary import Rng

Value: TypeAlias = str | bool | int | float
MOST = 6  # largest number of entries of a parameter written in full
FORM = "provenance is a list of records with what, method, parameters, seed and version."
LONGEST = 200  # largest number of characters of a parameter
# Words for titles, and as a sentence, if amounts are not the reported ones.
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
    """One step in the production of a network.

    Attributes
    ----------
    what : "dataset", "read", "repaired", "reconstructed", "generated", "perturbed", "netted",
        "changed", "layer cut", "policy" or "withdrawn".
    method : the name of the dataset, file, function or intervention.
    parameters : (name, value) pairs; tables and long lists as the number of their values.
    seed : seed of the random numbers, "used generator" for a given generator that cannot be
        reproduced, None if no random numbers were used.
    version : version of this package.
    rows : changes of claims by netting, see :attr:`contagion.ExposureNetwork.changes`; not written
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
        """The record as a mapping for TOML and JSON; :meth:`Provenance.of` reads it."""
        found = {
            "what": self.what,
            "method": self.method,
            "parameters": dict(self.parameters),
            "seed": self.seed,
            "version": self.version,
        }
        return {name: value for name, value in found.items() if value not in (None, {})}


class Provenance(tuple[Record, ...]):
    """The steps that produced a network, oldest first: a tuple of :class:`Record`.

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
        """The provenance from records, or from mappings read from files.

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
        """The words for a title if amounts are not as reported, such as "reconstructed"."""
        return ", ".join(dict.fromkeys(UNOBSERVED[r.what][0] for r in self.named(*UNOBSERVED)))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The words of `unobserved` as sentences, with method and seed; shown in every result."""
        return tuple(
            UNOBSERVED[r.what][1].format(how=f"method {r.method}, {r.drawn}")
            for r in self.named(*UNOBSERVED)
        )

    @property
    def changes(self) -> list[pd.DataFrame]:
        """The changes of claims by netting, one table a step."""
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
    """A record with plain parameters; parameters that are None and empty `rows` are left out.

    >>> str(record("reconstructed", "fitness", {"links": 4, "density": None}, seed=7))
    'reconstructed: fitness (links 4), seed 7'
    """
    kept = None if rows is None or rows.empty else rows
    return Record(what, str(_value(method)), plain(parameters or {}), seed, rows=kept)


def summed(records: Sequence[Record], what: str, method: str) -> Record:
    """One record for several records, with the `rows` of all of them."""
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
    """A record read from a file; missing entries are empty."""
    if not isinstance(given, Mapping) or not isinstance(given.get("parameters", {}), Mapping):
        raise NetworkError(FORM)
    return Record(
        str(given.get("what", "")),
        str(given.get("method", "")),
        plain(given.get("parameters", {})),
        given.get("seed"),
        str(given.get("version", "")),
    )


def priced(choices: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """Choices with amounts as text with their unit.

    >>> priced({"assume_equity": {"a": 2e8}, "layer": "loans"}, "USD")
    {'assume_equity': {'a': '200 m USD'}, 'layer': 'loans'}
    """
    found = dict(choices)
    given = found.get("assume_equity")
    if isinstance(given, Mapping):
        said = {
            node: money(x, unit) if isinstance(x, int | float) else x for node, x in given.items()
        }
        found["assume_equity"] = said
    return found


class Seeded(NamedTuple):
    """A random generator, and the seed that reproduces it."""

    generator: np.random.Generator
    seed: int | str


def seeded(rng: Rng) -> Seeded:
    """The generator for an argument `rng`, and its seed; for `None`, the seed that was drawn.

    >>> seeded(7).seed, seeded(np.random.default_rng(7)).seed
    (7, 'used generator')
    """
    generator = np.random.default_rng(rng)
    if isinstance(rng, np.random.Generator | np.random.BitGenerator):
        return Seeded(generator, "used generator")
    sequence: Any = generator.bit_generator.seed_seq
    if not sequence.spawn_key and isinstance(sequence.entropy, int) and sequence.entropy < 2**63:
        return Seeded(generator, sequence.entropy)  # fits a TOML integer
    child = f" {sequence.spawn_key}" if sequence.spawn_key else ""
    return Seeded(generator, f"{sequence.entropy}{child}")


def begun(
    given: Iterable[Record | Mapping[str, Any]],
    read: Record,
    choices: Mapping[str, Any],
    findings: Iterable[Finding],
    unit: str,
) -> Provenance:
    """The provenance of a network from tables: given records, how they were read, and repairs."""
    first = replace(read, parameters=(*read.parameters, *plain(priced(choices, unit))))
    mended = [
        record(
            "repaired",
            f"{f.code} {f.title}",
            {"count": f.count, "amount": None if np.isnan(f.amount) else money(f.amount, unit)},
        )
        for f in findings
        if f.severity == "repaired"
    ]
    return Provenance((*Provenance.of(given), first, *mended))
