"""Clearing houses by name: what is known of their waterfalls, figure by figure.

`manager("eurex")` is the :class:`contagion.venues.ccp.DefaultManager` of a house, `figures`
says for every parameter its date, its source and how far it was checked. A figure that was not
found is NaN with the reason and has to be given: `manager("krx", before=100, after=300)`. The rule
of a node on a graph is `venue("eurex")`.

The figures are in `clearing_houses.csv`. Its column `evidence`: "read" in a stored copy of the
source, some of them from the beginning only; "notes": in the project's notes, the source was not
seen; "assumed": the note says after what; "not found". Default funds are not in it: they are the
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
from ..text import known_name, listing
from .ccp import TERMS, DefaultManager
from .record import Venue

NAMES = tuple(each.name for each in fields(DefaultManager))
SWITCHES = ("tear_up",)


@dataclass(frozen=True)
class House:
    """A clearing house: its name, what is simplified, a worked example."""

    title: str
    simplified: str
    example: str


EACH = " It shares no loss between its funds; one fund is one manager."
HOUSES = {
    "cme": House(
        "CME Clearing, base guaranty fund (futures and options)",
        "One round; the cooling-off period is the period of the caps." + EACH,
        """\
400 beyond the defaulter, own capital 10, fund 100: one default leaves 15, two leave nothing.

>>> from contagion.venues import clearing_houses
>>> cme = clearing_houses.manager("cme", before=10, haircut=0, tear_up=False)
>>> float(cme.settle([400, 0], 0, [0, 100], [True, False]).uncovered)
15.0
>>> float(cme.settle([400, 0], 0, [0, 100], [True, False], events=2).uncovered)
0.0""",
    ),
    "ice_clear_credit": House(
        "ICE Clear Credit (credit default swaps)",
        "Default insurance of USD 75 m (2023-09-30) and its place in the order are left out.",
        """\
>>> from contagion.venues import clearing_houses
>>> done = clearing_houses.manager("ice_clear_credit").settle([275, 0], 0, [0, 475], [True, False])
>>> [float(done.absorbed[name].sum()) for name in list(done.absorbed)[2:5]]
[25.0, 237.5, 12.5]""",
    ),
    "ice_clear_europe": House(
        "ICE Clear Europe, futures and options",
        "Energy and financial segments of the fund are one here; default insurance is left out.",
        """\
>>> from contagion.venues import clearing_houses
>>> house = clearing_houses.manager("ice_clear_europe", per_event=1, per_period=1)
>>> done = house.settle([130, 0], 0, [0, 50], [True, False])
>>> [float(done.absorbed[name].sum()) for name in list(done.absorbed)[2:4]]
[100.0, 30.0]""",
    ),
    "ice_clear_us": House(
        "ICE Clear US (futures and options)",
        "All amounts have to be given.",
        """\
>>> from contagion.venues import clearing_houses
>>> clearing_houses.manager("ice_clear_us", before=50, per_event=1, per_period=1).before
50""",
    ),
    "lch_ltd": House(
        "LCH Ltd, SwapClear",
        "The gains haircut (loss distribution) has a cap for each member that is left out; "
        "voluntary payments, which come before tear-up, too.",
        """\
>>> from contagion.venues import clearing_houses
>>> lch = clearing_houses.manager("lch_ltd", before=20)
>>> done = lch.settle([170, 0], 0, [0, 100], [True, False], gain=[0, 200])
>>> [float(done.absorbed[name].sum()) for name in ("default fund", "assessments")]
[100.0, 50.0]""",
    ),
    "eurex": House(
        "Eurex Clearing",
        "Own capital beside the assessments follows what members are called for, here in the "
        "proportion of the largest amounts. The parent's letter of comfort (EUR 600 m) is left "
        "out." + EACH,
        """\
1,000 beyond the defaulter, fund 300: 143, then 300 + 57; of the last 500 the members pay
500 × 600 / (600 + 300).

>>> from contagion.venues import clearing_houses
>>> done = clearing_houses.manager("eurex").settle([1000, 0], 0, [0, 300], [True, False])
>>> [round(float(done.absorbed[name].sum()), 2) for name in list(done.absorbed)[2:8]]
[143.0, 300.0, 57.0, 0.0, 333.33, 166.67]""",
    ),
    "nasdaq_clearing": House(
        "Nasdaq Clearing, commodities, September 2018",
        "The loss sharing pool of fixed income is left out; members had to fill the fund up again "
        "at once, which is no assessment here.",
        """\
In 2018 EUR 114 m were beyond the resources of the defaulter: 7 and 107 (the fund of 200 is
made up).

>>> from contagion.venues import clearing_houses
>>> nasdaq = clearing_houses.manager("nasdaq_clearing", after=0, per_event=0, per_period=0)
>>> done = nasdaq.settle([114, 0], 0, [0, 200], [True, False])
>>> [float(done.absorbed[name].sum()) for name in list(done.absorbed)[2:4]]
[7.0, 107.0]""",
    ),
    "jscc": House(
        "JSCC, listed derivatives of JPX",
        "Compensation by the market operator is own capital of the house here; energy and "
        "commodity futures, for which it is less, are left out.",
        """\
>>> from contagion.venues import clearing_houses
>>> jscc = clearing_houses.manager("jscc", per_event=1, per_period=1, tear_up=False)
>>> done = jscc.settle([30, 0], 0, [0, 15], [True, False])
>>> [round(float(done.absorbed[name].sum()), 1) for name in list(done.absorbed)[2:7]]
[9.1, 15.0, 0.0, 0.0, 5.9]""",
    ),
    "krx": House(
        "Korea Exchange, securities and derivatives markets",
        "Fidelity guarantee money of the defaulter is part of its margin; the credit lines and "
        "other assets of the exchange that follow are left out. OTC derivatives have an order "
        "of their own.",
        """\
A reserve of 400, split into 100 and 300 (the split is made up), around a fund of 250:

>>> from contagion.venues import clearing_houses
>>> krx = clearing_houses.manager("krx", before=100, after=300)
>>> done = krx.settle([600, 0], 0, [0, 250], [True, False])
>>> [float(done.absorbed[name].sum()) for name in list(done.absorbed)[2:6]]
[100.0, 250.0, 0.0, 250.0]""",
    ),
    "occ": House(
        "Options Clearing Corporation",
        "Voluntary payments and voluntary tear-ups are left out.",
        """\
>>> from contagion.venues import clearing_houses
>>> occ = clearing_houses.manager("occ", before=60, beside=2, tear_up=False)
>>> done = occ.settle([111, 0], 0, [0, 100], [True, False])
>>> [float(done.absorbed[name].sum()) for name in list(done.absorbed)[2:5]]
[60.0, 50.0, 1.0]""",
    ),
}


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
    RuleError : for a figure that was not found and is not given; says why.
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
    """What is known of one house or of all: one row a parameter.

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
            "note": "what it stands for, what was assumed, or why there is no value",
        },
        {"value": frame.loc[frame["value"].isna(), "note"].to_dict()},
    )


def _build(name: str) -> Callable[..., Rule]:
    """The rule of a house as a function with its own signature and text."""
    house, lines, words = HOUSES[name], [], []
    for word, row in FIGURES[name].items():
        missing = np.isnan(row["value"])
        value = {} if missing else {"default": row["value"]}
        words.append(Parameter(word, Parameter.KEYWORD_ONLY, **value))
        shown = "not found" if missing else f"{row['value']:g}, {row['evidence']}"
        lines += [f"{word} : {shown} ({row['unit']}).", f"    {row['note']}"]

    def build(**parameters: Any) -> Rule:
        return manager(name, **parameters).rule()

    build.__signature__ = Signature(words)  # type: ignore[attr-defined]
    build.__name__ = build.__qualname__ = name
    parts = [
        f"{house.title}.",
        "Order and formulas: `contagion.venues.ccp.DefaultManager`.",
        "\n".join(["Parameters", "----------", *lines]),
        "Claims: as for `contagion.venues.ccp.rule`; `manager(...).claims` builds them.",
        f"Simplified: {house.simplified}",
        f"Example\n-------\n{house.example}",
        f"Source: {_sources(name)}. What is assumed, or in notes only, is unverified.",
    ]
    build.__doc__ = "\n\n".join(parts)
    return build


def _sources(name: str) -> str:
    rows = FIGURES[name].values()
    return "; ".join(dict.fromkeys(f"{r['source']} ({r['date']})" for r in rows if r["source"]))


def _record(name: str) -> Venue:
    rows = FIGURES[name]
    read = [word for word, row in rows.items() if row["evidence"] == "read"]
    rest = [word for word, row in rows.items() if row["evidence"] != "read"]
    dates = [row["date"] for row in rows.values() if row["date"][:1].isdigit()]
    return Venue(
        name=name,
        build=_build(name),
        title=HOUSES[name].title,
        source=_sources(name),
        as_of=max(dates, default="undated"),
        status="partly unverified" if read else "unverified",
        read=f"Read: {listing(read, 9) or 'no figure'}; from notes, assumed or not found: "
        f"{listing(rest, 9) or 'none'}.",
        simplified=HOUSES[name].simplified,
        terms=TERMS,
    )


CATALOGUE = tuple(_record(name) for name in HOUSES)
__test__ = {record.name: record.help for record in CATALOGUE}  # doctest runs their examples
