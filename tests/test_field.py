"""Inputs as people have them, with the right value: from Python and from the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.cli import run
from contagion.synthetic import reconstruct

OPEN = {"missing_equity": "external"}
LOOSE = ["--repair", "missing_equity=external"]


@pytest.fixture
def put(tmp_path):
    def write(name, text, encoding="utf-8"):
        file = tmp_path / name
        file.write_bytes(text.encode(encoding))
        return file

    return write


@pytest.fixture
def shell(capsys):
    """A command, its exit code and what it printed."""

    def call(*words):
        code = run([str(word) for word in words])
        shown = capsys.readouterr()
        return code, " ".join((shown.out + shown.err).split())

    return call


def amounts(net):
    return {(a, b): x for a, b, x in net.exposures[["creditor", "debtor", "amount"]].values}


def both(put, shell, tmp_path, text, options, words, name="x.csv"):
    """The amounts that Python and the command line read; they have to be the same."""
    file = put(name, text) if isinstance(text, str) else text
    net = ct.read(file, **OPEN, **options)
    folder = tmp_path / "fixed"
    code, said = shell("check", file, *words, *LOOSE, "--fix", folder)
    assert code == 0, said
    again = ct.read(folder)
    assert amounts(again) == amounts(net)
    return net


# -- A1: assets ------------------------------------------------------------------------------

ASSETS = """creditor,debtor,amount,asset
aave,whale,1250000,USDC
aave,fund,750,WETH
compound,fund,20,WBTC
"""


def test_amounts_of_assets_go_by_their_worth(put, shell, tmp_path):
    rates = {"USDC": 1, "WETH": 2000, "WBTC": 60000}
    words = [w for k, v in rates.items() for w in ("--fx", f"{k}={v}")]
    net = both(
        put, shell, tmp_path, ASSETS, {"unit": "USD", "fx": rates}, ["--unit", "USD", *words]
    )
    assert net.amount.tolist() == [1250000, 1500000, 1200000]
    lost = ct.EisenbergNoe().propagate(net, ct.Shock.default("fund"))
    assert lost.table["loss"][["aave", "compound"]].tolist() == [1500000, 1200000]


def test_amounts_of_assets_are_never_added(put, shell):
    file = put("x.csv", ASSETS)
    with pytest.raises(ct.NetworkError, match=r"C007.*'USDC', 'WETH', 'WBTC'"):
        ct.read(file, unit="USD", **OPEN)
    code, said = shell("check", file, *LOOSE)
    assert code == 2 and "--fx USDC=…" in said


def test_a_rate_that_nothing_uses_is_refused(put, shell):
    file = put("x.csv", "creditor,debtor,amount\na,b,1\n")
    with pytest.raises(ct.errors.ArgumentError, match="fx names 'NOPE'"):
        ct.read(file, fx={"NOPE": 3}, **OPEN)
    code, said = shell("check", file, "--fx", "NOPE=3", *LOOSE)
    assert code == 2 and "NOPE" in said


# -- A2: positions -----------------------------------------------------------------------------

POSITIONS = """venue,holder,instrument,side,size,entry_price,margin
hl,0xaa,ETH,long,100,2000,20000
hl,0xbb,ETH,short,100,2000,20000
hl,0xcc,BTC,short,2,60000,10000
"""
CCXT = """exchange;account;symbol;side;contracts;entryPrice;collateral;contractSize
hl;0xaa;ETH;LONG;1.000;2000;20000;0,1
hl;0xbb;ETH;SHORT;1.000;2000;20000;0,1
hl;0xcc;BTC;SHORT;2;60000;10000;1
"""


@pytest.mark.parametrize("text", [POSITIONS, CCXT])
def test_a_short_position_is_short(put, shell, text):
    prices, file = {"ETH": 2000.0, "BTC": 60000.0}, put("p.csv", text)
    book = ct.liquidation.MarginBook(prices, file)
    assert book.positions["size"].tolist() == [100, -100, -2]
    after = book.at({"ETH": 1400}).accounts.set_index("holder")["equity"]
    assert after.tolist() == [-40_000, 80_000, 10_000]
    words = ["--positions", file, "--prices", "ETH=2000", "--prices", "BTC=60000"]
    code, said = shell("cascade", *words, "--move", "ETH=-0.3", "--json")
    assert code == 0, said
    found = json.loads(said)
    assert sum(row["deficit"] for row in found["venues"]) == 40_000


def test_a_side_against_the_sign_is_refused(put):
    file = put("p.csv", POSITIONS.replace("long,100", "long,-100"))
    with pytest.raises(ct.errors.MarginError, match=r"side is long.*p\.csv line 2"):
        ct.liquidation.MarginBook({"ETH": 1.0, "BTC": 1.0}, file)


# -- A4: guessed columns -----------------------------------------------------------------------


def test_a_guessed_column_is_told(put, shell, tmp_path):
    text = "lender,borrower,exposure_eur,weight\nA,B,1000,0.2\nB,C,500,0.5\n"
    net = both(put, shell, tmp_path, text, {}, [])
    assert net.amount.tolist() == [1000, 500]
    told = net.check().set_index("code")
    assert "'exposure_eur'" in told["message"]["W019"] and "EUR" in told["message"]["W019"]
    sure = ct.read(put("y.csv", text), columns={"exposure_eur": "amount"}, **OPEN)
    assert "W019" not in set(sure.check()["code"])


def test_two_columns_that_may_be_meant_are_a_question(put):
    text = "lender,borrower,exposure,notional\nA,B,1000,2\n"
    with pytest.raises(ct.NetworkError, match="several columns that may be 'amount'"):
        ct.read(put("x.csv", text), **OPEN)


# -- A5, A9: margins ---------------------------------------------------------------------------

MARGINS = """node,interbank_assets,interbank_liabilities,equity
A,95,82,20
B,120,133.5,30
C,71,70.5,15
Total,286,286,65
"""
ENTROPY = {("A", "B"): 77.838, ("A", "C"): 17.162, ("B", "A"): 66.662, ("B", "C"): 53.338,
           ("C", "A"): 15.338, ("C", "B"): 55.662}  # fmt: skip


def test_a_total_is_no_bank(put, shell, tmp_path):
    file = put("m.csv", MARGINS)
    with pytest.raises(ct.NetworkError, match=r"C010.*'Total'"):
        reconstruct.Margins.from_table(file)
    margins = reconstruct.Margins.from_table(file, aggregates="drop")
    found = amounts(reconstruct.maximum_entropy(margins).network)
    assert found == pytest.approx(ENTROPY, abs=1e-3)
    assert shell("reconstruct", file)[0] == 2
    words = ["--repair", "aggregates=drop", "--out", tmp_path / "out"]
    assert shell("reconstruct", file, *words)[0] == 0
    assert amounts(ct.read(tmp_path / "out" / "000")) == pytest.approx(ENTROPY, abs=1e-3)
    code, said = shell("reconstruct", put("n.csv", MARGINS[:-18]), "--repair", "aggregates=drop")
    assert code == 2 and "Leave it out" in said


def test_margins_under_foreign_headings(put, shell):
    text = (
        "LEI_Code,Name,Interbank Assets,Interbank Liabilities,Equity,Total Assets\n"
        "X1,Bank A,9500.5,8200,6100,95117.9\nX2,Bank B,4200,5500.5,2400,55134.3\n"
        "X3,Bank C,9e3,9e3,9e3,9e4\n"
    )
    margins = reconstruct.Margins.from_table(put("m.csv", text))
    assert margins.names.tolist() == ["X1", "X2", "X3"] and margins.claims.tolist() == [
        9500.5,
        4200,
        9000,
    ]
    code, said = shell("reconstruct", put("m.csv", text), "--residual", "world")
    assert code == 0 and "4 nodes" in said
    code, said = shell("check", put("m.csv", text))
    assert code == 2 and "these are margins" in said and "contagion reconstruct" in said


# -- A6, A12: addresses ------------------------------------------------------------------------

ONE, TWO = "0x" + "11" * 20, "0x" + "22" * 20
MIXED = "0xAbCdEf" + "0" * 32 + "01"


def test_an_address_is_one_id_in_any_case(put, shell, tmp_path):
    text = f"creditor,debtor,amount\n{ONE},{MIXED},100\n{MIXED.lower()},{TWO},100\n"
    net = both(put, shell, tmp_path, text, {}, [])
    assert net.names.tolist() == [ONE, TWO, MIXED.lower()]
    assert net.check().iloc[0][["code", "severity"]].tolist() == ["C004", "repaired"]
    owed = {"creditor": [ONE], "debtor": [MIXED.lower()], "amount": [1]}
    net = ct.ExposureNetwork({"node": [MIXED, ONE], "equity": [1, 2]}, owed)
    assert net.names.tolist() == [MIXED.lower(), ONE]


def test_bytes_are_hex(tmp_path, put, shell):
    file = tmp_path / "x.parquet"
    table = {"creditor": [b"\xab\xcd", b"\x12\x34"], "debtor": [b"\x12\x34", b"\xab\xcd"]}
    pd.DataFrame({**table, "amount": [1.0, 2.0]}).to_parquet(file)
    net = both(put, shell, tmp_path, file, {}, [])
    assert amounts(net) == {("0xabcd", "0x1234"): 1.0, ("0x1234", "0xabcd"): 2.0}


# -- A8, A10: matrices -------------------------------------------------------------------------

TOTALS = "bank;A;B;C;Total\nA;-;10,5;20;30,5\nB;5;-;7;12\nC;3;4;-;7\nTotal;8;14,5;27;49,5\n"


def test_a_matrix_with_totals(put, shell, tmp_path):
    options = {"orientation": "creditor->debtor", "totals": "drop"}
    words = ["--orientation", "creditor-debtor", "--totals", "drop"]
    assert both(put, shell, tmp_path, TOTALS, options, words).amount.sum() == 49.5
    code, said = shell("check", put("x.csv", TOTALS), "--orientation", "creditor-debtor", *LOOSE)
    assert code == 2 and "--totals drop" in said


def test_totals_that_are_not_there_are_refused(put, shell):
    file = put("x.csv", "creditor,debtor,amount\na,b,1\n")
    with pytest.raises(ct.errors.ArgumentError, match="there are no totals"):
        ct.read(file, totals="drop", **OPEN)
    assert shell("check", file, "--totals", "drop", *LOOSE)[0] == 2


def test_a_matrix_without_header(put, shell, tmp_path):
    text = "0,0,120,40\n30,0,0,55\n0,80,0,10\n25,5,60,0\n"
    words = ["--orientation", "creditor-debtor"]
    net = both(put, shell, tmp_path, text, {"orientation": "creditor->debtor"}, words)
    assert net.amount.sum() == 425 and net.names.tolist() == ["1", "2", "3", "4"]
    assert "there is no header" in net.check()["message"][0]
    named = {"orientation": "creditor->debtor", "names": list("ABCD")}
    net = both(put, shell, tmp_path, text, named, [*words, "--names", "A,B,C,D"])
    assert amounts(net)["A", "C"] == 120


@pytest.mark.parametrize(
    ("matrix", "names", "says"),
    [
        (np.ma.masked_equal([[0, 9], [1, 0]], 9), ["a", "b"], "masked"),
        (np.array([[0, 1j], [1, 0]]), ["a", "b"], "complex"),
        ([[0, 1], [1, 0]], {"a", "b"}, "no order"),
        ([[0, 1e308], [1e308, 0]], ["a", "b"], "too large"),
    ],
)
def test_matrices_that_say_something_else(matrix, names, says):
    with pytest.raises(ct.NetworkError, match=says):
        ct.ExposureNetwork.from_matrix(matrix, names, orientation="creditor->debtor", **OPEN)


# -- A11, A13, A14 -----------------------------------------------------------------------------


def test_what_groupby_leaves_is_a_table():
    rows = pd.DataFrame({"lender": ["A", "A"], "borrower": ["B", "B"], "amt": [1.0, 2.0]})
    frame = rows.groupby(["lender", "borrower"])["amt"].sum().to_frame("amount")
    assert amounts(ct.ExposureNetwork(None, frame, **OPEN)) == {("A", "B"): 3.0}
    nodes = pd.DataFrame({"equity": [5.0, 6.0]}, index=pd.Index(["A", "B"], name="bank"))
    assert ct.ExposureNetwork(nodes, frame).names.tolist() == ["A", "B"]


def test_the_report_of_one(put, shell, tmp_path):
    text = '"010 Code","040 Total original exposure","350 % of capital"\n' \
           'L1,"12 500 000 000","9,35 %"\nL2,"8 000 000 000","7,20 %"\n'  # fmt: skip
    columns = {"010 Code": "debtor", "040 Total original exposure": "amount"}
    options = {"columns": columns, "constants": {"creditor": "MYBANK"}}
    words = ["--creditor", "MYBANK"]
    words += [w for theirs, ours in columns.items() for w in ("--column", f"{ours}={theirs}")]
    net = both(put, shell, tmp_path, text, options, words)
    assert amounts(net) == {("MYBANK", "L1"): 12.5e9, ("MYBANK", "L2"): 8e9}


def test_one_protocol_by_date_is_no_table_of_exposures(put, shell):
    text = (
        "Date,Timestamp,Aave,Morpho\n10/10/2025,1760054400,42.5,8.1\n11/10/2025,1760140800,39,7\n"
    )
    file = put("x.csv", text)
    with pytest.raises(ct.NetworkError, match=r"C014.*one row a date"):
        ct.read(file)
    code, said = shell("check", file)
    assert code == 2 and "holdings" in said and "creditor=" not in said


# -- other members of these kinds --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1\u00a0234,50", 1234.5), ("1\u202f234\u202f567,5", 1234567.5), ("12,34,567.00", 1234567),
        ("100-", -100), ("(100)", -100), ("$1.2bn", 1.2e9), ("1,5E+09", 1.5e9), ("1'234.5", 1234.5),
        ("€ 1.234,50", 1234.5), ("1.5 Mio", 1.5e6), ("3,2 Mrd.", 3.2e9), ("−7,5", -7.5),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(put, text, value):
    file = put("x.csv", f'creditor;debtor;amount\na;b;"{text}"\nb;c;2\n')
    net = ct.read(file, negative="flip", **OPEN)
    assert amounts(net)[("b", "a") if value < 0 else ("a", "b")] == pytest.approx(abs(value))


@pytest.mark.parametrize(
    "text", ["45 %", "1,2,3", "12 EUR/MWh", "1.2.3", "1 2", "5 apples", "0x1g"]
)
def test_text_is_never_an_amount(put, text):
    with pytest.raises(ct.NetworkError, match="C006 amounts not numbers"):
        ct.read(put("x.csv", f'creditor;debtor;amount\na;b;"{text}"\nb;c;2,5\n'), **OPEN)


@pytest.mark.parametrize(("cell", "other"), [("1.234", "5"), ("1,234", "17"), ("1.5", "2,5")])
def test_a_sign_in_doubt_is_a_question(put, shell, cell, other):
    file = put("x.csv", f"creditor;debtor;amount\na;b;{cell}\nb;c;{other}\n")
    with pytest.raises(ct.NetworkError, match="decimal sign"):
        ct.read(file, **OPEN)
    code, said = shell("check", file, *LOOSE)
    assert code == 2 and "--decimal" in said


def test_the_sign_of_the_table_settles_a_column(put):
    text = "creditor;debtor;amount;collateral\na;b;1.234;0,5\nb;c;5.678;1,5\n"
    assert ct.read(put("x.csv", text), collateral="ignore", **OPEN).amount.tolist() == [1234, 5678]


def test_percent_in_a_column_of_fractions(put, shell):
    text = "creditor,debtor,amount,lgd\na,b,1,45 %\n"
    assert ct.read(put("x.csv", text), **OPEN).exposures["lgd"].tolist() == [0.45]
    bare = put("y.csv", text.replace("45 %", "45"))
    with pytest.raises(ct.NetworkError, match="rates="):
        ct.read(bare, **OPEN)
    net = ct.read(bare, rates={"lgd": "percent"}, **OPEN)
    assert net.exposures["lgd"].tolist() == [0.45]
    assert shell("check", bare, "--rate", "lgd=percent", *LOOSE)[0] == 0


@pytest.mark.parametrize(
    ("cell", "how"), [("10500", "factor_basis_points"), ("500", "basis_points"), ("1.05", "factor")]
)
def test_a_bonus_that_is_no_fraction_is_a_question(put, cell, how):
    text = "protocol,borrower,collateral_asset,collateral,debt_asset,debt,threshold,bonus\n"
    file = put("l.csv", text + f"aave,w,ETH,10,USDC,5000,80 %,{cell}\n")
    prices = {"ETH": 1000.0, "USDC": 1.0}
    with pytest.raises(ct.errors.MarginError, match="bonus"):
        ct.liquidation.MarginBook(prices, loans=file)
    book = ct.liquidation.MarginBook(prices, loans=file, rates={"bonus": how})
    assert book.loans[["threshold", "bonus"]].values.tolist() == [[0.8, 0.05]]


def test_titles_notes_comments_and_trailing_commas(put):
    text = (
        "# made by hand\nExposures of banks;;;\nAs of 2023;;;\n\nLender;Borrower;Amount (EUR m);\n"
        "007;NA;1.234,5;\n\nNA;nan;2,5;\nSource: a survey;;;\n"
    )
    net = ct.read(put("x.csv", text, "cp1252"), unit="EUR m", **OPEN)
    assert amounts(net) == {("007", "NA"): 1234.5, ("NA", "nan"): 2.5}
    said = net.check()["message"][0]
    for part in ("semicolon", "2 title lines", "comment", "note", "empty column"):
        assert part in said


def test_rows_of_another_length_are_named(put):
    with pytest.raises(ct.NetworkError, match=r"x\.csv line 3: the header has 3 cells"):
        ct.read(put("x.csv", "creditor,debtor,amount\na,b,1\na,b,1,234\n"), **OPEN)


def test_a_workbook_whose_first_sheet_is_a_read_me(tmp_path):
    pytest.importorskip("python_calamine")
    with pd.ExcelWriter(tmp_path / "x.xlsx", engine="xlsxwriter") as book:
        about = pd.DataFrame({"About": ["These are exposures.", "In EUR."]})
        about.to_excel(book, sheet_name="Read me", index=False)
        table = pd.DataFrame({"Lender": [7, "008"], "Borrower": ["b", 7], "Exposure": [1.5, "2,5"]})
        table.to_excel(book, sheet_name="data", index=False, startrow=2)
    net = ct.read(tmp_path / "x.xlsx", **OPEN)
    assert amounts(net) == {("7", "b"): 1.5, ("008", "7"): 2.5}
    assert "sheet 'data'" in net.check()["message"][0]


def test_json(put):
    rows = [{"lender": "007", "borrower": 7, "exposure": "1,5"}]
    net = ct.read(put("x.json", json.dumps({"exposures": rows})), **OPEN)
    assert amounts(net) == {("007", "7"): 1.5}
    lines = put("x.jsonl", "\n".join(map(json.dumps, rows)))
    assert amounts(ct.read(lines, **OPEN)) == {("007", "7"): 1.5}


@pytest.mark.parametrize("suffix", ["graphml", "gexf", "xlsx", "parquet", "csv.gz", "json", "csv"])
def test_rubbish_is_one_paragraph_with_the_name_of_the_file(tmp_path, shell, suffix):
    file = tmp_path / f"rubbish.{suffix}"
    file.write_bytes(b"\x00\x01{<not anything\xff")
    code, said = shell("check", file)
    assert code == 2 and file.name in said and "Traceback" not in said and len(said) < 400


def test_scales_that_differ_are_told(put):
    claims = put("x.csv", "creditor,debtor,amount\nA,B,5000\nB,C,1200\nC,A,800\n")
    nodes = put("n.csv", "node,equity\nA,6101000000\nB,24000000000\nC,2300000000\n")
    net = ct.read(claims, nodes=nodes, unit="EUR m")
    assert "W018" in set(net.check()["code"])


def test_the_unit_of_a_heading_counts(put):
    text = "lender,borrower,amount (EUR bn)\nA,B,1.5\n"
    assert ct.read(put("x.csv", text), unit="EUR m", **OPEN).amount.tolist() == [1500]
    with pytest.raises(ct.NetworkError, match="C007"):
        ct.read(put("x.csv", text), unit="USD m", **OPEN)


def test_sdmx_multipliers(put):
    text = "creditor,debtor,OBS_VALUE,UNIT_MULT\nDE,FR,12.5,6\nFR,DE,7,9\n"
    assert ct.read(put("x.csv", text), unit="USD m", **OPEN).amount.tolist() == [12.5, 7000]


def test_hex_integers_need_decimals(put, shell):
    text = "creditor,debtor,amount,asset\na,b,0xde0b6b3a7640000,WETH\n"
    file = put("x.csv", text)
    with pytest.raises(ct.NetworkError, match="C007 raw integers"):
        ct.read(file, unit="WETH", **OPEN)
    assert ct.read(file, unit="WETH", decimals={"WETH": 18}, **OPEN).amount.tolist() == [1.0]
    assert shell("check", file, "--unit", "WETH", "--decimals", "WETH=18", *LOOSE)[0] == 0


def test_findings_are_shown_in_full(put):
    net = ct.read(put("x.csv", "lender;borrower;amount\na;b;1,5\n"), **OPEN)
    for finding in net.findings:
        assert " ".join(finding.message.split()) in " ".join(repr(net.check()).split())
        assert finding.message[:60] in net.check()._repr_html_().replace("&#x27;", "'")


def test_commands_end_with_what_stands_about_the_data(put, shell):
    nodes = put("n.csv", "node,external_assets\na,5\nb,5\n")
    file = put("x.csv", "creditor,debtor,amount\na,b,3\na,b,0\n")
    code, said = shell("run", file, "--nodes", nodes, "--repair", "duplicates=keep",
                       "--default", "b")  # fmt: skip
    assert code == 0
    for part in ("Data: ", "amounts of 0 (W001)", "duplicate pairs (C002)"):
        assert part in said
    assert "nodes owe nothing outside the graph" in said and "contagion check" in said


# -- units that cells and headings say ----------------------------------------------------------


@pytest.mark.parametrize(
    "text, amount, unit",
    [
        ("creditor;debtor;amount\na;b;$1.2bn\n", 1.2e9, "USD"),
        ("creditor;debtor;amount\na;b;1.200,50 €\n", 1200.5, "EUR"),
        ("creditor,debtor,amount\na,b,CHF 1'234.50\n", 1234.5, "CHF"),
        ("creditor,debtor,Amount (EUR m)\na,b,5\n", 5.0, "EUR m"),
    ],
)
def test_the_unit_that_a_file_says_is_that_of_the_network(text, amount, unit, tmp_path):
    file = tmp_path / "x.csv"
    file.write_text(text, "utf-8")
    net = ct.read(file, missing_equity="external")
    assert net.amount.tolist() == [amount] and net.unit == unit


def test_foreign_headings_are_proposed_and_their_unit_stays(tmp_path, capsys):
    file = tmp_path / "x.csv"
    file.write_text("Gläubiger;Schuldner;Betrag (Mio. EUR)\nA;B;1.234,50\nB;A;12\n", "utf-8")
    assert run(["check", str(file)]) == 2
    said = " ".join(capsys.readouterr().out.split())
    words = ["--column", "creditor=Gläubiger", "--column", "debtor=Schuldner"]
    assert " ".join(words) in said and "--column 'amount=Betrag (Mio. EUR)'" in said
    words += ["--column", "amount=Betrag (Mio. EUR)", "--repair", "missing_equity=external"]
    assert run(["check", str(file), *words]) == 0
    assert "1.246 bn EUR owed" in capsys.readouterr().out
