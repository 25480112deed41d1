"""The command that checks the tables of a network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..network.schema import TABLES
from ..network.tables import read_table
from ..network.tables.surfaces import in_study, on_command_line
from ..text import known_name
from .grouped import grouped
from .options import DATA, OUT, File, Json, option, print_json
from .outputs import csvs, tell
from .specifying import Data
from .terminal import findings_text, put, say


@grouped
def check(
    file: File,
    fix: Annotated[
        Path | None,
        option("DIR", "Write the tables as they were read and repaired into this folder.", OUT),
    ] = None,
    table: Annotated[
        str | None,
        option("NAME", f"Type of the table, if not exposures: {', '.join(TABLES)}.", DATA),
    ] = None,
    as_json: Json = False,
    *,
    data: Data,
) -> None:
    """Check a file of exposures, or another table: every finding with rows, amounts and a fix.

    The exit code is 2 when there are errors, 0 otherwise. The meaning of the columns:
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
