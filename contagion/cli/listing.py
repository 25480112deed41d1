"""The commands that list datasets, models, columns of tables and formats of files."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

import typer

from ..text import known_name
from .options import Json, print_json
from .terminal import paragraph, put, say


def datasets(
    name: Annotated[
        str | None, typer.Argument(help="A dataset; without it all are listed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the packaged datasets, or print the card of one."""
    from .. import datasets as packaged

    if name is not None:
        card = packaged.card(name)
        if as_json:
            keys = [field.name for field in fields(card)]
            print_json({key: getattr(card, key) for key in keys})
        else:
            put(card)
            if card.rules:
                from .rules import of_card

                put(of_card(card.rules))
        return
    rows: list[dict[str, Any]] = []
    for key in packaged.names():
        card = packaged.card(key)
        rows.append({"name": key, "kind": card.kind, "nodes": card.nodes, "date": card.date,
                     "title": card.title})  # fmt: skip
    if as_json:
        print_json(rows)
        return
    indent = max(len(str(row["name"])) for row in rows) + 2
    for row in rows:
        details = f"{row['kind']}, {row['nodes']} nodes, {row['date']}"
        text = "\n".join(paragraph(part, " " * indent) for part in (row["title"], details))
        put(f"{row['name']:<{indent}}{text.lstrip()}")
    put("\nDetails of one: contagion datasets NAME")


def models(as_json: Json = False) -> None:
    """List the models with their parameters and sources."""
    from ..models import MODELS

    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "title": model.title,
            "parameters": {field.name: field.default for field in fields(model)},
            "settles": model.settles,
            "source": model.source,
        }
        for name, model in MODELS.items()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        put(f"{row['name']}: {row['title']}")
        inside = ", ".join(f"{key}={value}" for key, value in row["parameters"].items())
        kind = "settles claims" if row["settles"] else "values claims, does not settle them"
        say(f"{kind}; {inside}", str(row["source"]), indent="  ")


def columns(
    name: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="One table; without it all.")
    ] = None,
) -> None:
    """Explain the columns of every table: exposures, nodes, guarantees, positions, loans ..."""
    from ..network import schema

    known = sorted(schema.TABLES, key=lambda table: table != "exposures")
    if name is not None:
        known_name(name, known, "table")
    for table in known if name is None else [table for table in known if table == name]:
        put(f"{table}")
        for column in schema.columns(table).values():
            notes = [column.dtype, column.unit, column.sign, " or ".join(column.words.split())]
            notes += ["required"] if column.required == "yes" else []
            notes += [f"default {column.default}"] if column.default else []
            text = f"{column.column} ({', '.join(filter(None, notes))}): {column.meaning}"
            say(text, indent="  ")


def formats(as_json: Json = False) -> None:
    """List the formats of published files that can be read directly, with a recipe for each."""
    from ..network.formats import FORMATS

    rows: list[dict[str, Any]] = [
        {"name": one.name, "title": one.title, "becomes": list(one.tables),
         "version": one.version, "recipe": one.recipe}
        for one in FORMATS.values()
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    for row in rows:
        put(f"{row['name']}: {row['title']}")
        say(f"{row['version']}; becomes {' or '.join(row['becomes'])}", row["recipe"], indent="  ")
