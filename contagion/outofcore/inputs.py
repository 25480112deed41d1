"""The tables of a network on disk: read, checked and numbered, without holding them in memory.

The rules are those of `ExposureNetwork`: nothing is guessed, every problem is counted and shown
with examples, and all problems of a table are reported together. Options: `duplicates="sum"` adds
rows of the same creditor and debtor, `self_loops="drop"` drops claims of a node on itself.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, Finding, MissingFileError, NetworkError
from ..text import listing, plural
from .disk import Disk, damaged, digest, exponent, naming, quoted

NETWORK, EXPOSURES, NODES = "network", "exposures.parquet", "nodes.parquet"
SIDES = ("external_assets", "external_liabilities", "total_assets", "total_liabilities", "equity")
# Columns that change payments and are supported only by networks in memory.
ELSEWHERE = {
    "exposures": ("tier", "rank", "exit", "weight", "collateral", "netting_set", "period", "asset",
                  "currency", "decimals", "unit_mult"),
    "nodes": ("external_tier", "rule", "period", "interbank_assets", "interbank_liabilities"),
}  # fmt: skip
ROUNDING = 1e-9  # tolerance, relative to the balance sheet
NUMBERS = ("INT", "DOUBLE", "FLOAT", "REAL", "DECIMAL")
ENDINGS = (".parquet", ".pq")


def parquet(place: str | PathLike[str], what: str) -> list[Path]:
    """The files of a table: one, or all of a folder in the order of their names."""
    path = Path(place)
    if not path.exists():
        raise MissingFileError(f"{what}: there is no file or folder {str(place)!r}.")
    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    if not files or files[0].suffix.lower() not in ENDINGS:
        raise ArgumentError(
            f"{what}={str(place)!r} is no Parquet file and no folder of them. DuckDB writes one: "
            f"duckdb.sql(\"copy (from 'table.csv') to '{what}.parquet'\")."
        )
    return files


def prepared(
    disk: Disk, exposures: list[Path], nodes: list[Path], duplicates: str, self_loops: str
) -> None:
    """Write nodes.parquet and exposures.parquet, with numbered nodes, or reuse existing files.

    nodes: id, node, claims, debts, external_assets, external_liabilities, equity, can_fail,
    only_equity. exposures: debtor, creditor (ids), amount, one row per pair, in that order.
    """
    sources = {
        "exposures": [[each.name, digest(each)] for each in exposures],
        "nodes": [[each.name, digest(each)] for each in nodes],
    }
    disk.begin(sources | {"options": {"duplicates": duplicates, "self_loops": self_loops}})
    if "exponent" not in disk.state:
        with naming(nodes, NetworkError):
            _names(disk, nodes)
        with naming(exposures, NetworkError):
            _claims(disk, exposures, duplicates, self_loops)
        _books(disk)
        for name in ("names.parquet", "joined.parquet", "claims.parquet", "debts.parquet"):
            disk.drop(name)
        disk.note()
    for name in (EXPOSURES, NODES):
        if not disk.whole(name):
            raise damaged(disk.path / name)
    disk.exponent = disk.state["exponent"]


# -- the tables as they are ---------------------------------------------------------------------


def _columns(disk: Disk, files: list[Path], table: str, needed: tuple[str, ...]) -> dict[str, str]:
    """{column: type} of a table; also creates the view `given` of it."""
    listed = ", ".join(map(quoted, files))
    disk.work.execute(f"create or replace temp view given as from read_parquet([{listed}])")
    found = {row[0]: row[1] for row in disk.work.execute("describe given").fetchall()}
    if lacking := [name for name in needed if name not in found]:
        raise NetworkError(
            f"{table}: {plural(len(lacking), 'column is', 'columns are')} missing: "
            f"{listing(lacking)}; there is {listing(list(found))}."
        )
    if other := [name for name in ELSEWHERE[table] if name in found]:
        raise NetworkError(
            f"{table}: {listing(other)} changes payments, and is not supported on disk. Leave it "
            "out, or read the network with ct.read."
        )
    numbers = ("amount", *SIDES)
    text = [
        x for x in numbers if x in found and not found[x].upper().lstrip("UH").startswith(NUMBERS)
    ]
    if text:
        raise NetworkError(f"{table}: {listing(text)} is no column of numbers ({found[text[0]]}).")
    return found


def _examples(disk: Disk, query: str) -> tuple[str, ...]:
    return tuple(
        " → ".join(map(str, row)) for row in disk.work.execute(f"{query} limit 3").fetchall()
    )


def _names(disk: Disk, files: list[Path]) -> None:
    """names.parquet: the nodes as given, numbered."""
    found = _columns(disk, files, "nodes", ("node",))
    sides = [f"nullif({x}::double, 'nan'::double) as {x}" if x in found else f"null::double as {x}"
             for x in SIDES]  # fmt: skip
    fails = "coalesce(can_fail::boolean, true)" if "can_fail" in found else "true"
    disk.write(
        "names.parquet",
        f"select (row_number() over () - 1)::uinteger as id, node::varchar as node, "
        f"{', '.join(sides)}, {fails} as can_fail from given",
    )
    disk.state["nodes_given"] = sorted(set(found) & set(SIDES))
    rows, problems = disk.rows("names.parquet"), []
    blank, *infinite = disk.one(
        "select count(*) filter (node is null), "
        f"{', '.join(f'count(*) filter (isinf({x}))' for x in SIDES)} from {rows}"
    )
    if blank:
        problems.append(_finding("C004", "ids missing", f"{plural(blank, 'row')} of the node table "
                                 "without an id.", "fill in the ids.", blank))  # fmt: skip
    twice = f"select node from {rows} where node is not null group by node having count(*) > 1"
    if count := disk.one(f"select count(*) from ({twice})")[0]:
        seen = _examples(disk, twice)
        problems.append(
            _finding("C004", "ids twice", f"{plural(count, 'id occurs', 'ids occur')} more than "
                     f"once in the node table: {listing(seen)}. A node has one balance sheet.",
                     "leave one row of each.", count, seen)
        )  # fmt: skip
    for name, count in zip(SIDES, infinite, strict=True):
        if count:
            seen = _examples(disk, f"select node from {rows} where isinf({name})")
            text = f"{name} of {plural(count, 'node')} is infinite: {listing(seen)}."
            problems.append(_finding("C006", "infinite amounts", text, "correct it.", count, seen))
    if problems:
        raise NetworkError(problems)


def _claims(disk: Disk, files: list[Path], duplicates: str, self_loops: str) -> None:
    """exposures.parquet: pairs of node numbers and their amounts, in order."""
    _columns(disk, files, "exposures", ("creditor", "debtor", "amount"))
    wrong = {
        "missing": ("C006", "amounts missing", "amount is null or isnan(amount::double)",
                    "empty or NaN; unknown is not 0", "leave the rows out, or give the amounts."),
        "infinite": ("C006", "infinite amounts", "isinf(amount::double)", "infinite",
                     "correct them."),
        "negative": ("C006", "negative amounts", "amount < 0 and not isinf(amount::double)",
                     "negative", "turn creditor and debtor round, or correct them."),
        "blank": ("C004", "ids missing", "creditor is null or debtor is null",
                  "without creditor or debtor", "fill in the names."),
        "loops": ("C003", "self-loops", "creditor = debtor", "of a node on itself",
                  'self_loops="drop" leaves them out.'),
    }  # fmt: skip
    if self_loops == "drop":
        wrong.pop("loops")
    counts = ", ".join(f"count(*) filter ({test})" for _, _, test, _, _ in wrong.values())
    most = "max(amount::double) filter (isfinite(amount::double))"
    total, largest, *found = disk.one(f"select count(*), {most}, {counts} from given")
    problems = []
    for count, (code, title, test, said, fix) in zip(found, wrong.values(), strict=True):
        if count:
            seen = _examples(disk, f"select creditor, debtor from given where {test}")
            text = f"{plural(count, 'exposure')} {said}: {listing(seen)}."
            problems.append(_finding(code, title, text, fix, count, seen))
    names = disk.rows("names.parquet")
    disk.write(  # one side after the other: only one table of long names has to fit into memory
        "half.parquet",
        "select debtor::varchar as debtor, id as creditor, amount::double as amount from given "
        f"left join {names} on creditor::varchar = node",
    )
    disk.write(
        "joined.parquet",
        f"select id as debtor, creditor, amount from {disk.rows('half.parquet')} "
        f"left join {names} on debtor = node",
    )
    disk.drop("half.parquet")
    joined = disk.rows("joined.parquet")
    if disk.one(f"select count(*) from {joined} where debtor is null or creditor is null")[0]:
        sides = (
            "(select creditor::varchar as node from given union select debtor::varchar from given)"
        )
        strange = f"select node from {sides} anti join {names} using (node) where node is not null"
        if count := disk.one(f"select count(*) from ({strange})")[0]:
            seen = _examples(disk, f"{strange} order by node")
            problems.append(
                _finding("C004", "unknown ids", f"{plural(count, 'id is', 'ids are')} missing from "
                         f"nodes: {listing(seen)}.", "add them to the nodes, or correct the names.",
                         count, seen)
            )  # fmt: skip
    if problems:
        raise NetworkError(problems)
    book = ", ".join(f"coalesce(abs({x}), 0)" for x in SIDES)
    most, n = disk.one(f"select coalesce(max(greatest({book})), 0), count(*) from {names}")
    disk.exponent = exponent(max(largest or 0.0, most), 4 * (total + n))
    disk.write(
        EXPOSURES,
        f"select debtor, creditor, {disk.sum('amount')} as amount, count(*) as rows from {joined} "
        "where amount > 0 and debtor <> creditor group by all order by debtor, creditor",
    )
    if duplicates == "error":
        _duplicates(disk, names)


def _duplicates(disk: Disk, names: str) -> None:
    again = f"from {disk.rows(EXPOSURES)} where rows > 1"
    pairs, rows = disk.one(f"select count(*), coalesce(sum(rows), 0) {again}")
    if not pairs:
        return
    seen = _examples(
        disk,
        f"select c.node, d.node from (select debtor, creditor {again} limit 3) "
        f"join {names} c on creditor = c.id join {names} d on debtor = d.id",
    )
    text = (
        f"{plural(pairs, 'pair')} of creditor and debtor in more than one row "
        f"({int(rows):,} rows): {listing(seen)}."
    )
    fix = 'duplicates="sum" adds the rows of a pair.'
    raise NetworkError([_finding("C002", "duplicate pairs", text, fix, pairs, seen)])


# -- balance sheets -----------------------------------------------------------------------------


def _books(disk: Disk) -> None:
    """nodes.parquet: the balance sheet of every node, completed from the given columns."""
    claims, given = disk.rows(EXPOSURES), set(disk.state.pop("nodes_given"))
    owing = "0.0" if not given & {"external_liabilities", "total_liabilities", "equity"} else "null"
    for side, name in (("creditor", "claims"), ("debtor", "debts")):
        disk.write(  # one after the other: in one query both would have to fit into memory
            f"{name}.parquet",
            f"select {side} as id, {disk.sum('amount')} as {name} from {claims} group by 1",
        )
    disk.write(
        NODES,
        f"""
        with sums as (
          select n.* replace (
              coalesce(external_assets, total_assets - coalesce(claims, 0)) as external_assets,
              coalesce(external_liabilities, total_liabilities - coalesce(debts, 0), {owing})
                as external_liabilities),
            coalesce(claims, 0.0) as claims, coalesce(debts, 0.0) as debts,
            coalesce(claims, 0) - coalesce(debts, 0) - equity as net
          from {disk.rows("names.parquet")} n left join {disk.rows("claims.parquet")} using (id)
          left join {disk.rows("debts.parquet")} using (id)),
        filled as (
          select *, external_assets is null and external_liabilities is null as only_equity,
            coalesce(external_assets, external_liabilities - net, if(net < 0, -net, net * 0)) as a,
            coalesce(external_liabilities, external_assets + net, if(net > 0, net, net * 0)) as l,
            {ROUNDING} * (claims + debts + coalesce(abs(equity), 0)) as near
          from sums),
        sheet as (
          select id, node, claims, debts, can_fail, only_equity, equity as stated, near,
            case when abs(a) <= near then greatest(a, 0) else a end as external_assets,
            case when abs(l) <= near then greatest(l, 0) else l end as external_liabilities
          from filled)
        select * exclude (stated, near),
          external_assets + claims - external_liabilities - debts as equity,
          abs(external_assets + claims - external_liabilities - debts - stated)
            > near + {ROUNDING} * (external_assets + external_liabilities) as apart
        from sheet
        """,
    )
    rows, problems = disk.rows(NODES), []
    for code, title, test, said, fix in (
        ("C005", "equity missing", "equity is null",
         "without equity or both external sides. A node without equity is not immune, we do not "
         "guess", "a column equity, or external_assets and external_liabilities."),
        ("C008", "balance sheets", "external_assets < 0 or external_liabilities < 0",
         "with negative external assets or liabilities",
         "correct the totals, the equity or the exposures."),
        ("C008", "balance sheets", "apart", "with a stated equity that the other sides contradict",
         "leave one of the columns out."),
    ):  # fmt: skip
        if count := disk.one(f"select count(*) from {rows} where {test}")[0]:
            seen = _examples(disk, f"select node from {rows} where {test} order by id")
            text = f"{plural(count, 'node')} {said}: {listing(seen)}."
            problems.append(_finding(code, title, text, fix, count, seen))
    if problems:
        raise NetworkError(problems)
    disk.state["exponent"] = disk.exponent
    disk.state["nodes"] = disk.one(f"select count(*) from {rows}")[0]
    disk.state["exposures"] = disk.one(f"select count(*) from {claims}")[0]


def _finding(
    code: str, title: str, text: str, fix: str, count: int, seen: tuple[str, ...] = ()
) -> Finding:
    return Finding(code, "error", title, text, fix, count, samples=seen)


def spec_of(shock: Any) -> dict[str, Any]:
    """A shock as stored in the manifest of a run: its text if short, and its hash."""
    import hashlib

    text = repr(shock)
    said = text if len(text) <= 200 else f"{text[:197]}..."
    return {"says": said, "digest": hashlib.sha256(text.encode()).hexdigest()}
