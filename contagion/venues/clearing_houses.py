"""Clearing houses by name: the known parameters of their waterfalls, with sources.

`manager("eurex")` is the :class:`contagion.venues.ccp.DefaultManager` of a house, `figures`
says for every parameter its date, its source and how far it was checked. A figure that was not
found is NaN with the reason and has to be given: `manager("krx", before=100, after=300)`. The rule
of a node on a graph is `venue("eurex")`.

The figures are in `clearing_houses.csv`. Its column `evidence`: "read" in a stored copy of the
source, of some sources only the beginning; "notes": in the project's notes, the source was not
seen; "assumed": the note gives the basis; "not found". Default funds are not in it: they are the
sum of the members' contributions.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib.resources import files
from inspect import Parameter, Signature
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from ..errors import RuleError
from ..records import Table
from ..rules.rule import Rule
from ..text import known_name
from .ccp import TERMS, DefaultManager
from .record import Document, Venue

NAMES = tuple(each.name for each in fields(DefaultManager))
SWITCHES = ("tear_up",)


@dataclass(frozen=True)
class House:
    """A clearing house: its name, simplifications, a worked example.

    In the example one member loses `loss` beyond its margin and contribution, the others have paid
    `fund` into the default fund, and the layers absorb `absorbed`. `given` has figures that were
    not found, or that the example sets for a hand check; `says` describes them.
    """

    title: str
    simplified: str
    says: str
    loss: float
    fund: float
    absorbed: tuple[float, ...]
    given: dict[str, Any]
    gain: float = 0.0

    def example(self, name: str) -> str:
        """The example as a docstring shows it."""
        given = "".join(f", {word}={value}" for word, value in self.given.items())
        gain = f', "gain": [0, {self.gain:g}]' if self.gain else ""
        return f"""\
{self.says}

>>> from contagion.venues import clearing_houses
>>> house = clearing_houses.manager("{name}"{given})
>>> members = {{"member": ["defaulter", "others"], "loss": [{self.loss:g}, 0],
...            "contribution": [0, {self.fund:g}]{gain or ', "gain": [0, 0]'}, "tear_up": [0, 0]}}
>>> done = house.rule().allocate({self.loss:g}, house.claims(members, "defaulter"))
>>> done.layers["absorbed"].round(2).tolist()
{[float(each) for each in self.absorbed]}"""


EACH = " It shares no loss between its funds; one fund is one manager."
NOT_FOUND = "Figures that were not found are made up."
HOUSES = {
    "cme": House(
        "CME Clearing, base guaranty fund (futures and options)",
        "One round; the cooling-off period is the period of the caps." + EACH,
        "400 beyond the defaulter, own capital 10, fund 100: 275 are assessed and 15 are left.",
        400, 100, (0, 0, 10, 100, 275), {"before": 10, "haircut": 0, "tear_up": False},
    ),
    "ice_clear_credit": House(
        "ICE Clear Credit (credit default swaps)",
        "Default insurance of USD 75 m (2023-09-30) and its place in the order are left out.",
        "275 beyond the defaulter: 25 of own capital, 25 more beside the members.",
        275, 475, (0, 0, 25, 250, 0, 0, 0), {},
    ),
    "ice_clear_europe": House(
        "ICE Clear Europe, futures and options",
        "Energy and financial segments of the fund are one here; default insurance is left out.",
        "130 beyond the defaulter, of which own capital bears 100. " + NOT_FOUND,
        130, 50, (0, 0, 100, 30, 0, 0, 0), {"per_event": 1, "per_period": 1},
    ),
    "ice_clear_us": House(
        "ICE Clear US (futures and options)",
        "All amounts have to be given.",
        "Own capital of 50, a fund of 30 and once as much in assessments. " + NOT_FOUND,
        100, 30, (0, 0, 50, 30, 20), {"before": 50, "per_event": 1, "per_period": 1},
    ),
    "lch_ltd": House(
        "LCH Ltd, SwapClear",
        "The gains haircut (loss distribution) has a cap for each member that is left out; "
        "voluntary payments, which come before tear-up, too.",
        "170 beyond the defaulter, own capital 20 as in 2012, a fund of 100.",
        170, 100, (0, 0, 20, 100, 50, 0, 0), {"before": 20}, 200,
    ),
    "eurex": House(
        "Eurex Clearing",
        "Own capital beside the assessments follows the calls on members, here in the "
        "proportion of the largest amounts. The parent's letter of comfort (EUR 600 m) is left "
        "out." + EACH,
        "1,000 beyond the defaulter, fund 300: 143, then 300 + 57; of the last 500 the members pay "
        "500 × 600 / (600 + 300).",
        1000, 300, (0, 0, 143, 357, 500, 0), {},
    ),
    "nasdaq_clearing": House(
        "Nasdaq Clearing, commodities, September 2018",
        "The loss sharing pool of fixed income is left out; members had to replenish the fund "
        "at once, which is not an assessment here.",
        "In 2018 EUR 114 m were beyond the resources of the defaulter: 7 and 107. " + NOT_FOUND,
        114, 200, (0, 0, 7, 107, 0), {"after": 0, "per_event": 0, "per_period": 0},
    ),
    "jscc": House(
        "JSCC, listed derivatives of JPX",
        "Compensation by the market operator is own capital of the house here; energy and "
        "commodity futures, for which it is less, are left out.",
        "30 beyond the defaulter, a fund of 15. " + NOT_FOUND,
        30, 15, (0, 0, 9.1, 15, 5.9),
        {"per_event": 1, "per_period": 1, "tear_up": False},
    ),
    "krx": House(
        "Korea Exchange, securities and derivatives markets",
        "Fidelity guarantee money of the defaulter is part of its margin; the credit lines and "
        "other assets of the exchange that follow are left out. OTC derivatives have an order "
        "of their own.",
        "A reserve of 400, split into 100 and 300 (the split is made up), around a fund of 250.",
        600, 250, (0, 0, 100, 250, 250, 0), {"before": 100, "after": 300},
    ),
    "occ": House(
        "Options Clearing Corporation",
        "Voluntary payments and voluntary tear-ups are left out.",
        "111 beyond the defaulter; the pay of executives, 2 beside a fund of 100, loses the same "
        "share as the members do. " + NOT_FOUND,
        111, 100, (0, 0, 60, 51, 0), {"before": 60, "beside": 2, "tear_up": False},
    ),
}  # fmt: skip


def _read() -> dict[str, dict[str, dict[str, Any]]]:
    """The figures as {house: {parameter: row}}; the value is a number, a switch or nan."""
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in HOUSES}
    text = (files(__package__) / "clearing_houses.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        value: Any = float(row["value"]) if row["value"] else nan
        value = bool(value) if row["parameter"] in SWITCHES else value
        found[row["house"]][row["parameter"]] = {**row, "value": value}
    return found


FIGURES = _read()


def manager(name: str, **parameters: Any) -> DefaultManager:
    """The default manager of a house, with the figures of the catalogue unless others are given.

    Parameters
    ----------
    name : key of `HOUSES`, such as "cme".
    parameters : of :class:`contagion.venues.ccp.DefaultManager`; amounts in the unit of the house.

    Raises
    ------
    RuleError : for a figure that was not found and is not given, with the reason.
    UnknownNameError : for an unknown house or parameter.

    Example
    -------
    >>> manager("eurex").before, manager("cme").per_period
    (143.0, 5.5)
    >>> manager("krx")
    Traceback (most recent call last):
    contagion.errors.RuleError: krx needs before=: junior tranche of the settlement reserve; KRW
    400 bn in all (read), the split was not found

    Source: in :func:`figures`, for each figure.
    """
    known_name(name, HOUSES, "clearing house")
    for given in parameters:
        known_name(given, NAMES, "parameter", name)
    for word, row in FIGURES[name].items():
        if np.isnan(row["value"]) and word not in parameters:
            raise RuleError(f"{name} needs {word}=: {row['note']}")
    return DefaultManager(
        **{word: row["value"] for word, row in FIGURES[name].items()} | parameters
    )


def figures(name: str | None = None) -> Table:
    """The known parameters of one house or of all: one row per parameter.

    Parameters
    ----------
    name : key of `HOUSES`; `None`: all.

    Raises
    ------
    UnknownNameError : for an unknown house.

    Example
    -------
    >>> found = figures("eurex").table.loc[("eurex", "beside")]
    >>> float(found["value"]), found["unit"], found["evidence"]
    (57.0, 'EUR m', 'read')

    Source: in the table, for each figure.
    """
    if name is not None:
        known_name(name, HOUSES, "clearing house")
    rows = [row for house in ([name] if name else HOUSES) for row in FIGURES[house].values()]
    frame = pd.DataFrame(rows).set_index(["house", "parameter"]).astype({"value": float})
    return Table(
        frame,
        {
            "value": "in the unit beside it",
            "unit": "of the value",
            "evidence": "read, notes, assumed or not found",
            "date": "of the source",
            "source": "document",
            "note": "meaning of the value, assumption, or reason why there is no value",
        },
        {"value": frame.loc[frame["value"].isna(), "note"].to_dict()},
    )


def _build(name: str) -> Callable[..., Rule]:
    """The rule of a house as a function with its own signature and docstring."""
    house, lines, words = HOUSES[name], [], []
    for word, row in FIGURES[name].items():
        missing = np.isnan(row["value"])
        value = {} if missing else {"default": row["value"]}
        words.append(Parameter(word, Parameter.KEYWORD_ONLY, **value))
        shown = "not found" if missing else f"{row['value']:g}, {row['evidence']}"
        dated = f"{row['source']}, {row['date']}" if row["source"] else "no source"
        lines += [f"{word} : {shown} ({row['unit']}); {dated}.", f"    {row['note']}."]

    def build(**parameters: Any) -> Rule:
        return manager(name, **parameters).rule()

    build.__signature__ = Signature(words)  # type: ignore[attr-defined]
    build.__name__ = build.__qualname__ = name
    sources = "; ".join(f"{each.title} ({each.date})" for each in _documents(name))
    parts = [
        f"{house.title}.",
        "Order and formulas: `contagion.venues.ccp.DefaultManager`.",
        "\n".join(["Parameters", "----------", *lines]),
        "Claims: as for `contagion.venues.ccp.rule`; `manager(...).claims` builds them.",
        f"Example\n-------\n{house.example(name)}",
        f"Source: {sources}. Values that are assumed, or only in notes, are unverified.",
    ]
    build.__doc__ = "\n\n".join(parts)
    return build


def _documents(name: str) -> tuple[Document, ...]:
    """The sources of the figures, and the figures not read (these first if no figure was read)."""
    rows = FIGURES[name].values()
    seen = {(r["source"], r["date"]) for r in rows if r["evidence"] in ("read", "not found")}
    every = dict.fromkeys((r["source"], r["date"]) for r in rows if r["source"])
    found = [Document(*each, "excerpt" if each in seen else "memory") for each in every]
    found.sort(key=lambda each: not each.seen)
    lacking = [row["parameter"] for row in rows if row["evidence"] != "read"]
    title = f"from notes, assumed or not found: {', '.join(lacking)}"
    rest = [Document(title, "undated", "memory")] if lacking else []
    return tuple([*rest, *found] if len(lacking) == len(rows) else [*found, *rest])


def _record(name: str) -> Venue:
    read = [word for word, row in FIGURES[name].items() if row["evidence"] == "read"]
    return Venue(
        name=name,
        build=_build(name),
        title=HOUSES[name].title,
        documents=_documents(name),
        read=f"{', '.join(read) or 'No figure'}; the evidence of each is in `figures`.",
        simplified=HOUSES[name].simplified,
        terms=TERMS,
    )


CATALOGUE = tuple(_record(name) for name in HOUSES)
__test__ = {record.name: record.help for record in CATALOGUE}  # doctest runs their examples
