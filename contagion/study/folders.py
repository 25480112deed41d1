"""Folders of a study: a starter for own files, runnable examples, and a replication package."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from .. import datasets
from ..citations import URL, cite
from ..datasets import Card
from ..errors import ArgumentError
from .source import SOURCE, packaged
from .specification import Study
from .study_run import StudyRun

HERE = Path(__file__).parent
PACKAGE = "contagion-risk"
HASHES, LOCK, README, RESULTS = "SHA256SUMS", "lock.txt", "README.md", "results"


def copied(what: str, folder: Path) -> list[Path]:
    """Copy `starter` or `examples` into a folder; an existing file is never replaced.

    Raises
    ------
    ArgumentError : if one of the files exists already.
    """
    sources = sorted(each for each in (HERE / what).iterdir() if each.is_file())
    there = [each.name for each in sources if (folder / each.name).exists()]
    if there:
        raise ArgumentError(
            f"{folder / there[0]} exists already, and nothing is replaced. Give another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(each, folder / each.name)) for each in sources]


def packed(study: Study, folder: Path) -> Study:
    """Copy the data of a study into `folder/data` and return the study that reads them there.

    Raises
    ------
    ArgumentError : if the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArgumentError(f"{folder} is not an empty folder. Give another.")
    data = folder / "data"
    data.mkdir(parents=True)
    moved = {"network": dict(study.network), "scenarios": dict(study.scenarios),
             "market": dict(study.market), "cascade": dict(study.cascade)}  # fmt: skip
    files = {option: study.folder / path for option, path in study.places().items()}
    if packaged(study.network.get(SOURCE, "")):
        files["network", SOURCE] = datasets.path(study.network[SOURCE])
    for (table, option), path in files.items():
        goal = data / path.resolve().name
        if goal.exists():  # two files with the same name
            goal = data / f"{option}_{goal.name}"
        if path.is_dir():
            shutil.copytree(path, goal, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        else:
            shutil.copyfile(path, goal)
        moved[table][option] = goal.relative_to(folder).as_posix()
    return study.but(**moved, folder=folder)


def locked() -> str:
    """The versions of Python and of the packages that this process has loaded and depends on."""
    names = metadata.packages_distributions()
    loaded = {module.partition(".")[0] for module in list(sys.modules)}
    used = {dist for module in loaded for dist in names.get(module, ())}
    wanted = _closure(PACKAGE)
    kept = sorted(
        {dist for dist in used if not wanted or _folded(dist) in wanted}, key=str.casefold
    )
    return "\n".join(
        [f"# {_machine()}", *(f"{dist}=={metadata.version(dist)}" for dist in kept), ""]
    )


def _machine() -> str:
    python = f"Python {platform.python_version()} ({platform.python_implementation()})"
    return f"{python}, {platform.system()} {platform.machine()}"


def _closure(dist: str, seen: set[str] | None = None) -> set[str]:
    """A distribution and its dependencies without extras; empty if it is not installed."""
    seen = set() if seen is None else seen
    try:
        needs = metadata.requires(dist) or []
    except metadata.PackageNotFoundError:
        return seen
    seen.add(_folded(dist))
    for need in needs:
        name = re.split(r"[^\w.-]", need, maxsplit=1)[0]
        if "extra ==" not in need and _folded(name) not in seen:
            _closure(name, seen)
    return seen


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def hashed(folder: Path) -> Path:
    """Write SHA256SUMS of every file in the folder, as `sha256sum -c` reads it."""
    files = sorted(each for each in folder.rglob("*") if each.is_file() and each.name != HASHES)
    lines = [
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.relative_to(folder).as_posix()}"
        for each in files
    ]
    (folder / HASHES).write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    return folder / HASHES


def readme(run: StudyRun, folder: Path, results: Iterable[Path], seconds: float) -> str:
    """The README of a replication package, with the headings that economics journals require.

    `seconds` is the measured time of the run and of its report.
    """
    from .. import __version__

    study, card = run.study, run.card
    title = study.title or (card.title if card is not None else "a study")
    data = sorted(each for each in (folder / "data").rglob("*") if each.is_file())
    rows = [f"| `{each.relative_to(folder).as_posix()}` | {_about(each, card)} |" for each in data]
    made = [
        f"| `{each.relative_to(folder).as_posix()}` | `{_program(each)}` | |"
        for each in sorted(results)
    ]
    seeds = [
        f"`[{name}] seed = {table['seed']}`"
        for name, table in (("scenarios", study.scenarios), *study.outputs.items())
        if "seed" in table and (name != "scenarios" or "stress" in study.outputs)
    ]
    sources = (
        f"{card.title}. {card.kind.capitalize()}. Source: {card.source} Evidence: {card.evidence}"
        if card is not None
        else "TO BE COMPLETED by the authors: who published each table, when and where it was "
        "obtained, and how others can obtain it."
    )
    terms = card.terms if card is not None else "TO BE COMPLETED by the authors."
    return f"""# Replication package: {title}

## Overview

`study.toml` is the specification of every number in this package: data, shock, model, rules,
baseline, scenarios with their seeds, and outputs. One program, contagion, reads it. Everything in
`results/` and `report.html` is reproduced by the commands below. When this package was written,
that took {max(1, round(seconds)):,} seconds.

## Data availability and provenance

{sources}

Statement about rights: {terms}

- [ ] All data **are** in this package. (The authors mark this if they may publish them.)

| data file | content |
|---|---|
{chr(10).join(rows)}

## Computational requirements

- contagion {__version__}, from {URL}, under the licence BSD-3-Clause.
- {_machine()}. All packages with their versions: `{LOCK}`.
- Random numbers: {", ".join(seeds) or "none are drawn"}.
- Hardware: one core and less than 1 GB of memory are enough for networks of thousands of nodes.
  Results do not depend on the number of processes. The last bits of a number can depend on the
  machine and on the versions of numpy and scipy.

## Instructions

```sh
pip install -r {LOCK}
contagion run study.toml --out {RESULTS}
contagion report study.toml --out report.html
sha256sum -c {HASHES}
```

The last line compares every file with the published one, and prints `OK` for each that is
identical bit for bit.

## List of outputs and programs

TO BE COMPLETED by the authors: the table, figure or number of the paper that each file gives.

| output | program | in the paper |
|---|---|---|
{chr(10).join(made)}

## References

Cite the sources of the data, and these:

```bibtex
{cite(run)}
```
"""


def _about(file: Path, card: Card | None) -> str:
    if file.name == "dataset.toml":
        return "card: source, date, terms, evidence, assumptions"
    return "table of a packaged dataset" if card is not None else "table of the authors"


def _program(file: Path) -> str:
    if file.suffix == ".html":
        return f"contagion report study.toml --out {file.name}"
    return f"contagion run study.toml --out {RESULTS}"
