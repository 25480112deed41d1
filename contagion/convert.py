"""Files, matrices and graphs to tables of nodes and exposures, and back."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, issparse

from . import schema
from .errors import Finding, NetworkError
from .text import closest, listing, money

if TYPE_CHECKING:
    import networkx as nx

ORIENTATIONS = ("creditor->debtor", "debtor->creditor")
CLEAR_NAMES = {
    "creditor": ("lender", "creditor_id", "lender_id", "claimant"),
    "debtor": ("borrower", "debtor_id", "borrower_id", "obligor"),
    "amount": ("exposure", "value", "weight", "notional", "face_value"),
}
DIRECTED = (("source", "target"), ("from", "to"), ("src", "dst"), ("u", "v"), ("i", "j"))
IDS = ("node", "creditor", "debtor", "name", "group")


def to_pandas(table: Any) -> pd.DataFrame:
    """A DataFrame from pandas, from anything narwhals reads, or from a mapping of columns."""
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, Mapping) or isinstance(table, list):
        return pd.DataFrame(table)
    import narwhals as nw

    frame = nw.from_native(table)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return frame.to_pandas()


def node_table(nodes: Any, claims: pd.DataFrame) -> pd.DataFrame:
    """The node table; where there is none, the names that the exposures mention, in order."""
    if nodes is None:
        labels = pd.unique(pd.concat([claims["creditor"], claims["debtor"]], ignore_index=True))
        return pd.DataFrame({"node": pd.Index(labels).dropna().sort_values()})
    table = to_pandas(nodes)
    if "node" not in table and table.index.name == "node":
        table = table.reset_index()
    return table


def oriented(
    table: pd.DataFrame,
    orientation: str | None,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Name the two sides of an edge list creditor and debtor, or say that it cannot be told (C001)."""
    _known_orientation(orientation)
    if columns:
        absent = [name for name in columns if name not in table]
        if absent:
            raise NetworkError(
                f"columns={{…}} names {listing(absent)}; the table has {listing(table.columns, 9)}."
            )
        table = table.rename(columns=dict(columns))
    lower = {str(name).strip().casefold(): name for name in table.columns}
    renamed = {}
    for ours, theirs in CLEAR_NAMES.items():
        if ours in table:
            continue
        found = [lower[name] for name in (ours, *theirs) if name in lower]
        if found:
            renamed[found[0]] = ours
    table = table.rename(columns=renamed)
    if {"creditor", "debtor"} <= set(table.columns):
        return table
    pair = next(((lower[a], lower[b]) for a, b in DIRECTED if a in lower and b in lower), None)
    if pair is None and len(table.columns) in (2, 3) and "amount" in table:
        pair = tuple(table.columns[:2])  # type: ignore[assignment]
    if pair is None:
        return table
    if orientation is None:
        raise NetworkError([_orientation_unknown(table, pair)])
    sides = ("creditor", "debtor") if orientation == ORIENTATIONS[0] else ("debtor", "creditor")
    return table.rename(columns=dict(zip(pair, sides, strict=True)))


def _known_orientation(orientation: str | None) -> None:
    if orientation is not None and orientation not in ORIENTATIONS:
        raise ValueError(f"orientation={orientation!r}: choose one of {listing(ORIENTATIONS)}.")


def _orientation_unknown(table: pd.DataFrame, pair: tuple[Any, Any]) -> Finding:
    example = ""
    if "amount" in table:
        amount = pd.to_numeric(table["amount"], errors="coerce")
        out = amount.groupby(table[pair[0]]).sum()
        into = amount.groupby(table[pair[1]]).sum()
        net = out.subtract(into, fill_value=0.0)
        if len(net):
            name = net.abs().idxmax()
            side, other = ("lender", "borrower") if net[name] > 0 else ("borrower", "lender")
            example = (
                f" (With the first, {name} is a net {side} of {money(abs(net[name]))}; with "
                f"the second a net {other}.)"
            )
    return Finding(
        "C001",
        "error",
        "orientation",
        f"cannot tell who owes whom: columns {str(pair[0])!r}, {str(pair[1])!r}.{example}",
        'orientation="creditor->debtor" or "debtor->creditor".',
        len(table),
    )


def from_matrix(
    matrix: Any,
    names: Any,
    orientation: str,
    totals: str = "error",
) -> tuple[pd.DataFrame, list[Any]]:
    """Exposures and labels of a square matrix; C009 where labels or totals do not fit."""
    if orientation is None:
        raise NetworkError(
            [
                Finding(
                    "C001",
                    "error",
                    "orientation",
                    "cannot tell who owes whom in a matrix.",
                    'orientation="creditor->debtor" (rows hold claims) or "debtor->creditor".',
                )
            ]
        )
    _known_orientation(orientation)
    if isinstance(matrix, pd.DataFrame):
        matrix, labels = _labelled(matrix, totals)
        labels = labels if names is None else list(names)
    else:
        labels = None if names is None else list(names)
    if not issparse(matrix):
        matrix = np.asarray(matrix, float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise _labels(
            f"the matrix is {' × '.join(map(str, matrix.shape))}, not square.",
            'leave out label columns (index_col=0) and totals (totals="drop").',
        )
    if labels is None:
        raise _labels(
            f"the {matrix.shape[0]} × {matrix.shape[1]} array has no labels.",
            "names=[…], one a row, in the order of the rows.",
        )
    if len(labels) != matrix.shape[0]:
        raise _labels(f"{len(labels)} names for {matrix.shape[0]} rows.", "one name a row.")
    cells = coo_array(matrix)
    keep = cells.data != 0
    row, column = (np.asarray(side)[keep] for side in cells.coords)
    sides = (row, column) if orientation == ORIENTATIONS[0] else (column, row)
    index = pd.Index(labels)
    return pd.DataFrame(
        {"creditor": index[sides[0]], "debtor": index[sides[1]], "amount": cells.data[keep]}
    ), labels


def _labels(message: str, fix: str) -> NetworkError:
    return NetworkError([Finding("C009", "error", "matrix labels", message, fix)])


def _labelled(frame: pd.DataFrame, totals: str) -> tuple[np.ndarray, list[Any]]:
    """Numbers and labels of a labelled matrix; totals are found by arithmetic."""
    if isinstance(frame.index, pd.RangeIndex) and len(frame.columns):
        first = frame.columns[0]
        if not pd.api.types.is_numeric_dtype(frame[first]):
            frame = frame.set_index(first)
    values = (
        frame.map(_number).to_numpy(float)
        if not all(map(pd.api.types.is_numeric_dtype, frame.dtypes))
        else frame.to_numpy(float)
    )
    rows, columns = list(map(str, frame.index)), list(map(str, frame.columns))
    sums_row = len(values) > 2 and np.allclose(values[-1, : values.shape[1]], values[:-1].sum(0))
    sums_column = values.shape[1] > 2 and np.allclose(values[:, -1], values[:, :-1].sum(1))
    if (sums_row or sums_column) and np.any(values):
        what = " and ".join(
            filter(
                None,
                [
                    f"row {len(values)} ({rows[-1]!r}) equals the column sums" if sums_row else "",
                    f"column {values.shape[1]} ({columns[-1]!r}) equals the row sums"
                    if sums_column
                    else "",
                ],
            )
        )
        if totals != "drop":
            raise _labels(f"the matrix is {len(rows)} × {len(columns)}: {what}.", 'totals="drop".')
        values = values[: len(rows) - sums_row, : len(columns) - sums_column]
        rows, columns = rows[: values.shape[0]], columns[: values.shape[1]]
    if len(rows) != len(columns) or set(rows) != set(columns):
        only = [name for name in rows + columns if (name in rows) != (name in columns)]
        raise _labels(
            f"the matrix is {len(rows)} × {len(columns)} and its row and column labels differ: "
            f"{listing(only)}.",
            'the same labels on both sides; index_col=0; totals="drop".',
        )
    order = [columns.index(name) for name in rows]
    return values[:, order], rows


def _number(cell: Any) -> float:
    """A cell as a number: '-' and empty are 0 in a matrix, ',' may be the decimal sign."""
    if isinstance(cell, str):
        text = cell.strip().replace("\u00a0", "")
        if text in ("", "-", "–", "."):
            return 0.0
        if "," in text and "." not in text and len(text.rsplit(",", 1)[1]) != 3:
            text = text.replace(",", ".")
        try:
            return float(text.replace(",", ""))
        except ValueError:
            raise _labels(
                f"the cell {cell!r} is not a number (formulas and text are never evaluated).",
                "put the number there.",
            ) from None
    return 0.0 if pd.isna(cell) else float(cell)


def aligned(values: Any, labels: list[Any], what: str) -> Any:
    """One value a label, from a mapping, a Series or a sequence."""
    if isinstance(values, Mapping) or isinstance(values, pd.Series):
        series = pd.Series(dict(values))
        extra = [name for name in series.index if name not in set(labels)]
        if extra:
            raise NetworkError(f"{what} names {listing(extra)}, which the matrix does not have.")
        return series.reindex(labels).to_numpy()
    if np.ndim(values) == 0:
        return [values] * len(labels)
    if len(values) != len(labels):
        raise NetworkError(f"{what} has {len(values)} entries for {len(labels)} nodes.")
    return list(values)


def from_networkx(
    graph: nx.Graph,
    orientation: str | None,
    amount: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Node and exposure tables of a networkx graph, and the settings it carries."""
    if not graph.is_directed():
        raise NetworkError(
            "The graph is undirected: an exposure needs a creditor and a debtor. Use a DiGraph."
        )
    nodes = pd.DataFrame([{"node": node, **data} for node, data in graph.nodes(data=True)])
    edges = pd.DataFrame(
        [{"source": a, "target": b, **data} for a, b, data in graph.edges(data=True)],
        columns=None if graph.number_of_edges() else ["source", "target", "amount"],
    )
    key = amount or ("amount" if "amount" in edges else "weight")
    if key not in edges:
        raise NetworkError(
            f"The edges have no attribute {key!r}; they have "
            f"{listing([c for c in edges if c not in ('source', 'target')], 9)}. "
            'Say amount="…".'
        )
    edges = edges.rename(columns={key: "amount"})
    settings = {k: v for k, v in graph.graph.items() if k in ("unit", "name", "external_creditors")}
    edges = oriented(edges, orientation or graph.graph.get("orientation"))
    return nodes, edges, settings


def to_networkx(
    nodes: pd.DataFrame,
    exposures: pd.DataFrame,
    orientation: str,
    settings: dict[str, Any],
) -> nx.MultiDiGraph:
    """A MultiDiGraph with every column as an attribute; unknown values are left out."""
    import networkx as nx

    _known_orientation(orientation)
    graph = nx.MultiDiGraph(orientation=orientation, **settings)
    for row in nodes.to_dict("records"):
        graph.add_node(row["node"], **{k: v for k, v in row.items() if k != "node" and pd.notna(v)})
    first, second = orientation.split("->")
    for row in exposures.to_dict("records"):
        data = {k: v for k, v in row.items() if k not in ("creditor", "debtor") and pd.notna(v)}
        graph.add_edge(row[first], row[second], **data)
    return graph


def read_tables(
    path: str | PathLike[str],
    options: dict[str, Any],
) -> tuple[pd.DataFrame | None, pd.DataFrame, dict[str, Any]]:
    """Nodes, exposures and settings of a file or folder; options of the caller win."""
    place = Path(path)
    if not place.exists():
        beside = [p.name for p in place.parent.iterdir()] if place.parent.is_dir() else []
        match = closest(place.name, beside)
        raise FileNotFoundError(
            f"There is no {str(place)!r}." + (f" Did you mean {match!r}?" if match else "")
        )
    settings: dict[str, Any] = {}
    if place.is_dir():
        nodes, exposures, settings = _read_folder(place)
    elif place.suffix in (".graphml", ".gexf"):
        import networkx as nx

        graph = nx.read_graphml(place) if place.suffix == ".graphml" else nx.read_gexf(place)
        options = dict(options)
        return _layered(
            *from_networkx(graph, options.pop("orientation", None), options.pop("amount", None)),
            options,
        )
    else:
        nodes, exposures = None, read_table(place, options.get("sheet"))
    options = {k: v for k, v in options.items() if k != "sheet"}
    settings = {"origin": place.name if place.is_file() else "exposures.csv", **settings, **options}
    given = settings.pop("nodes", None)
    if given is not None:
        nodes = read_table(Path(given)) if isinstance(given, (str, PathLike)) else to_pandas(given)
    orientation, columns = settings.pop("orientation", None), settings.pop("columns", None)
    totals = settings.pop("totals", "error")
    if columns is None and _is_matrix(exposures):
        exposures, labels = from_matrix(exposures, None, orientation, totals)
        nodes = pd.DataFrame({"node": labels}) if nodes is None else nodes
        settings["origin"] = ""
    else:
        exposures = oriented(exposures, orientation, columns)
    return _layered(nodes, exposures, settings, {})


def read_table(path: Path, sheet: str | int | None = None) -> pd.DataFrame:
    """One table from CSV, Parquet or Excel; ids stay text, so that '007' is not 7."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix in (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"):
        try:
            import python_calamine  # noqa: F401
        except ImportError:
            raise ImportError(
                'Reading Excel needs an extra: pip install "contagion-risk[excel]".'
            ) from None
        frame = pd.read_excel(path, sheet_name=sheet or 0, engine="calamine")
        return _ids_as_text(frame)
    if path.suffix not in (".csv", ".tsv", ".txt"):
        raise NetworkError(
            f"{path.name}: formats read are .csv, .parquet, .xlsx, .graphml, .gexf and folders."
        )
    ids = dict.fromkeys(
        (
            *IDS,
            *(n for pair in DIRECTED for n in pair),
            *CLEAR_NAMES["creditor"],
            *CLEAR_NAMES["debtor"],
            "layer",
            "as_of",
        ),
        "str",
    )
    with path.open(encoding="utf-8-sig") as file:
        head = file.readline()
    mark = max(",;\t", key=head.count)
    return pd.read_csv(path, sep=mark, dtype=ids, encoding="utf-8-sig")


def _ids_as_text(frame: pd.DataFrame) -> pd.DataFrame:
    ids = {c: frame[c].astype("str") for c in frame.columns if str(c).casefold() in IDS}
    return frame.assign(**ids)


def _is_matrix(table: pd.DataFrame) -> bool:
    """A labelled matrix: a first column of labels that come back among the other columns."""
    if len(table.columns) < 3 or {"creditor", "debtor"} & set(map(str, table.columns)):
        return False
    labels = set(map(str, table.iloc[:, 0]))
    others = set(map(str, table.columns[1:]))
    return len(labels & others) >= 2 and len(labels & others) >= len(others) / 2


def _read_folder(place: Path) -> tuple[pd.DataFrame | None, pd.DataFrame, dict[str, Any]]:
    def one(stem: str) -> pd.DataFrame | None:
        for suffix in (".csv", ".parquet"):
            if (place / f"{stem}{suffix}").exists():
                return read_table(place / f"{stem}{suffix}")
        return None

    exposures = one("exposures")
    if exposures is None:
        raise NetworkError(f"The folder {str(place)!r} has no exposures.csv or exposures.parquet.")
    settings: dict[str, Any] = {}
    card = place / "dataset.toml"
    if card.exists():
        data = tomllib.loads(card.read_text(encoding="utf-8"))
        settings = {
            "unit": data.get("unit", ""),
            "name": data.get("title", ""),
            **data.get("network", {}),
        }
        if "assume_equity" in data:
            settings["assume_equity"] = data["assume_equity"]
    holdings = one("holdings")
    if holdings is not None:
        settings["holdings"] = holdings
    return one("nodes"), exposures, settings


def _layered(
    nodes: pd.DataFrame | None,
    exposures: pd.DataFrame,
    settings: dict[str, Any],
    options: dict[str, Any],
) -> tuple[pd.DataFrame | None, pd.DataFrame, dict[str, Any]]:
    """Keep one layer: its exposures, and node rows of the layer before those of all layers."""
    settings = {**settings, **options}
    layer = settings.pop("layer", None)
    if layer is not None:
        known = exposures["layer"].dropna().unique() if "layer" in exposures else []
        if layer not in known:
            raise NetworkError(
                f"There is no layer {layer!r}; the exposures have {listing(known, 9)}."
            )
        exposures = exposures[exposures["layer"] == layer]
    if nodes is not None and "layer" in nodes:
        mine = nodes["layer"].isna() | (nodes["layer"] == layer)
        ordered = nodes[mine].assign(_own=nodes["layer"].notna()).sort_values("_own", kind="stable")
        nodes = (
            ordered.drop_duplicates("node", keep="last")
            .sort_index()
            .drop(columns=["layer", "_own"])
        )
        nodes = nodes.reset_index(drop=True)
        if layer is not None:
            touched = set(exposures["creditor"]) | set(exposures["debtor"])
            nodes = nodes[nodes["node"].isin(touched)].reset_index(drop=True)
    if nodes is not None and settings.get("assume_equity"):
        here = set(nodes["node"])
        settings["assume_equity"] = {
            k: v for k, v in settings["assume_equity"].items() if k in here
        }
    return nodes, exposures, settings


def schema_text() -> str:
    """Both tables of the schema as text."""
    return "\n".join(f"{name}\n{schema.document(name)}" for name in ("nodes", "exposures"))  # type: ignore[arg-type]
