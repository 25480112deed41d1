"""The door in general: random files against their true numbers, and every fix that is proposed."""

from __future__ import annotations

import re

import door_fuzz
import pandas as pd
import pytest

import contagion as ct
from contagion.cli import run
from contagion.network import schema
from contagion.network.tables import read_table
from contagion.network.tables.reading import OPTIONS
from contagion.network.tables.surfaces import on_command_line, proposals, words


@pytest.mark.parametrize("block", range(4))
def test_random_files_give_the_true_sums_or_are_refused(tmp_path, block):
    seen = {}
    for seed in range(75 * block, 75 * (block + 1)):
        case = door_fuzz.made(seed, tmp_path)
        found = door_fuzz.outcome(case)
        assert found in ("right", "refused"), f"seed {seed} ({case.about}; {case.wrong}): {found}"
        seen[found] = seen.get(found, 0) + 1
    assert seen["right"] >= 25 and seen["refused"] >= 30


# Each: a file, what else is said, and the code of the finding whose fixes are tried.
DIRTY = [
    ("creditor,debtor,amount\na,b,1\na,b,2\n", {}, "C002"),
    ("creditor,debtor,amount\na,a,1\na,b,2\n", {}, "C003"),
    ("creditor,debtor,amount\na,b,-1\nb,c,2\n", {}, "C006"),
    ("creditor,debtor,amount\na,b,\nb,c,2\n", {}, "C006"),
    ("creditor;debtor;amount\na;b;1,234\n", {}, "C006"),
    ("source,target,amount\na,b,1\n", {}, "C001"),
    ("x,y,owed\na,b,1\n", {}, "C001"),
    ("creditor,debtor,amnt\na,b,1\n", {}, "C012"),
    ("creditor,debtor,amount,lgd\na,b,1,45\n", {}, "C012"),
    ("creditor,debtor,amount,colateral\na,b,1,0\n", {}, "W012"),
    ("lender,borrower,amount_eur\na,b,1\n", {}, "W019"),
    ("creditor,debtor,amount,currency\na,b,1,EUR\nb,c,2,USD\n", {"unit": "USD"}, "C007"),
    ("creditor,debtor,amount,asset,decimals\na,b,1000000,USDC,6\n", {"unit": "USDC"}, "C007"),
    ("creditor,debtor,amount\na,b,1\nb,c,2\nTotal,Total,3\n", {}, "C009"),
    ("creditor,debtor,amount\nTotal,b,1\nb,c,2\n", {}, "C010"),
    ("creditor,debtor,amount,collateral\na,b,5,2\n", {}, "C011"),
    (
        "k;A;B;Total\nA;-;1,5;1,5\nB;2;-;2\nTotal;2;1,5;3,5\n",
        {"orientation": "creditor->debtor"},
        "C009",
    ),
]


def filled(value):
    """What a reader puts where the fix says "…"."""
    if isinstance(value, dict):
        return {k if k != "…" else "a": 1.0 if v is Ellipsis else v for k, v in value.items()}
    return ["Total"] if value == ["…"] else value


def codes(file, options):
    try:
        found = ct.read(file, **options).findings
    except ct.NetworkError as error:
        found = error.findings
        assert found, error
    return {(f.code, f.title): f for f in found if f.severity in ("error", "warning")}


@pytest.mark.parametrize(
    ("text", "more", "code"), DIRTY, ids=[f"{d[2]} {k}" for k, d in enumerate(DIRTY)]
)
def test_every_proposed_fix_mends_what_it_is_proposed_for(tmp_path, capsys, text, more, code):
    file = tmp_path / "x.csv"
    file.write_text(text)
    base = {"missing_equity": "external", **more}
    before = codes(file, base)
    which = [key for key in before if key[0] == code]
    assert which, before
    finding = before[which[0]]
    tried = 0
    for one in proposals(finding.fix):
        ((name, value),) = one.items()
        if "…" in str(value) and name in ("constants", "columns", "id_map"):
            continue
        value = filled(value)
        assert which[0] not in codes(file, {**base, name: value}), f"{name}={value!r}"
        said = [word for k, v in {**base, name: value}.items() for word in words(k, v)]
        run(["check", str(file), *said])
        shown = capsys.readouterr()
        shown = " ".join((shown.out + shown.err).split())
        assert f"{code} {which[0][1]}:" not in shown, (said, shown)
        assert f"{code} {which[0][1]} (warning)" not in shown
        tried += 1
    assert tried, finding.fix


def test_fixes_are_in_the_words_of_the_surface(tmp_path, capsys):
    for text, more, _ in DIRTY:
        file = tmp_path / "x.csv"
        file.write_text(text)
        said = [word for k, v in more.items() for word in words(k, v)]
        run(["check", str(file), *said])
        shown = capsys.readouterr()
        assert not re.search(
            r'\b(columns|duplicates|totals|fx|orientation)=["{\[]', shown.out + shown.err
        )


def test_options_are_spelled_for_each_surface():
    assert on_command_line('columns={"Lender": "creditor"}') == "--column creditor=Lender"
    assert on_command_line('id_map={"a b": "c"}') == "--repair 'id_map=a b:c'"
    assert on_command_line('nodes.drop_duplicates("node")') == 'nodes.drop_duplicates("node")'
    assert proposals('start_defaulted=["BNP"].') == [{"start_defaulted": ["BNP"]}]
    for option in OPTIONS.values():
        assert option.option.startswith("--") and option.help.endswith(".")


@pytest.mark.parametrize("table", [t for t in schema.TABLES if t not in ("scenarios", "nodes")])
def test_every_table_takes_every_option(tmp_path, table):
    """Foreign headings, a constant, another separator, encoding and decimal sign."""
    own = schema.columns(table)
    need = [c for c in own if own[c].required == "yes"]
    cells = {c: "0,5" if own[c].dtype == "float" else f"Ä{k}" for k, c in enumerate(need)}
    head = ";".join(f"Spalte {c}" for c in need[1:])
    row = ";".join(cells[c] for c in need[1:])
    file = tmp_path / "x.txt"
    file.write_bytes(f"{head}\n{row}\n".encode("cp1252"))
    found = read_table(
        file, table, columns={f"Spalte {c}": c for c in need[1:]},
        constants={table: {need[0]: "X"}}, encoding="cp1252", separator=";", header=1,
        decimal=",",
    )  # fmt: skip
    got = found.table.iloc[0]
    assert got[need[0]] == "X"
    for c in need[1:]:
        assert got[c] == (0.5 if own[c].dtype == "float" else cells[c])
    with pytest.raises(ct.NetworkError, match="names 'nothing'"):
        read_table(file, table, columns={"nothing": need[0]}, separator=";")
    with pytest.raises(TypeError, match="Did you mean 'decimals'"):
        read_table(file, table, decimls=1)


def test_ids_keep_their_text_in_every_table(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("asset,price\n007,1\n7,2\nNA,3\nnan,4\n")
    assert read_table(file, "prices").table["asset"].tolist() == ["007", "7", "NA", "nan"]


def test_frames_of_every_kind():
    rows = {"lender": ["a"], "borrower": ["b"], "exposure": ["1.234,5"]}
    for given in (rows, pd.DataFrame(rows), [dict(zip(rows, ("a", "b", "1.234,5"), strict=True))]):
        assert ct.ExposureNetwork(None, given, missing_equity="external").amount.tolist() == [
            1234.5
        ]
