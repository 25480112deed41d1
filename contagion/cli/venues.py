"""The command about venues: list them, compare their terms, or print the card of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from ..errors import ArgumentError
from .options import OUT, Figure, Json, option, print_json
from .outputs import draw, drawable, rows
from .terminal import paragraph, put, width


def venues(
    name: Annotated[
        str | None,
        typer.Argument(help="A venue, such as aave, or one rule; without it all are listed."),
    ] = None,
    terms: Annotated[
        bool,
        option(None, "All side by side: fund, order, basis, price, cap, pause.", OUT, "--terms"),
    ] = False,
    documents: Annotated[
        bool, option(None, "All documents, and how each was read.", OUT, "--documents")
    ] = False,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """How venues share a loss: the card of one, with rules, formulas, parameters and sources.

    Example: contagion venues aave
    """
    from .. import venues as catalogue

    drawable(figure)
    if (name is not None) + terms + documents > 1:
        raise ArgumentError("NAME, --terms and --documents exclude each other; give one.")
    if figure is not None and name is None:
        raise ArgumentError("--figure draws the worked example of one rule: say which, NAME.")
    if name is not None:
        card = catalogue.describe(name.removeprefix("venue:"))
        draw(figure, lambda plot: plot.waterfall(card.rules[0].example))
        if as_json:
            print_json(_record(card))
        else:
            put(card.text(width() - 1))
    elif terms or documents:
        _table(catalogue.terms() if terms else catalogue.documents(), as_json)
    else:
        _list(catalogue.CATALOGUE, as_json)


def _record(card: Any) -> dict[str, Any]:
    each = [
        {
            **{key: getattr(rule, key) for key in ("name", "title", "status", "as_of", "order")},
            **{key: getattr(rule, key) for key in ("read", "simplified", "help")},
            "terms": asdict(rule.terms),
            "documents": [asdict(document) for document in rule.documents],
            "required": list(rule.required),
            "parameters": rule.parameters,
            "example": {
                "loss": rule.example.loss,
                "uncovered": rule.example.uncovered,
                **rows({"layers": rule.example.layers, "table": rule.example.table}),
            },
        }
        for rule in card.rules
    ]
    formulas = [asdict(formula) for formula in card.formulas]
    return {"name": card.name, "about": card.about, "rules": each, "formulas": formulas}


def _table(record: Any, as_json: bool) -> None:
    """Print a table of texts: one block for each row, one line for each cell."""
    frame = record.table.reset_index()
    if as_json:
        print_json(frame.to_dict("records"))
        return
    first, *rest = frame.columns
    indent = max(map(len, rest)) + 4
    before = None
    for row in frame.to_dict("records"):
        if row[first] != before:
            put(row[first])
        before = row[first]
        for key in rest:
            text = row[key] if isinstance(row[key], str) else "not known"
            put(f"  {key:<{indent - 2}}{paragraph(text, ' ' * indent).lstrip()}")


def _list(records: Any, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {key: getattr(rule, key) for key in ("name", "file", "title", "status", "as_of")}
                for rule in records.values()
            ]
        )
        return
    before, indent = None, max(map(len, records)) + 6
    for rule in records.values():
        if rule.file != before:
            put(rule.file)
        before = rule.file
        about = paragraph(f"{rule.title} ({rule.as_of}, {rule.status})", " " * indent)
        put(f"    {rule.name:<{indent - 4}}{about.lstrip()}")
    put("\nThe card of one: contagion venues NAME. One rule as TOML: contagion rules NAME.")
