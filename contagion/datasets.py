"""Packaged datasets: folders of tables with a card that states the source of every figure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .errors import DatasetError
from .media import page, shown
from .text import known_name, money

if TYPE_CHECKING:
    import pandas as pd

    from .network.exposure_network import ExposureNetwork

KINDS = ("observed", "published example", "reconstructed", "illustrative")
TEXTS = ("title", "summary", "kind", "date", "unit", "source", "terms", "evidence")
TABLES = ("rules", "periods", "network", "assume_equity", "default_run", "sources", "grades")
OPTIONAL = ("rules", "periods", "assume_equity")
KEYS = (*TEXTS, *TABLES, "nodes", "caveats")


@dataclass(frozen=True, repr=False)
class Card:
    """The description, source and assumptions of a dataset; amounts in `unit`.

    `nodes` is the number of nodes in the default period. `rules` has the loss-sharing rules of
    single nodes, `periods` the meaning of each snapshot, and `network` the options for reading the
    tables. `assume_equity` has assumed equity for nodes without a source. `default_run` names the
    node that defaults first (`default`), its recovery rate (`recovery`) and the baseline of losses
    (`baseline`, by default "cleared"). `sources` and `grades` explain the columns source and
    evidence of the tables.
    """

    name: str
    title: str
    kind: str
    summary: str
    unit: str
    date: str
    nodes: int
    source: str
    terms: str
    evidence: str
    caveats: tuple[str, ...]
    rules: Mapping[str, Any]
    periods: Mapping[str, str]
    network: Mapping[str, Any]
    assume_equity: Mapping[str, float]
    default_run: Mapping[str, Any]
    sources: Mapping[str, str]
    grades: Mapping[str, str]

    def _rows(self) -> list[tuple[str, list[str]]]:
        run, period = self.default_run, self.network.get("period")
        rows = [(label, [getattr(self, label)]) for label in TEXTS[2:]]
        rows += [
            (
                "periods",
                [
                    f"{key}{' (default)' if key == period else ''}: {what}"
                    for key, what in self.periods.items()
                ],
            ),
            (
                "assumed",
                [
                    f"equity of {node} = {money(value, self.unit)}"
                    for node, value in self.assume_equity.items()
                ],
            ),
            (
                "first run",
                [
                    f"default of {run['default']}, recovery {run['recovery']:.0%}, losses "
                    f"counted from {run.get('baseline', 'cleared')} values"
                ],
            ),
            ("caveats", list(self.caveats)),
        ]
        return [(label, lines) for label, lines in rows if lines]

    @shown
    def __repr__(self) -> str:
        text = [
            line
            for part in (f"{self.name}: {self.title}", self.summary)
            for line in textwrap.wrap(part, 79)
        ] + [""]
        for label, lines in self._rows():
            for at, line in enumerate(lines):
                first = f"{'' if at else label:<11}{'- ' if len(lines) > 1 else ''}"
                text += textwrap.wrap(
                    line,
                    79,
                    initial_indent=first,
                    break_on_hyphens=False,
                    subsequent_indent=" " * len(first),
                )
        return "\n".join(text)

    def _repr_html_(self) -> str:
        return f"<pre>{page(repr(self))}</pre>"


def _root() -> Path:
    """The folder of the datasets: in the installed package, or next to it in a checkout."""
    here = Path(__file__).resolve().parent
    return here / "_datasets" if (here / "_datasets").is_dir() else here.parent / "datasets"


def names() -> list[str]:
    """The names of the packaged datasets, in alphabetical order.

    >>> "cefi_credit_2022" in names()
    True
    """
    return sorted(card.parent.name for card in _root().glob("*/dataset.toml"))


def path(name: str) -> Path:
    """The folder of a dataset; an unknown name raises `UnknownNameError` with the closest one.

    >>> path("neva_ring3").name
    'neva_ring3'
    """
    known_name(name, names(), "dataset")
    return _root() / name


def card(name: str) -> Card:
    """The card of a dataset; a malformed card raises `DatasetError`.

    >>> card("neva_ring3").kind
    'published example'
    """
    return _card(path(name) / "dataset.toml")


def card_of_folder(folder: str | PathLike[str]) -> Card | None:
    """The card in a folder of tables, such as a copy of a dataset; None without a complete card.

    >>> card_of_folder(path("neva_ring3")) == card("neva_ring3"), card_of_folder("nowhere")
    (True, None)
    """
    try:
        return _card(Path(folder) / "dataset.toml")
    except (DatasetError, OSError):
        return None


def _card(file: Path) -> Card:
    import tomllib

    try:
        raw = {"rules": {}, "periods": {}, "assume_equity": {}} | tomllib.loads(
            file.read_text("utf-8")
        )
    except ValueError as error:
        raise DatasetError(f"{file}: {error}") from error
    wrong = [f"{key} must be text" for key in TEXTS if not str(raw.get(key, "")).strip()]
    wrong += [f"[{k}] must be a table" for k in TABLES if not isinstance(raw.get(k), dict)]
    wrong += [f"unknown entry {key!r}" for key in raw if key not in KEYS]
    wrong += [] if raw.get("kind") in KINDS else [f"kind must be one of {', '.join(KINDS)}"]
    wrong += [] if isinstance(raw.get("nodes"), int) else ["nodes must be their number"]
    wrong += [] if isinstance(raw.get("caveats"), list) else ["caveats must be a list"]
    if not wrong and not {"default", "recovery"} <= set(raw["default_run"]):
        wrong.append("[default_run] must give default and recovery")
    if wrong:
        raise DatasetError(f"{file}: the card is malformed: {'; '.join(wrong)}.")
    fields: dict[str, Any] = {key: " ".join(str(raw[key]).split()) for key in TEXTS}
    fields |= {key: MappingProxyType(raw[key]) for key in TABLES}
    fields |= {"nodes": raw["nodes"], "caveats": tuple(raw["caveats"])}
    return Card(name=file.parent.name, **fields)


def load(name: str, **choices: Any) -> ExposureNetwork:
    """The exposure network of a dataset, with amounts in the unit of its card.

    `choices` are options of `contagion.read`; they override the card, e.g. `period="2022-11"`. An
    unknown name raises `UnknownNameError`, options that do not fit the tables `NetworkError`.

    >>> len(load("neva_ring3"))
    3
    """
    from .network.exposure_network import read
    from .network.provenance import priced, record
    from .network.transforms import told

    about = card(name)
    network = read(path(name), **choices)
    said = {
        "as of": about.date,
        "period": choices.get("period", about.network.get("period")),
        "source": about.source,
    }
    first = record("dataset", name, {**said, **priced(choices, network.unit)})
    return told(network, [first, *network.provenance[1:]])


def outcomes(name: str) -> pd.DataFrame:
    """Observed or published results: one row a figure; empty if the dataset has none.

    Columns: node, what, value, unit, source, evidence and, if needed, as_of, period, run, note.
    An unknown name raises `UnknownNameError`.

    >>> outcomes("neva_ring3").shape
    (90, 8)
    """
    import pandas as pd

    file = path(name) / "outcomes.csv"
    if not file.exists():
        return pd.DataFrame(columns=["node", "what", "value", "unit", "source", "evidence"])
    return pd.read_csv(file, dtype={"period": "string", "as_of": "string", "note": "string"})


def price_path(name: str, of: str = "close") -> pd.DataFrame:
    """The prices of an episode over time: one row a date, one column an asset.

    The table can be used as `path=` in `contagion.liquidation`. Units and sources are in
    `price_path.csv`.

    Parameters
    ----------
    name : a packaged dataset.
    of : column of the file: open, high, low or close of the interval that begins at the date.

    Raises
    ------
    UnknownNameError : for an unknown name.
    DatasetError : for a dataset without a price path, or a column that it does not have.

    Example
    -------
    >>> path = price_path("usdc_svb_2023", "low")
    >>> len(path), float(path["USDC"].min()), str(path["USDC"].idxmin())
    (82, 0.882, '2023-03-11 14:00:00+00:00')
    """
    import pandas as pd

    file = path(name) / "price_path.csv"
    if not file.exists():
        has = [each for each in names() if (path(each) / file.name).exists()]
        raise DatasetError(f"{name} has no price path; these have one: {', '.join(has)}.")
    table = pd.read_csv(file, parse_dates=["time"])
    columns = [each for each in ("open", "high", "low", "close") if each in table]
    if of not in columns:
        raise DatasetError(f"of={of!r}: the price path of {name} has {', '.join(columns)}.")
    return table.pivot(index="time", columns="asset", values=of).rename_axis(columns=None)
