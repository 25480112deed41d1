"""A folder of Parquet files with their hashes, and the database that works in it.

    manifest.json   the run (`spec`), its progress (`state`), the hash of every file, and a hash of
                    all of these
    *.parquet       complete or absent: written under a temporary name, flushed, renamed; then the
                    manifest
    work.duckdb     empty; it locks the folder while a process works in it
    spill/          data that exceed the memory limit; cleared at the start

A sum of doubles depends on the order of its terms, and so on threads and memory. Here terms are
converted to multiples of 2^−k of the unit of money and added as integers of 128 bits (`Disk.sum`):
the result is bitwise identical for every order. The largest possible sum is just below 2^120 of
these units, so a term loses digits only if it is 2^−67 of that sum or less.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, ContagionError, MissingPackageError, StressError, reading
from ..experiments.stress.spec import apart
from ..media import folder as folder_for
from ..text import listing

FORMAT = 1
MANIFEST, LOCK, SPILL = "manifest.json", "work.duckdb", "spill"
BITS = 120
STEPS = {"MiB": 1.0, "GiB": 1024.0, "TiB": 1024.0**2}  # units of memory in DuckDB's output
EACH = 120.0  # MiB of memory per thread


@contextmanager
def database(folder: str | os.PathLike[str], memory: str) -> Iterator[Any]:
    """A DuckDB connection with at most `memory` and exclusive access to a folder.

    Raises
    ------
    MissingPackageError : without DuckDB.
    StressError : if another process works in the folder, or the disk is full.
    ArgumentError : if `memory` is invalid or too small.
    """
    try:
        import duckdb
    except ImportError:
        raise MissingPackageError(
            'Networks on disk need an extra: pip install "contagion-risk[outofcore]".'
        ) from None
    place = folder_for(folder, "run on disk")
    place.mkdir(parents=True, exist_ok=True)
    work = _locked(duckdb, place)
    try:
        shutil.rmtree(place / SPILL, ignore_errors=True)
        work.execute(f"set temp_directory = {quoted(place / SPILL)}")
        work.execute("set preserve_insertion_order = false")
        with suppress(duckdb.Error):  # refused in a notebook without ipywidgets, which has no bar
            work.execute("set enable_progress_bar = false")
        try:
            work.execute(f"set memory_limit = {quoted(memory)}")
        except duckdb.Error:
            raise ArgumentError(f'memory={memory!r}: write it as "500MB" or "2GB".') from None
        _spread(work)
        try:
            yield work
        except duckdb.OutOfMemoryException as error:
            raise ArgumentError(
                f"memory={memory!r} is too little for this network ({_first(error)}). Give more; "
                "with the same folder the run resumes where it stopped."
            ) from None
        except duckdb.IOException as error:
            raise StressError(
                f"{place}: {_first(error)}. Finished files are complete: with the same folder the "
                "run resumes where it stopped."
            ) from error
    finally:
        work.close()
        shutil.rmtree(place / SPILL, ignore_errors=True)


def _locked(duckdb: Any, place: Path) -> Any:
    """The connection that holds the lock of a folder."""
    try:
        return duckdb.connect(str(place / LOCK))
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StressError(
                f"Another process works in {place}. Wait for it, or give another folder."
            ) from None
        (place / LOCK).unlink(missing_ok=True)  # empty, damaged by a process that was killed
        return duckdb.connect(str(place / LOCK))


def _spread(work: Any) -> None:
    """Set the number of threads so that each has the memory that DuckDB needs."""
    (row,) = work.execute(
        "select current_setting('memory_limit'), current_setting('threads')"
    ).fetchall()
    size, unit = row[0].split()
    threads = int(float(size) * STEPS.get(unit, 0.0) / EACH)
    work.execute(f"set threads = {max(1, min(threads, int(row[1])))}")


@contextmanager
def naming(files: list[Path], kind: type[ContagionError]) -> Iterator[None]:
    """Add the file name to errors in the caller's files, but not to a lack of memory."""
    place = files[0].name if len(files) == 1 else f"One of {files[0].name} to {files[-1].name}"
    import duckdb

    passed: list[Exception] = []
    with reading(place, kind):
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            passed.append(error)
        except duckdb.IOException as error:
            if "space" not in str(error):
                raise
            passed.append(error)
    if passed:
        raise passed[0]


def _first(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def quoted(text: object) -> str:
    """A text or a path as an SQL literal.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + str(text).replace("'", "''") + "'"


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Disk:
    """The files of one step in a folder, and the specification of the run.

    `spec` is set by :meth:`begin`; `state` can hold any data and is saved with every file.
    """

    def __init__(self, path: Path, work: Any, exponent: int = 0):
        self.path, self.work, self.exponent = path, work, exponent
        self.spec: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.files: dict[str, str] = {}

    def begin(self, spec: dict[str, Any]) -> None:
        """Begin, or resume the run in the folder if it has the same specification.

        Raises
        ------
        StressError : if the folder holds another run, a damaged manifest, or other files.
        """
        self.spec = json.loads(json.dumps(spec))
        if (self.path / MANIFEST).exists():
            told = read_manifest(self.path)
            if not told["files"]:  # a run without files, such as after invalid tables
                self.note()
                return
            if found := apart(told["spec"], self.spec):
                raise StressError(
                    f"{self.path} holds another run:\n  " + "\n  ".join(found) + "\nGive another "
                    "folder, or the same files, shock and options."
                )
            self.state, self.files = told["state"], told["files"]
            return
        self.path.mkdir(parents=True, exist_ok=True)
        foreign = [each.name for each in self.path.iterdir() if not each.name.endswith(".part")]
        if foreign:
            raise StressError(
                f"{self.path} holds no run on disk: there is {listing(sorted(foreign))}. Give an "
                "empty folder."
            )
        self.note()

    def note(self) -> None:
        """Write the manifest again."""
        told = {"spec": self.spec, "state": self.state, "files": self.files}
        text = json.dumps({"format": FORMAT, "sha256": _hash(told), **told}, indent=1)
        part = self.path / f".{MANIFEST}.part"
        with open(part, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path / MANIFEST)

    def write(self, name: str, query: str) -> None:
        """Write the rows of a query to a Parquet file; :meth:`note` then records it."""
        part = self.path / f".{name}.part"
        try:
            self.work.execute(f"copy ({query}) to {quoted(part)} (format parquet)")
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            self.files[name] = digest(part)
            os.replace(part, self.path / name)
        finally:
            with suppress(OSError):
                part.unlink()

    def drop(self, name: str) -> None:
        """Delete a file and remove its record."""
        if self.files.pop(name, None):
            (self.path / name).unlink(missing_ok=True)

    def whole(self, name: str) -> bool:
        """True if a file exists and matches its hash."""
        path = self.path / name
        return name in self.files and path.exists() and digest(path) == self.files[name]

    def rows(self, name: str) -> str:
        """A file as an SQL table expression."""
        return f"read_parquet({quoted(self.path / name)})"

    def sum(self, term: str) -> str:
        """The SQL sum of a term (money), independent of the order of addition."""
        unit = float(2**self.exponent) if self.exponent >= 0 else 2.0**self.exponent
        return f"(sum((({term}) * {unit!r}::double)::hugeint)::double / {unit!r}::double)"

    def one(self, query: str) -> tuple[Any, ...]:
        """The only row of a query."""
        (found,) = self.work.execute(query).fetchall()
        return tuple(found)


def exponent(largest: float, count: int) -> int:
    """k such that 2^k times the sum of `count` numbers up to `largest` stays below 2^120.

    >>> exponent(1.0, 1), exponent(8.0, 1000)
    (118, 106)
    """
    return BITS - math.frexp(max(largest, 1e-300))[1] - math.frexp(max(count, 1))[1]


def read_manifest(path: Path) -> dict[str, Any]:
    """The content of a manifest.

    Raises
    ------
    StressError : for a manifest that is missing, damaged or of another version.
    """
    file = path / MANIFEST
    if not file.exists():
        raise StressError(f"{path} holds no run on disk: there is no {MANIFEST}.")
    try:
        told: dict[str, Any] = json.loads(file.read_text("utf-8"))
        sound = told["format"] == FORMAT and told.pop("sha256") == _hash(
            {part: told[part] for part in ("spec", "state", "files")}
        )
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise StressError(
            f"{file} is damaged, or of another version. Delete {path} and run it again."
        )
    return told


def damaged(path: Path) -> StressError:
    """The error for a file that differs from its hash."""
    return StressError(
        f"{path} is missing or differs from its hash. Delete {path.parent} and run it again."
    )


def _hash(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
