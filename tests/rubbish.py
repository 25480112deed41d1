"""Files that are no tables: what each suffix may hold when it is broken, by name."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import xlsxwriter

RANDOM = np.random.default_rng(15).bytes(2000)
ROWS = {"creditor": ["a", "b"], "debtor": ["b", "c"], "amount": [1.0, 2.0]}
TABLE = pd.DataFrame(ROWS)
CSV = TABLE.to_csv(index=False).encode()
NESTED = b'[{"creditor": {"x": [1]}, "debtor": [[]], "amount": {"y": 1}}]'
LONG = b"creditor,debtor,amount\n" + b"a,b," + b"9" * 5000 + b"\n"


def _parquet(table: pd.DataFrame) -> bytes:
    body = io.BytesIO()
    table.to_parquet(body)
    return body.getvalue()


def _workbook(**sheets: list[list[object]]) -> bytes:
    body = io.BytesIO()
    book = xlsxwriter.Workbook(body)
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for k, row in enumerate(rows):
            sheet.write_row(k, 0, row)
    book.close()
    return body.getvalue()


def _zipped(**files: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return body.getvalue()


def _graph(suffix: str) -> bytes:
    graph, body = nx.DiGraph(), io.BytesIO()
    graph.add_edge("a", "b", weight=1.0)
    (nx.write_graphml if suffix == ".graphml" else nx.write_gexf)(graph, body)
    return body.getvalue()


def contents() -> dict[str, bytes]:
    """{"suffix kind": content} of files that are never a table of exposures."""
    xml = b'<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    whole = {
        ".csv": CSV, ".csv.gz": gzip.compress(CSV),
        ".json": TABLE.to_json(orient="records").encode(),
        ".parquet": _parquet(TABLE), ".graphml": _graph(".graphml"), ".gexf": _graph(".gexf"),
        ".xlsx": _workbook(exposures=[["creditor", "debtor", "amount"], ["a", "b", 1]]),
    }  # fmt: skip
    found = {
        ".csv a": b"a\n", ".csv a number too long": LONG, ".csv a workbook": whole[".xlsx"],
        ".csv names only": b"creditor,debtor,amount\n",
        ".csv one quote": b'creditor,"debtor\na,b\n',
        ".csv words for amounts": b"creditor,debtor,amount\na,b,lots\n", ".csv zeros": bytes(500),
        ".csv wide": b"," * 70_000 + b"\n", ".csv html": b"<!DOCTYPE html><html><body>404</body>",
        ".csv a pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
        ".json null": b"null", ".json a number": b"12", ".json numbers": b"[1, 2, [3]]",
        ".json nested": NESTED, ".json unequal": b'{"creditor": ["a"], "debtor": ["b", "c"]}',
        ".json deep": b"[" * 50_000, ".json not a number": b"NaN", ".json no rows": b"[]",
        ".json an answer": b'{"error": "rate limit"}',
        ".json latin": '[{"é": 1}]'.encode("latin-1"),
        ".jsonl half": b'{"creditor": "a"}\n{"cred', ".jsonl lists": b"[1]\n[2]\n",
        ".parquet no rows": _parquet(TABLE.iloc[:0]), ".parquet a csv": CSV,
        ".parquet no columns": _parquet(pd.DataFrame()),
        ".parquet lists": _parquet(TABLE.assign(amount=[[1], [2]], creditor=[{"x": 1}, {"x": 2}])),
        ".xlsx a csv": CSV, ".xlsx a zip": _zipped(x=b"1"), ".xlsx empty": _workbook(a=[]),
        ".xlsx empty sheets": _workbook(a=[], b=[]), ".xlsx a word": _workbook(a=[["x"]]),
        ".xls an xlsx cut": whole[".xlsx"][:500], ".ods a csv": CSV,
        ".graphml a csv": CSV, ".graphml xml": b"<a/>", ".graphml no graph": xml + b"</graphml>",
        ".graphml no nodes": xml + b'<graph edgedefault="directed"/></graphml>',
        ".graphml no amounts": xml + b'<graph edgedefault="directed"><node id="a"/><node id="b"/>'
        b'<edge source="a" target="b"/></graph></graphml>',
        ".graphml a bad key": xml + b'<graph edgedefault="directed"><edge source="a" target="b">'
        b'<data key="d9">1</data></edge></graph></graphml>',
        ".graphml a bad type": xml + b'<key id="d0" for="edge" attr.name="weight" attr.type="cow"/>'
        b'<graph edgedefault="directed"><edge source="a" target="b"><data key="d0">1</data></edge>'
        b"</graph></graphml>",
        ".graphml a word": xml + b'<key id="d0" for="edge" attr.name="weight" attr.type="double"/>'
        b'<graph edgedefault="directed"><edge source="a" target="b"><data key="d0">x</data></edge>'
        b"</graph></graphml>",
        ".gexf xml": b"<a/>", ".gexf a graphml": whole[".graphml"],
        ".gexf no graph": b'<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2"></gexf>',
        ".csv.gz a csv": CSV, ".csv.gz a zip": _zipped(x=CSV), ".gz of nothing": gzip.compress(b""),
        ".json.gz a csv": gzip.compress(CSV),
        ".parquet.gz packed": gzip.compress(whole[".parquet"]),
        ".csv.gz twice": gzip.compress(gzip.compress(CSV)), ".zip two": _zipped(a=CSV, b=CSV),
        ".zip a csv": _zipped(x=CSV), ".toml a csv": CSV,
    }  # fmt: skip
    for suffix, data in whole.items():
        found[f"{suffix} cut"] = data[: len(data) // 2] if suffix != ".csv" else data[:26]
    for suffix in (*whole, ".tsv", ".txt", ".jsonl", ".xls", ".ods", ".pq", ".gz", ".zip", ".toml"):
        found[f"{suffix} nothing"] = b""
        found[f"{suffix} random"] = RANDOM
    for suffix in (
        ".xz",
        ".bz2",
        ".zst",
        ".7z",
        ".feather",
        ".arrow",
        ".pdf",
        ".dta",
        ".rda",
        ".pkl",
        "",
    ):
        found[f"{suffix} foreign"] = RANDOM
    return found


def put(folder: Path, name: str, data: bytes) -> Path:
    """The file, called rubbish with the suffix of its name."""
    file = folder / f"rubbish{name.split(' ')[0]}"
    file.write_bytes(data)
    return file


def texts(stem: str = "rubbish") -> dict[str, str]:
    """TOML that is no study, rule, card or set of scenarios."""
    return {
        "no TOML": "a = = 1", "nothing": "", "a list": "x = [1, 2]", "another type": "kind = 3",
        "names": "network = 3\nshock = 4\nkind = [1]\nrule = 2\n", "deep": "a = " + "[" * 5000,
        "tables": "[network]\nsource = 3\n[scenarios]\nkind = {}\n[rule]\nrule = []\n",
        "a date": "kind = 2020-01-01\nrule = 2020-01-01\n[network]\nsource = 2020-01-01\n",
        "json": json.dumps({"a": 1}),
    }  # fmt: skip
