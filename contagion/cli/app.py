"""The commands that look at data and models; `runs`, `compare`, `rules`, `cascade` have others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from ..network.schema import TABLES
from ..network.tables import read_table
from ..network.tables.surfaces import in_study, on_command_line
from ..text import known_name
from . import (
    compare,
    formats,
    liquidations,
    making,
    ranks,
    reconstructing,
    reversing,
    rules,
    runs,
    stressing,
    studying,
    sweeps,
    venues,
)
from .grouped import grouped
from .options import DATA, OUT, File, Json, option, print_json
from .outputs import csvs, tell
from .specifying import Data
from .terminal import findings_text, paragraph, put, say

app = typer.Typer(
    name="contagion",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="How losses spread through networks of exposures, and who bears them in the end.\n\n"
    "Start with: contagion run cefi_credit_2022",
)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        put(f"contagion {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """How losses spread through networks of exposures, and who bears them in the end."""


@app.command()
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
                put(rules.of_card(card.rules))
        return
    rows: list[dict[str, Any]] = []
    for key in packaged.names():
        card, size = packaged.card(key), len(packaged.load(key))
        rows.append({"name": key, "kind": card.kind, "nodes": size, "date": card.date,
                     "title": card.title})  # fmt: skip
    if as_json:
        print_json(rows)
        return
    indent = max(len(str(row["name"])) for row in rows) + 2
    for row in rows:
        details = f"{row['kind']}, {row['nodes']} nodes, {row['date']}"
        text = "\n".join(paragraph(part, " " * indent) for part in (row["title"], details))
        put(f"{row['name']:<{indent}}{text.lstrip()}")
    put("\nOne in full: contagion datasets NAME")


@app.command()
@grouped
def check(
    file: File,
    fix: Annotated[
        Path | None,
        option("DIR", "Write the tables as they were read and repaired into this folder.", OUT),
    ] = None,
    table: Annotated[
        str | None,
        option("NAME", f"Which table it is, if not exposures: {', '.join(TABLES)}.", DATA),
    ] = None,
    as_json: Json = False,
    *,
    data: Data,
) -> None:
    """Check a file of exposures, or another table: every finding with rows, amounts and a fix.

    The exit code is 2 when there are errors, 0 otherwise. What the columns mean:
    `contagion columns`.
    """
    from ..errors import NetworkError

    network, read = None, None
    said = in_study if file.endswith(".toml") and table is None else on_command_line
    try:
        if table is not None:
            known_name(table, TABLES, "table", "--table")
            read = read_table(file, table, unit=data.unit or "", **data.keywords())  # type: ignore[arg-type]
            found, failed = tuple(read.findings), False
        else:
            network = data.begin(data.study(file)).network
            found, failed = network.findings, False
    except NetworkError as error:
        if not error.findings:
            raise
        found, failed = error.findings, True
    if as_json:
        told = [asdict(f) | {"fix": said(f.fix)} for f in found]
        print_json({"ok": not failed, "findings": told})
    else:
        if network is not None or read is not None:
            put("\n".join(repr(read if network is None else network).splitlines()[:3]))
        put(findings_text(found, said) if found else "clean: the checks found nothing.")
        if network is not None:
            say(*(f"- {text}" for text in network.assumptions))
    if fix is not None and not failed:
        files = csvs(fix, {read.name: read.table}) if read is not None else []
        files += network.write(fix) if network is not None else []
        if not as_json:
            tell(fix, files)
    if failed:
        raise typer.Exit(2)


@app.command()
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


@app.command()
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


COMMANDS: dict[str, Callable[..., None]] = {
    "run": runs.run,
    "explain": runs.explain,
    "report": runs.report,
    "rank": ranks.rank,
    "compare": compare.compare,
    "formats": formats.formats,
    "allocate": rules.allocate,
    "rules": rules.catalogue,
    "venues": venues.venues,
    "cascade": liquidations.cascade,
    "liquidatable": liquidations.profile,
    "sweep": sweeps.sweep,
    "reverse": reversing.reverse_stress,
    "generate": making.generate,
    "stress": stressing.stress,
    "reconstruct": reconstructing.reconstruct,
    "init": studying.init,
    "demo": studying.demo,
    "replicate": studying.replicate,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
