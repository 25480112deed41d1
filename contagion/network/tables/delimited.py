"""Text files: encoding, separator, comment and title lines, header; every cell stays text."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter

import numpy as np
import pandas as pd

from ...errors import ArgumentError, NetworkError
from ...text import listing, plural
from . import headers
from .grids import Source, cleaned, wanted
from .reading import Reading

MARKS = (",", ";", "\t", "|")
SAID = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "|"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HEAD = 1 << 16


def read(data: bytes, name: str, how: Reading) -> Source:
    """The table of a text file.

    Raises
    ------
    NetworkError : if rows are longer or shorter than the header, with the file and the line.
    """
    notes: list[str] = []
    how.use("encoding", "separator", "header")
    body = _utf8(data, name, how, notes)
    if not body or body.isspace():
        raise NetworkError(f"{name} is empty: a header line is needed.")
    body = _lines(body)
    mark, skip = _separator(body, name, how, notes)
    rows = _sample(body, mark, skip)
    at, width = _header(rows, how, name)
    return _table(body, mark, skip, rows, at, width, name, how, notes)


def _utf8(data: bytes, name: str, how: Reading, notes: list[str]) -> bytes:
    """The text in UTF-8; the original encoding is detected and reported."""
    found = next((word for mark, word in BOMS if data.startswith(mark)), "")
    given = how.encoding
    if not given and not found:
        zeros = data[:HEAD].count(0)
        found = "utf-8"
        if zeros > len(data[:HEAD]) / 4:
            found = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    word = given or found
    try:
        codecs.lookup(word)
    except LookupError:
        raise ArgumentError(
            f"encoding={word!r} is not known. There are utf-8, cp1252, utf-16."
        ) from None
    plain = codecs.lookup(word).name in ("utf-8", "utf-8-sig", "ascii")
    try:
        if plain:
            body = data.removeprefix(codecs.BOM_UTF8)
            body.isascii() or body.decode("utf-8")
        else:
            body = data.decode(word).removeprefix("\ufeff").encode("utf-8")
    except UnicodeError as error:
        if given or found != "utf-8":
            start = getattr(error, "start", 0)
            raise NetworkError(
                f"{name} is not text in {word} (byte {start}). Say which encoding it has, e.g. "
                'encoding="utf-8" or encoding="cp1252" (Excel in Western Europe).'
            ) from None
        try:
            body, word = data.decode("cp1252").encode("utf-8"), "cp1252"
        except UnicodeError:
            raise NetworkError(
                f"{name} is not UTF-8 (byte {getattr(error, 'start', 0)}). Say which encoding it "
                'has, e.g. encoding="cp1250" or encoding="mac-roman".'
            ) from None
        notes.append('it is not UTF-8 and was read as cp1252: encoding="…" says another')
    if 0 in body[:HEAD]:
        raise NetworkError(f"{name} is not a text file.")
    if word.startswith(("utf-16", "utf-32")) and not given:
        notes.append(f"encoding {word}")
    return body


def _lines(body: bytes) -> bytes:
    """Accept the line ends of old Macs (a single carriage return)."""
    return body.replace(b"\r", b"\n") if b"\n" not in body and b"\r" in body else body


def _separator(body: bytes, name: str, how: Reading, notes: list[str]) -> tuple[str, int]:
    """The separator, and the number of lines to skip at the beginning (`sep=;`)."""
    first = body[:40].split(b"\n")[0].strip().strip(b'"').decode("utf-8", "replace")
    skip = 0
    mark = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(
        str(how.separator), how.separator
    )
    if first.casefold().startswith("sep=") and len(first) == 5:
        skip = 1
        mark = mark or first[4]
        notes.append(f"the first line says that {SAID.get(mark, mark)} separates")
    if mark is not None:
        if len(mark) != 1 or mark in '"\n\r':
            raise ArgumentError(f"separator={how.separator!r}: give one sign, such as ';'.")
        return mark, skip
    scores = {}
    for one in MARKS:
        rows = [row for _, row in _sample(body, one, 0) if any(row)]
        counts = Counter(len(row) for row in rows if len(row) > 1)
        width, share = counts.most_common(1)[0] if counts else (1, 0)
        known = max(map(headers.hits, rows[: headers.LOOK]), default=0)
        scores[one] = (known >= 2, share / max(len(rows), 1), known, width)
    best = max(MARKS, key=lambda one: scores[one])
    if scores[best][3] > 1 and best != ",":
        notes.append(f"separator {SAID[best]}")
    return best, skip


def _sample(body: bytes, mark: str, skip: int) -> list[tuple[int, list[str]]]:
    """The first rows with the number of the line on which each begins."""
    text = body[:HEAD].decode("utf-8", "ignore")
    if len(body) > HEAD:
        text = text[: text.rfind("\n") + 1] or text
    return _rows(text, mark, skip)


def _rows(text: str, mark: str, skip: int = 0) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=mark != " ")
    found, line = [], 1
    try:
        for row in reader:
            if line > skip:
                found.append((line, row))
            line = reader.line_num + 1
    except csv.Error:
        pass  # reported when the whole file is read
    return found


def _comment(row: list[str]) -> bool:
    return bool(row) and row[0].startswith("#")


def _header(rows: list[tuple[int, list[str]]], how: Reading, name: str) -> tuple[int, int]:
    """Line of the header (0: none) and number of columns."""
    plain = [(line, row) for line, row in rows if any(row) and not _comment(row)]
    if not plain:
        if rows and how.comments == "keep":
            plain = [(line, row) for line, row in rows if any(row)]
        else:
            raise NetworkError(f"{name} has no rows: a header line is needed.")
    if how.header is not None:
        word = str(how.header).strip().casefold()
        if word == "none":
            return 0, Counter(len(row) for _, row in plain).most_common(1)[0][0]
        lines = dict(rows)
        if not word.isdecimal() or int(word) not in lines or not any(lines[int(word)]):
            raise ArgumentError(
                f"header={how.header!r}: give the number of a line of {name} with the names, or "
                '"none".'
            )
        return int(word), len(lines[int(word)])
    found = headers.find([row for _, row in plain], wanted(how))
    if found.at < 0:
        return 0, found.width
    line, row = plain[found.at]
    return line, len(row)


def _table(
    body: bytes,
    mark: str,
    skip: int,
    rows: list[tuple[int, list[str]]],
    header: int,
    width: int,
    name: str,
    how: Reading,
    notes: list[str],
) -> Source:
    lines = dict(rows)
    if header:
        names = [cell.strip() for cell in lines[header]]
        before = [line for line, row in rows if line < header and any(row) and not _comment(row)]
        if before:
            notes.append(f"header in line {header}, {plural(len(before), 'title line')} above it")
        hashed = [line for line, row in rows if line < header and _comment(row)]
        if hashed:
            how.use("comments")
            notes.append(f"{plural(len(hashed), 'comment line')} left out")
        follow = [line for line, _ in rows if line > header]
        start = follow[0] if follow else header + 1
    else:
        names = [str(k + 1) for k in range(width)]
        start = next((line for line, row in rows if any(row) and not _comment(row)), 1)
        notes.append("there is no header: the first line holds data")
    at = _after(body, start - 1)
    frame = _fast(body, at, mark, names, start)
    if frame is None:
        frame = _slow(body[at:], mark, names, start, name, how, notes)
    return Source(cleaned(frame, notes), name, notes, not header)


def _after(body: bytes, lines: int) -> int:
    """The position at which the text after `lines` lines begins."""
    at = 0
    for _ in range(lines):
        at = body.find(b"\n", at) + 1
        if not at:
            return len(body)
    return at


def _pair(body: bytes, at: int, pair: bytes) -> bool:
    """Whether two bytes occur in sequence from a position on; several times faster than `in`."""
    sought = np.frombuffer(pair, np.uint16)[0]
    for start in (at, at + 1):
        count = (len(body) - start) // 2
        if count > 0 and (np.frombuffer(body, np.uint16, count, start) == sought).any():
            return True
    return False


def _fast(body: bytes, at: int, mark: str, names: list[str], start: int) -> pd.DataFrame | None:
    """All cells from a position on as text in one pass; None if a row needs the slow method."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    sign, end = mark.encode(), len(body)
    while end > at and body[end - 1] in b"\r\n":
        end -= 1
    if len(sign) != 1 or end == at or body[at] in b" #":
        return None
    quoted = body.find(b'"', at) >= 0
    pairs = [sign + b" ", b"\n ", *([b'" '] if quoted else [])]
    if body.find(b" ", at) >= 0 and any(_pair(body, at, pair) for pair in pairs):
        return None
    if body.find(b"#", at) >= 0 and _pair(body, at, b"\n#"):
        return None
    labels = [str(k) for k in range(len(names))]
    text = pa.string() if end - at < 2**31 - 1 else pa.large_string()
    try:
        table = arrow.read_csv(
            pa.BufferReader(pa.py_buffer(body).slice(at, end - at)),
            arrow.ReadOptions(column_names=labels, block_size=1 << 20),
            arrow.ParseOptions(delimiter=mark, newlines_in_values=quoted),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(labels, text),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != body.count(b"\n", at, end) + 1:
        return None
    frame: pd.DataFrame = table.to_pandas()
    frame.columns = pd.Index(names, dtype=object)
    first = start - 2  # labels: the line of the row, less 2
    frame.index = pd.RangeIndex(first, first + len(frame))
    return frame


def _slow(
    body: bytes, mark: str, names: list[str], start: int, name: str, how: Reading, notes: list[str]
) -> pd.DataFrame:
    """Read row by row with line numbers: for blank lines, comments and quoted line breaks."""
    reader = csv.reader(
        io.StringIO(body.decode("utf-8"), newline=""),
        delimiter=mark,
        skipinitialspace=True,
        strict=True,
    )
    rows: list[list[str]] = []
    lines: list[int] = []
    line = start
    try:
        for row in reader:
            if any(row):
                rows.append(row)
                lines.append(line)
            line = start + reader.line_num
    except csv.Error as error:
        raise NetworkError(f"{name} is not a table: line {line}: {error}.") from None
    rows, lines = _without_comments(rows, lines, len(names), name, how, notes)
    for row in reversed(rows):  # notes below are left out with the others
        if len(row) >= len(names) or not headers.is_foot(row):
            break
        row += [""] * (len(names) - len(row))
    names = _fitted(rows, lines, names, name, notes)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    cells = {k: pd.array(column, dtype="str") for k, column in enumerate(columns)}
    frame = pd.DataFrame(cells, index=np.array(lines, np.int64) - 2)
    frame = frame.mask(frame == "") if rows else frame.astype("str")
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _without_comments(
    rows: list[list[str]], lines: list[int], width: int, name: str, how: Reading, notes: list[str]
) -> tuple[list[list[str]], list[int]]:
    marked = [k for k, row in enumerate(rows) if _comment(row)]
    if not marked:
        return rows, lines
    how.use("comments")
    if how.comments == "keep":
        return rows, lines
    doubt = [k for k in marked if len(rows[k]) == width and not rows[k][0].startswith("# ")]
    if doubt and how.comments != "drop":
        raise NetworkError(
            f"{name} line {lines[doubt[0]]} begins with # and has as many cells as the header. "
            'comments="drop" leaves such lines out, comments="keep" says that they are data.'
        )
    gone = set(marked)
    notes.append(f"{plural(len(gone), 'comment line')} left out")
    kept = [k for k in range(len(rows)) if k not in gone]
    return [rows[k] for k in kept], [lines[k] for k in kept]


def _fitted(
    rows: list[list[str]], lines: list[int], names: list[str], name: str, notes: list[str]
) -> list[str]:
    """Make rows as long as the header; empty cells at the end of all rows are dropped and noted."""
    width = len(names)
    longer = [row for row in rows if len(row) > width]
    if rows and len(longer) == len(rows) and not any(any(row[width:]) for row in rows):
        for row in rows:
            del row[width:]
        notes.append("an empty column at the end of every row was dropped")
    blank = [k for k in range(width) if not names[k]]
    if rows and blank == [width - 1] and all(len(row) == width - 1 for row in rows):
        names = names[:-1]
        notes.append("an empty heading at the end was dropped")
    wrong = [k for k, row in enumerate(rows) if len(row) != len(names)]
    if wrong:
        more = f" and {len(wrong) - 3:,} more" if len(wrong) > 3 else ""
        which = ", ".join(str(lines[k]) for k in wrong[:3])
        first = rows[wrong[0]]
        raise NetworkError(
            f"{name} line{'s' if len(wrong) > 1 else ''} {which}{more}: the header has "
            f"{plural(len(names), 'cell')} ({listing(names, 4)}), line {lines[wrong[0]]}, "
            f"saw {len(first)} ({listing(first, 6)}). A cell with a separator in it needs quotes; "
            'separator="…" says another separator, header="…" another header line.'
        )
    return names
