"""A run on disk: Parquet files that are complete or absent, their hashes, and the specification.

    manifest.json       specification (`spec`) and progress (`run`), and the hash of both
    study.toml          the study, if the command line started the run; not read here
    nodes.parquet       names and kinds of the nodes
    scenarios/*.parquet one row a scenario and network
    sums/*.parquet      sums over the scenarios of a chunk, by node
    kept/*.parquet      losses and defaults by node and scenario, if requested
    tails.parquet       losses and defaults by node in the tail of the system
    SHA256SUMS          one line a file, as `sha256sum -c SHA256SUMS` reads it

A file is written under a temporary name, flushed to the disk and renamed; then its line is added.
A file without its line, or with another hash, counts as missing, so files left by an interrupted
run do no harm. The manifest changes during the run, so it contains its own hash. Two processes may
share a folder: both write the same bytes. No code is read from the folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import StressError
from ...media import folder
from ...text import listing, plural
from .plan import Plan, Task
from .spec import Spec, apart
from .sums import Branch, Sums
from .work import Part

Table = Any  # a pyarrow.Table; pyarrow is loaded on use and has no types
FORMAT = 2
TRIES = 9  # attempts to write a file whose temporary file another process removes
MANIFEST, HASHES, NODES, TAILS = "manifest.json", "SHA256SUMS", "nodes.parquet", "tails.parquet"
STUDY = "study.toml"
PARTS = ("scenarios", "sums", "kept")
BEGUN = re.compile(r"study\.toml|\.(study\.toml|manifest\.json)\.\d+\.part")  # before a manifest
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


class Folder:
    """The files of one run."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.damaged: list[str] = []

    # -- opening ----------------------------------------------------------------------------

    def open(self, spec: Spec, nodes: pd.DataFrame, run: Spec) -> None:
        """Start a run in the folder, or resume the run in it if it is the same.

        A folder is new if it holds nothing except a `study.toml` and temporary files of a process
        that was killed at the start.

        Raises
        ------
        StressError : if the folder holds another run (the message lists the differences) or other
            files, or if it is a file.
        """
        table = _table(nodes)
        if (self.path / MANIFEST).exists():
            self._same(self.manifest(), spec)
        else:
            self._new()
            for part in PARTS:
                (self.path / part).mkdir(parents=True, exist_ok=True)
            self.note(spec, run)
        for stale in self.path.rglob(".*.part"):
            stale.unlink(missing_ok=True)
        self.hashes = self._hashes()
        self._write(HASHES, _lines(self.hashes))
        if not self._intact(NODES):
            self.save({NODES: table})

    def read(self) -> Spec:
        """The manifest of the run in the folder; afterwards its files can be read."""
        found = self.manifest()
        self.hashes = self._hashes()
        return found

    def manifest(self) -> Spec:
        path = self.path / MANIFEST
        if not path.exists():
            raise StressError(f"{self.path} holds no stress test: there is no {MANIFEST}.")
        try:
            found: Spec = json.loads(path.read_text("utf-8"))
        except ValueError:
            raise StressError(f"{path} cannot be read as JSON. Start in a new folder.") from None
        kind = found.get("format") if isinstance(found, dict) else None
        if kind != FORMAT or not {"spec", "run"} <= found.keys():
            raise StressError(
                f"{path} is not a manifest that this version reads: its format is {kind!r}, "
                f"not {FORMAT}, or it is incomplete. Start in a new folder."
            )
        if found.get("sha256") != _hash(found["spec"], found["run"]):
            raise StressError(f"{path} differs from its hash. Start in a new folder.")
        return found

    def chunk(self, wanted: int | None, usual: int) -> int:
        """Scenarios in a file: as in the run in the folder, if there is one."""
        if not (self.path / MANIFEST).exists():
            return usual
        here = int(self.manifest()["run"]["chunk"])
        if wanted not in (None, here):
            raise StressError(
                f"{self.path} holds chunks of {here:,} scenarios, not of {wanted:,}. Leave out "
                "chunk= to resume, or give another folder."
            )
        return here

    def foreign(self) -> list[str]:
        """Files in the folder that do not belong to the start of a stress test, by name."""
        inside = self.path.iterdir() if self.path.is_dir() else ()
        return sorted(
            one.name
            for one in inside
            if not BEGUN.fullmatch(one.name)
            and not (one.name in PARTS and one.is_dir() and not any(one.iterdir()))
        )

    def _new(self) -> None:
        """Refuse a folder with other content."""
        if self.path.exists() and not self.path.is_dir():
            raise StressError(f"{self.path} is a file. Give a folder for the stress test.")
        folder(self.path, "stress test")
        if foreign := self.foreign():
            raise StressError(
                f"{self.path} is not empty and holds no stress test: there is {listing(foreign)}. "
                "Give an empty folder."
            )

    def _same(self, old: Spec, new: Spec) -> None:
        found = apart(old["spec"], json.loads(json.dumps(new)))
        if found:
            raise StressError(
                f"{self.path} holds another stress test:\n  "
                + "\n  ".join(found)
                + "\nGive another folder, or the same network, model, scenarios and options."
            )

    def _hashes(self) -> dict[str, str]:
        """{file: hash}; incomplete lines are ignored."""
        path, found = self.path / HASHES, {}
        if path.exists():
            for line in path.read_text("utf-8", errors="replace").splitlines():
                match = LINE.fullmatch(line)
                if match:
                    found[match[2]] = match[1]
        return found

    # -- writing ----------------------------------------------------------------------------

    def note(self, spec: Spec, run: Spec) -> None:
        """Write the manifest again."""
        told = {"format": FORMAT, "sha256": _hash(spec, run), "spec": spec, "run": run}
        text = json.dumps(told, indent=2)
        self._write(MANIFEST, (text + "\n").encode())

    def save(self, tables: dict[str, Table]) -> None:
        """Write tables, then the lines with their hashes."""
        import pyarrow.parquet as pq

        fresh = {}
        for name, table in tables.items():
            buffer = io.BytesIO()
            pq.write_table(table, buffer, compression="zstd")
            self._write(name, buffer.getvalue())
            fresh[name] = hashlib.sha256(buffer.getvalue()).hexdigest()
        with open(self.path / HASHES, "ab") as file:
            file.write(_lines(fresh))
            file.flush()
            os.fsync(file.fileno())
        self.hashes |= fresh

    def _write(self, name: str, content: bytes) -> None:
        """Write a file atomically: it is complete or absent after any interruption."""
        path = self.path / name
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            for more in reversed(range(TRIES)):
                with open(part, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.replace(part, path)
                    break
                except FileNotFoundError:  # another process, at its start, removed it as a leftover
                    if not more:
                        raise
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise

    def save_part(self, part: Part) -> None:
        """The files of one task."""
        lane, start, stop = part.task
        name = _name(part.task)
        rows = {"network": np.full(stop - start, lane), "scenario": np.arange(start, stop)}
        tables = {
            f"sums/{name}": _sums_table(part.branches),
            f"scenarios/{name}": _table(pd.DataFrame(rows | part.columns)),
        }
        self.save({f"kept/{k}-{name}": _wide(x) for k, x in part.kept.items()} | tables)

    def save_tails(self, tails: dict[float, Sums]) -> None:
        self.save({TAILS: _sums_table([(0, 0, sums) for sums in tails.values()], list(tails))})

    # -- reading ----------------------------------------------------------------------------

    def load(self, name: str) -> Table | None:
        """A table, or `None` if it is missing or has another hash."""
        import pyarrow.parquet as pq

        path = self.path / name
        if name not in self.hashes or not path.exists():
            return None
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.hashes[name]:
            self.damaged.append(name)
            return None
        return pq.read_table(io.BytesIO(content))

    def whole(self, task: Task, keep: tuple[str, ...]) -> bool:
        """Whether all files of a task exist with their hashes."""
        name = _name(task)
        files = [f"{part}/{name}" for part in ("scenarios", "sums")]
        files += [f"kept/{kept}-{name}" for kept in keep]
        return all(self._intact(file) for file in files)

    def part(self, task: Task) -> Part:
        """The result of a task, without the arrays by node and scenario."""
        name = _name(task)
        frame = self._sure(f"scenarios/{name}").to_pandas().drop(columns=["network", "scenario"])
        columns = {str(column): frame[column].to_numpy() for column in frame}
        return Part(task, columns, _branches(self._sure(f"sums/{name}")))

    def _sure(self, name: str) -> Table:
        table = self.load(name)
        if table is None:
            raise StressError(
                f"{self.path / name} is missing or damaged: run the same stress test again with "
                "this folder, and it is computed again."
            )
        return table

    def _intact(self, name: str) -> bool:
        path, digest = self.path / name, hashlib.sha256()
        if name not in self.hashes or not path.exists():
            return False
        with open(path, "rb") as file:
            while block := file.read(2**22):
                digest.update(block)
        same = digest.hexdigest() == self.hashes[name]
        if not same:
            self.damaged.append(name)
        return same

    def arrays(self, what: str, plan: Plan, count: int) -> np.ndarray:
        """(lanes, count, n) a kept array."""
        lanes: list[list[np.ndarray]] = [[] for _ in range(plan.lanes)]
        for task in plan.every():
            if task[2] <= count:
                lanes[task[0]].append(_narrow(self._sure(f"kept/{what}-{_name(task)}")))
        return np.stack([np.concatenate(parts) for parts in lanes])

    def nodes(self) -> pd.DataFrame:
        """The table of names and kinds."""
        return self._sure(NODES).to_pandas()  # type: ignore[no-any-return]

    def tails(self) -> dict[float, Sums]:
        """{level: sums} of the second pass; empty if it is missing."""
        table = self.load(TAILS)
        if table is None:
            return {}
        found: dict[float, Sums] = {}
        for level, name, values in zip(*(table[c].to_pylist() for c in _TAIL), strict=True):
            found.setdefault(level, {})[name] = np.array(values, float)
        return found

    def complain(self) -> None:
        """Raise an error that lists damaged files.

        Raises
        ------
        StressError : if there are damaged files.
        """
        if self.damaged:
            raise StressError(
                f"{plural(len(self.damaged), 'file')} in {self.path} differ from their hash: "
                f"{listing(self.damaged)}. Run the same stress test again with this folder, and "
                "they are computed again."
            )


@contextmanager
def full_disk(folder: Folder | None) -> Iterator[None]:
    """Add advice to the error of a full disk; the folder stays valid."""
    try:
        yield
    except OSError as error:
        if folder is not None:
            error.add_note(
                f"The files in {folder.path} are complete. Free space and run the same stress test "
                "again with this folder: it resumes where it stopped."
            )
        raise


_TAIL = ("level", "name", "values")


def _hash(spec: Spec, run: Spec) -> str:
    """The hash of the content of a manifest."""
    return hashlib.sha256(json.dumps([spec, run]).encode()).hexdigest()


def _lines(hashes: dict[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode()


def _name(task: Task) -> str:
    lane, start, stop = task
    return f"{start:012d}-{stop:012d}.{lane:06d}.parquet"


def _table(frame: pd.DataFrame) -> Table:
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise StressError(
            f"The names of the nodes cannot be written to Parquet ({error}). Use names of one "
            "type, text or numbers."
        ) from None


def _sums_table(branches: list[Branch], levels: list[float] | None = None) -> Table:
    import pyarrow as pa

    rows: dict[str, list[Any]] = {"level": [], "number": [], "name": [], "values": []}
    for place, (level, number, sums) in enumerate(branches):
        for name, values in sums.items():
            rows["level"].append(level if levels is None else levels[place])
            rows["number"].append(number)
            rows["name"].append(name)
            rows["values"].append(np.ravel(values))
    return pa.table(rows)


def _branches(table: Table) -> list[Branch]:
    found: list[Branch] = []
    levels, numbers, names = (table[c].to_pylist() for c in ("level", "number", "name"))
    for row, (level, number, name) in enumerate(zip(levels, numbers, names, strict=True)):
        if not found or found[-1][:2] != (level, number):
            found.append((level, number, {}))
        values = table["values"][row].values.to_numpy(zero_copy_only=False)
        found[-1][2][name] = np.array(values, float)
    return found


def _wide(array: np.ndarray) -> Table:
    """(k, n) as one column of lists of length n."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(array).ravel())
    return pa.table({"values": pa.FixedSizeListArray.from_arrays(flat, array.shape[1])})


def _narrow(table: Table) -> np.ndarray:
    column = table["values"].combine_chunks()
    width = column.type.list_size
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(-1, width)
