"""The commands about studies: a starter, examples, and a package for replication."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from ..study import Study
from ..study.folders import HASHES, LOCK, README, RESULTS, copied, hashed, locked, packed, readme
from .grouped import grouped
from .options import option
from .read_options import Told
from .recorded import results
from .terminal import paragraph, put, say, written

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write into.")]


def init(folder: Folder = Path()) -> None:
    """Write a commented study.toml with two small tables, to be replaced by your own."""
    put(written(folder, copied("starter", folder)))
    put(f"\nRun it with: contagion run {folder / 'study.toml'}")


def demo(folder: Folder = Path("contagion_demo")) -> None:
    """Copy runnable examples: studies of packaged datasets."""
    files = copied("examples", folder)
    put(written(folder, files) + "\n")
    for file in files:
        say(f"contagion run {file}", Study.read(file).title, indent="  ")


@grouped
def replicate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or a new folder.")],
    study: Annotated[Path, option("FILE", "The study that is replicated.")] = Path("study.toml"),
    *,
    told: Told,
) -> None:
    """Write a replication package, as journals require, so that others get the same numbers.

    Data, study.toml, the versions used, results, report, SHA-256 of every file, and a README.
    """
    from ..report import write_report

    mine = packed(Study.read(study), folder)
    began = perf_counter()
    done = mine.run()
    told.hear_network(done.network, study)
    mine.write(folder / "study.toml")
    made = results(done, folder / RESULTS)
    made.append(write_report(folder / "report.html", done))
    text = readme(done, folder, made, perf_counter() - began)
    (folder / LOCK).write_text(locked(), "utf-8", newline="\n")
    (folder / README).write_text(text, "utf-8", newline="\n")
    hashed(folder)
    names = ", ".join(("study.toml", "data/", f"{RESULTS}/", "report.html", LOCK, README, HASHES))
    put(paragraph(f"Written to {folder}: {names}", "", "  "))
    put(paragraph("Items that only the authors know are marked TO BE COMPLETED in the README."))
