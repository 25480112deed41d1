"""Files as they are published: the shape is told by the columns, and what was taken is told."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import contagion as ct
from contagion.cli import run
from contagion.network.formats import FORMATS
from contagion.network.tables import read_table
from contagion.network.tables.surfaces import proposals, words

OPEN = {"missing_equity": "external"}
LOOSE = ["--repair", "missing_equity=external"]


@pytest.fixture
def put(tmp_path):
    def write(name, text):
        file = tmp_path / name
        file.write_text(text if isinstance(text, str) else json.dumps(text))
        return file

    return write


@pytest.fixture
def shell(capsys):
    def call(*said):
        code = run([str(word) for word in said])
        shown = capsys.readouterr()
        return code, " ".join((shown.out + shown.err).split())

    return call


def amounts(net):
    return {(a, b): x for a, b, x in net.exposures[["creditor", "debtor", "amount"]].values}


def told(net):
    return " ".join(f"{f.code} {f.message}" for f in net.findings)


def refusal(file, **options):
    """The finding that stops a file, with the fix in it."""
    with pytest.raises(ct.NetworkError) as caught:
        ct.read(file, **OPEN, **options)
    return caught.value.findings[0]


def mended(file, shell, finding, **options):
    """The fix works: from Python and with the words of the command line."""
    (fix, *_) = proposals(finding.fix)
    net = ct.read(file, **OPEN, **options, **fix)
    said = [w for k, v in {**options, **fix}.items() for w in words(k, v)]
    code, shown = shell("check", file, *said, *LOOSE)
    assert code == 0, shown
    return net


# -- SDMX --------------------------------------------------------------------------------------

LBS = [
    "STRUCTURE,STRUCTURE_ID,ACTION,FREQ:Frequency,L_MEASURE:Measure,L_POSITION:Balance sheet "
    "position,L_INSTR:Type of instruments,L_REP_CTY:Reporting country,L_CP_COUNTRY:Counterparty "
    "country,TIME_PERIOD:Time period or range,OBS_VALUE:Observation Value,OBS_STATUS:Observation "
    "Status,UNIT_MULT:Unit Multiplier,UNIT_MEASURE:Unit of measure"
]


def lbs(position, instrument, creditor, debtor, period, value, status="A: Normal value"):
    return (
        f"dataflow,BIS:WS_LBS_D_PUB(1.0),I,Q: Quarterly,S: Stocks,{position},{instrument},"
        f"{creditor},{debtor},{period},{value},{status},6: Millions,USD: US dollar"
    )


CLAIMS, ALL, LOANS = "C: Total claims", "A: All instruments", "G: Loans and deposits"
DE, FR, WORLD = "DE: Germany", "FR: France", "5J: All countries"
BULK = [
    *LBS,
    lbs(CLAIMS, ALL, DE, FR, "2022-Q4", "1500.5"),
    lbs(CLAIMS, ALL, FR, DE, "2022-Q4", "900", "E: Estimated value"),
    lbs(CLAIMS, ALL, DE, WORLD, "2022-Q4", "9000"),
    lbs(CLAIMS, ALL, FR, "US: United States", "2022-Q4", "NaN", "M: Missing value"),
]


def test_a_bulk_file_of_the_bis(put, shell):
    file = put("WS_LBS_D_PUB_csv_flat.csv", "\n".join(BULK))
    net = ct.read(file, unit="USD m", **OPEN)
    assert amounts(net) == {("DE", "FR"): 1500.5, ("FR", "DE"): 900.0}
    for part in (
        "creditor is L_REP_CTY",
        "5J: All countries",
        "M: 1",
        "E estimated: 1",
        "L_INSTR A",
    ):
        assert part in told(net)
    assert ct.read(file, **OPEN).unit == "USD"  # as the file says
    assert ct.read(file, **OPEN).amount.tolist() == [1500.5e6, 900e6]
    assert ct.read(file, format="sdmx", unit="USD m", **OPEN).amount.sum() == 2400.5
    every = ct.read(file, unit="USD m", totals="keep", aggregates="keep", **OPEN)
    assert amounts(every)["DE", "5J"] == 9000
    assert shell("check", file, "--unit", "USD m", "--format", "sdmx", *LOOSE)[0] == 0
    with pytest.raises(ct.NetworkError, match="C007"):
        ct.read(file, unit="EUR m", **OPEN)
    assert ct.read(file, unit="EUR m", fx={"USD": 2.0}, **OPEN).amount.tolist() == [3001.0, 1800.0]


def test_several_series_of_a_pair_are_a_question(put, shell):
    file = put("x.csv", "\n".join([*BULK, lbs(CLAIMS, LOANS, DE, FR, "2022-Q4", "1000")]))
    finding = refusal(file, unit="USD m")
    assert finding.code == "C015" and "L_INSTR is" in finding.message
    net = mended(file, shell, finding, unit="USD m")
    assert amounts(net) == {("DE", "FR"): 1500.5, ("FR", "DE"): 900.0}
    loans = ct.read(file, unit="USD m", where={"L_INSTR": "G"}, **OPEN)
    assert amounts(loans) == {("DE", "FR"): 1000.0}
    with pytest.raises(ct.NetworkError, match=r"no row of the exposures has it; there are 'A: All"):
        ct.read(file, where={"L_INSTR": "Z"}, **OPEN)
    with pytest.raises(ct.errors.ArgumentError, match="where names 'L_INSTRUMENT'"):
        ct.read(file, where={"L_INSTRUMENT": "A", "L_INSTR": "A"}, **OPEN)
    frame = pd.read_csv(file, dtype=str)
    again = ct.ExposureNetwork(None, frame, where={"L_INSTR": "A"}, unit="USD m", **OPEN)
    assert amounts(again) == amounts(net)


def test_series_side_by_side(put, shell):
    file = put("x.csv", "\n".join([*BULK, lbs(CLAIMS, LOANS, DE, FR, "2022-Q4", "1000")]))
    net = ct.read(file, unit="USD m", columns={"L_INSTR": "layer"}, **OPEN)
    rows = net.exposures[["creditor", "layer", "amount"]].values.tolist()
    assert rows == [["DE", "A", 1500.5], ["FR", "A", 900.0], ["DE", "G", 1000.0]]
    assert shell("check", file, "--column", "layer=L_INSTR", *LOOSE)[0] == 0
    parts = put("p.csv", SOV + "L1,DE,202306,2520806,Exposure,IT,1,0,100\n")
    net = ct.read(parts, columns={"Maturity": "layer"}, **OPEN)
    assert sorted(net.exposures["layer"].unique()) == ["1", "8"]


def test_periods_of_a_bulk_file(put):
    file = put("x.csv", "\n".join([*BULK, lbs(CLAIMS, ALL, DE, FR, "2023-Q1", "1600")]))
    assert refusal(file).code == "C013"
    net = ct.read(file, period="2023-Q1", unit="USD m", **OPEN)
    assert amounts(net) == {("DE", "FR"): 1600.0}
    panel = ct.Panel.read(file, unit="USD m", missing_nodes="empty", **OPEN)
    assert panel.periods == ("2022-Q4", "2023-Q1")


WIDE = """L_MEASURE,Measure,L_REP_CTY,Reporting country,CBS_BASIS,CBS reporting basis,L_CP_COUNTRY,\
Counterparty country,Time Period,2022-Q3,2022-Q4
S,Stocks,DE,Germany,F,Immediate,FR,France,S:DE:F:FR,1400,1500
S,Stocks,FR,France,F,Immediate,DE,Germany,S:FR:F:DE,,900
S,Stocks,DE,Germany,U,Guarantor,FR,France,S:DE:U:FR,1300,1350
S,Stocks,DE,Germany,F,Immediate,5J,All countries,S:DE:F:5J,8000,9000
"""


def test_quarters_across(put, shell):
    file = put("WS_CBS_PUB_csv_col.csv", WIDE)
    finding = refusal(file)
    assert finding.code == "C015" and "CBS_BASIS" in finding.fix
    where = {"CBS_BASIS": "F", "TIME_PERIOD": "2022-Q4"}
    net = ct.read(file, where=where, unit="USD m", **OPEN)
    assert amounts(net) == {("DE", "FR"): 1500.0, ("FR", "DE"): 900.0}
    said = [w for k, v in where.items() for w in ("--where", f"{k}={v}")]
    assert shell("check", file, *said, *LOOSE)[0] == 0
    net = ct.read(file, where={"CBS_BASIS": ["F"]}, period="2022-Q3", unit="USD m", **OPEN)
    assert amounts(net) == {("DE", "FR"): 1400.0}


def test_what_is_owed_and_what_flows(put):
    owed = [*LBS, lbs("L: Total liabilities", ALL, DE, FR, "2022-Q4", "70")]
    assert amounts(ct.read(put("l.csv", "\n".join(owed)), unit="USD m", **OPEN)) == {
        ("FR", "DE"): 70.0
    }
    flows = [row.replace("S: Stocks", "F: FX and break adjusted change") for row in BULK]
    assert "flows" in refusal(put("f.csv", "\n".join(flows))).message


def test_ecb_and_oecd(put):
    ecb = (
        "KEY,FREQ,REF_AREA,COUNT_AREA,BS_ITEM,TIME_PERIOD,OBS_VALUE,OBS_STATUS,UNIT,UNIT_MULT,TITLE\n"
        "BSI.Q.DE.FR,Q,DE,FR,A20,2022-Q4,12.5,A,EUR,6,Loans of DE\n"
        "BSI.Q.DE.U2,Q,DE,U2,A20,2022-Q4,99,A,EUR,6,Loans to the euro area\n"
    )
    net = ct.read(put("ecb.csv", ecb), unit="EUR m", **OPEN)
    assert amounts(net) == {("DE", "FR"): 12.5}
    oecd = (
        "STRUCTURE;STRUCTURE_ID;ACTION;REF_AREA;Reference area;COUNTERPART_AREA;Counterpart area;"
        "ACCOUNTING_ENTRY;TIME_PERIOD;OBS_VALUE;UNIT_MEASURE;UNIT_MULT\n"
        "DATAFLOW;OECD.DAF;I;DEU;Germany;FRA;France;A;2022;1,5;USD;9\n"
        "DATAFLOW;OECD.DAF;I;DEU;Germany;_T;World;A;2022;7,5;USD;9\n"
    )
    assert amounts(ct.read(put("o.csv", oecd), unit="USD m", **OPEN)) == {("DEU", "FRA"): 1500.0}


def test_the_export_of_the_portal_has_title_lines(put):
    text = (
        "BIS Data Portal\nExported on 2024-01-05\n\n"
        "DATAFLOW_ID:Dataflow ID,KEY:Timeseries Key,L_REP_CTY:Reporting country,L_CP_COUNTRY:"
        "Counterparty country,Unit,Unit multiplier,TIME_PERIOD:Period,OBS_VALUE:Value\n"
        'BIS:X,Q.DE.FR,DE:Germany,FR:France,US dollar,Millions,2022-12-31,"1,500.5"\n'
    )
    assert ct.read(put("x.csv", text), unit="USD m", **OPEN).amount.tolist() == [1500.5]


# -- EBA ---------------------------------------------------------------------------------------

SOV = """LEI_Code,NSA,Period,Item,Label,Country,Maturity,Accounting_portfolio,Amount
L1,DE,202306,2520806,Exposure,DE,8,0,1200.5
L1,DE,202306,2520806,Exposure,IT,8,0,300
L2,IT,202306,2520806,Exposure,IT,8,0,450
L1,DE,202306,2520806,Exposure,0,8,0,1500.5
"""


def test_a_file_of_the_eba(put, shell):
    file = put("tr_sov.csv", SOV)
    net = ct.read(file, **OPEN)
    assert amounts(net) == {("L1", "DE"): 1200.5, ("L1", "IT"): 300.0, ("L2", "IT"): 450.0}
    assert net.unit == "EUR m" and "Item 2520806" in told(net) and "Country 0" in told(net)
    assert ct.read(file, unit="EUR", **OPEN).amount[0] == 1200.5e6
    held = read_table(file, "holdings").table
    assert held[["node", "asset", "value"]].values.tolist()[2] == ["L2", "IT", 450.0]
    nodes = put("n.csv", "node,external_assets\nL1,5000\nL2,4000\n")
    owed = put("e.csv", "creditor,debtor,amount\nL1,L2,5\n")
    net = ct.read(owed, nodes=nodes, holdings=file, unit="EUR m", period="202306")
    assert net.holdings["value"].sum() == 1950.5
    code, said = shell("run", owed, "--nodes", nodes, "--holdings", file, "--period", "202306",
                       "--unit", "EUR m", "--price", "IT=-10%",
                       "--where", "holdings.Item=2520806")  # fmt: skip
    assert code == 0 and "L2 45.0" in said and "L1 30.0" in said, said
    parts = put("p.csv", SOV + "L1,DE,202306,2520806,Exposure,IT,1,0,100\n")
    finding = refusal(parts)
    assert finding.code == "C015" and "Maturity" in finding.fix
    assert amounts(mended(parts, shell, finding)) == amounts(ct.read(file, **OPEN))
    other = put("o.csv", "LEI_Code,Item,Label,Amount\nL1,2520101,CET1,12\n")
    assert "no counterparty" in refusal(other).message


# -- COREP -------------------------------------------------------------------------------------

C28 = (
    '"010 Code","020 Group or individual","040 Total original exposure","350 % of capital"\n'
    'X1,1,"12 500 000 000","9,35 %"\nX2,2,"8 000 000 000","7,20 %"\n'
)
WHO = {"creditor": "MYBANK"}
ROWS = {("MYBANK", "X1"): 12.5e9, ("MYBANK", "X2"): 8e9}


def test_large_exposures_of_one_reporter(put, shell):
    file = put("c28.csv", C28)
    assert amounts(ct.read(file, constants=WHO, **OPEN)) == ROWS
    assert shell("check", file, "--creditor", "MYBANK", *LOOSE)[0] == 0
    finding = refusal(file)
    assert finding.code == "C001" and "one institution" in finding.message
    code, said = shell("check", file, *LOOSE)
    assert code == 2 and "--constant creditor=…" in said
    names = "Code,Type of code,Name,Sector of the counterparty,Type of counterparty\n"
    who = put("c27.csv", names + "X1,L,Alpha,S122,1\nX2,L,Beta,S11,2\n")
    net = ct.read(file, nodes=who, constants=WHO, **OPEN)
    assert amounts(net) == ROWS and net.nodes.set_index("node")["name"]["X2"] == "Beta"
    assert "C 27" in refusal(who).message
    after = C28.replace("350 % of capital", "330 Exposure value after exemptions and CRM")
    after = after.replace('"9,35 %"', "900").replace('"7,20 %"', "800")
    column = {"330 Exposure value after exemptions and CRM": "amount"}
    net = ct.read(put("a.csv", after), columns=column, constants=WHO, **OPEN)
    assert net.amount.tolist() == [900, 800]


@pytest.mark.parametrize(
    "head",
    [
        "Code,Group or individual,Transactions,Total original exposure",
        "c0010,c0020,c0030,c0040,c0050,c0060,c0070,c0080",
        "010,020,030,040,050,060,070,080",
        "Code,Group,Underlying,Total original exposure,,\n010,020,030,040,050,060",
    ],
)
def test_headings_of_the_templates(put, head):
    width = head.split("\n")[-1].count(",") - 3
    rows = [f"X{k},1,0,{v}{',0' * width}" for k, v in ((1, 12500000000), (2, 8000000000))]
    file = put("c28.csv", "\n".join([head, *rows]) + "\n")
    assert amounts(ct.read(file, constants=WHO, **OPEN)) == ROWS


# -- DefiLlama ---------------------------------------------------------------------------------

DAY = 86400
LLAMA = {
    "name": "Aave",
    "chainTvls": {
        "Ethereum": {"tokensInUsd": [{"date": 1760054400, "tokens": {"WETH": 30.0, "USDC": 5.5}}]},
        "Base": {"tokensInUsd": [{"date": 1760054400, "tokens": {"WETH": 2.0}}]},
        "Ethereum-borrowed": {"tokensInUsd": [{"date": 1760054400, "tokens": {"USDC": 4.0}}]},
        "borrowed": {"tokensInUsd": [{"date": 1760054400, "tokens": {"USDC": 4.0}}]},
    },
    "tokensInUsd": [
        {"date": 1760054400, "tokens": {"WETH": 32.0, "USDC": 5.5}},
        {"date": 1760140800, "tokens": {"WETH": 29.0, "USDC": 5.0}},
        {"date": 1760140800 + 3600, "tokens": {"WETH": 28.0, "USDC": 5.0}},
    ],
}


def test_what_a_protocol_holds(put, shell):
    file = put("aave.json", LLAMA)
    held = read_table(file, "holdings").table
    assert held[["node", "asset", "value", "period"]].values.tolist() == [
        ["Aave", "WETH", 32.0, "2025-10-10"], ["Aave", "USDC", 5.5, "2025-10-10"],
        ["Aave", "WETH", 28.0, "2025-10-11"], ["Aave", "USDC", 5.0, "2025-10-11"],
    ]  # fmt: skip
    base = read_table(file, "holdings", where={"chain": "Base"}).table
    assert base[["asset", "value"]].values.tolist() == [["WETH", 2.0]]
    with pytest.raises(ct.NetworkError, match="Did you mean 'Base'"):
        read_table(file, "holdings", where={"chain": "Bas"})
    nodes = put("n.csv", "node,external_assets\nAave,100\nfund,9\n")
    owed = put("e.csv", "creditor,debtor,amount\nfund,Aave,5\n")
    net = ct.read(owed, nodes=nodes, holdings=file, period="2025-10-11", unit="USD")
    assert net.holdings["value"].tolist() == [28.0, 5.0]
    net = ct.read(owed, nodes=nodes, holdings=file, period="2025-10-11", unit="USD m")
    assert net.holdings["value"].tolist() == pytest.approx([28e-6, 5e-6])
    assert refusal(file).code == "C014"
    words = ["run", owed, "--nodes", nodes, "--holdings", file, "--unit", "USD"]
    code, said = shell(*words, "--price", "WETH=-50%")
    assert code == 2 and "--period 2025-10-11" in said
    code, said = shell(*words, "--price", "WETH=-50%", "--period", "2025-10-11")
    assert code == 0 and "Aave 14.00" in said, said
    code, said = shell("check", file)
    assert code == 2 and "becomes holdings" in said
    plain = put("x.json", {"anything": 3})
    with pytest.raises(ct.NetworkError, match="holds no table"):
        read_table(plain, "holdings")


def test_the_export_of_a_protocol(put):
    text = "Date,Timestamp,WETH,USDC,doublecounted\n10/10/2025,1760054400,42.5,8.1,9\n"
    file = put("aave.csv", text + "11/10/2025,1760140800,39,7,9\n")
    held = read_table(file, "holdings", constants={"node": "aave"}).table
    assert held[["node", "asset", "value", "period"]].values.tolist()[0] == [
        "aave", "WETH", 42.5, "2025-10-10",
    ]  # fmt: skip
    assert len(held) == 4
    with pytest.raises(ct.NetworkError, match="no column 'node'"):
        read_table(file, "holdings")


# -- chains ------------------------------------------------------------------------------------

ONE = "0x" + "Ab" * 20
SUPPLY = f"""user,reserve,amount_raw,decimals
{ONE},USDC,1250000500000,6
{ONE},WETH,750000000000000000000,18
0x{"cd" * 20},WETH,0,18
"""
WORTH = {"USDC": 1.0, "WETH": 2000.0}


def test_raw_integers_of_a_query(put, shell):
    file = put("dune.csv", SUPPLY)
    options = {"fx": WORTH, "unit": "USD"}
    net = ct.read(file, constants={"debtor": "aave"}, **options, **OPEN)
    assert net.amount.tolist() == [1250000.5, 1500000.0]
    assert set(net.exposures["creditor"]) == {ONE.lower()} and "1 amount of 0" in told(net)
    owed = ct.read(file, constants={"creditor": "aave"}, **options, **OPEN)
    assert set(owed.exposures["debtor"]) == {ONE.lower()}
    finding = refusal(file, **options)
    assert finding.code == "C001" and "supplied" in finding.message
    bare = put("bare.csv", SUPPLY.replace(",decimals", ",logs"))
    finding = refusal(bare, constants={"debtor": "aave"}, **options)
    assert finding.code == "C007" and "'USDC'" in finding.message and "decimals=" in finding.fix
    places = {"USDC": 6, "WETH": 18}
    net = ct.read(bare, constants={"debtor": "aave"}, decimals=places, **options, **OPEN)
    assert net.amount.tolist() == [1250000.5, 1500000.0]
    said = ["--constant", "debtor=aave", "--unit", "USD", "--fx", "USDC=1", "--fx", "WETH=2000"]
    assert shell("check", file, *said, *LOOSE)[0] == 0
    with pytest.raises(ct.NetworkError, match="C007"):
        ct.read(file, constants={"debtor": "aave"}, **OPEN)


def test_binary_addresses_of_a_query(tmp_path):
    table = {"account": [b"\xab\xcd"], "token": ["WETH"], "raw_amount": ["3000000000000000000"],
             "decimals": [18]}  # fmt: skip
    pd.DataFrame(table).to_parquet(tmp_path / "d.parquet")
    net = ct.read(tmp_path / "d.parquet", constants={"debtor": "aave"}, unit="WETH", **OPEN)
    assert amounts(net) == {("0xabcd", "aave"): 3.0}


def test_user_reserves_of_a_subgraph(put):
    reserve = {"symbol": "WETH", "decimals": 18}
    rows = [
        {"user": {"id": "0x1"}, "reserve": reserve, "currentATokenBalance": "5" + "0" * 18,
         "currentTotalDebt": "0"},
        {"user": {"id": "0x2"}, "reserve": reserve, "currentATokenBalance": "0",
         "currentTotalDebt": "2" + "0" * 18},
    ]  # fmt: skip
    file = put("u.json", {"data": {"userReserves": rows}})
    net = ct.read(file, constants={"protocol": "aave"}, unit="WETH", **OPEN)
    assert amounts(net) == {("0x1", "aave"): 5.0, ("aave", "0x2"): 2.0}
    assert ct.read(put("v.json", rows), constants={"protocol": "aave"}, **OPEN).amount.sum() == 7
    assert refusal(file).code == "C001"


# -- positions ---------------------------------------------------------------------------------


def position(symbol, side, contracts, **more):
    return {"info": {"raw": 1}, "id": None, "symbol": symbol, "side": side, "contracts": contracts,
            "contractSize": 0.1, "entryPrice": 2000.0, "collateral": 500.0, "initialMargin": 400.0,
            "marginMode": "isolated", "maintenanceMarginPercentage": 0.01, **more}  # fmt: skip


def test_positions_as_ccxt_gives_them(put, shell):
    rows = [
        position("ETH/USDT:USDT", "long", 1000.0),
        position("ETH/USDT:USDT-251226", "short", 500.0, collateral=None),
        position("ETH/USDT:USDT", None, 0.0),
    ]
    file, own = put("p.json", rows), {"venue": "bybit", "holder": "main"}
    found = read_table(file, "positions", constants=own)
    columns = ["venue", "holder", "instrument", "size", "margin", "maintenance"]
    assert found.table[columns].values.tolist() == [
        ["bybit", "main", "ETH", 100.0, 500.0, 0.01], ["bybit", "main", "ETH", -50.0, 400.0, 0.01],
    ]  # fmt: skip
    said = " ".join(f.message for f in found.findings)
    for part in (
        "base of the symbol",
        "1 position without contracts",
        "1 margin from initialMargin",
    ):
        assert part in said
    rows = [row | {"exchange": "bybit", "account": "main"} for row in rows]
    book = ct.liquidation.MarginBook({"ETH": 2000.0}, rows)
    assert book.positions["size"].tolist() == [100.0, -50.0]
    cross = [row | {"marginMode": "cross"} for row in rows[:1] * 2]
    codes = [f.code for f in read_table(put("c.json", cross), "positions").findings]
    assert "W020" in codes
    each = read_table(put("c.json", cross), "positions", columns={"initialMargin": "margin"})
    assert each.table["margin"].tolist() == [400.0, 400.0]
    code, said = shell("check", file)
    assert code == 2 and "contagion cascade --positions" in said
    bent = put(
        "b.json", [*rows, position("BTC/USD:BTC", "long", 5.0, exchange="bybit", account="m")]
    )
    with pytest.raises(ct.NetworkError, match="not linear") as caught:
        read_table(bent, "positions")
    (fix,) = proposals(caught.value.findings[0].fix)
    assert len(read_table(bent, "positions", **fix).table) == 2


# -- matrices, and all of them -----------------------------------------------------------------


def test_a_matrix_with_everything(put, shell):
    text = (
        "Interbank claims;;;;\nEnd of 2023, EUR m;;;;\n\nbank;A;B;C;Total\nA;-;10,5;20;30,5\n"
        "B;5;-;7;12\nC;3;4;-;7\nTotal;8;14,5;27;49,5\nSource: survey;;;;\n"
    )
    file = put("m.csv", text)
    options = {"orientation": "creditor->debtor", "totals": "drop"}
    for more in ({}, {"format": "matrix"}):
        net = ct.read(file, **options, **more, **OPEN)
        assert net.amount.sum() == 49.5 and amounts(net)["A", "B"] == 10.5
    said = ["--orientation", "creditor-debtor", "--totals", "drop", "--format", "matrix"]
    assert shell("check", file, *said, *LOOSE)[0] == 0
    finding = refusal(file, orientation="creditor->debtor")
    assert finding.code == "C009"
    mended(file, shell, finding, orientation="creditor->debtor")


def test_the_wrong_format_is_refused_and_plain_reads_as_it_stands(put, shell):
    file = put("x.csv", "creditor,debtor,amount\na,b,1\n")
    with pytest.raises(ct.NetworkError, match="is not SDMX-CSV"):
        ct.read(file, format="sdmx", **OPEN)
    with pytest.raises(KeyError, match="Did you mean 'sdmx'"):
        ct.read(file, format="sdxm", **OPEN)
    assert ct.read(file, format="plain", **OPEN).amount.tolist() == [1.0]
    rows = put("y.csv", "lender,borrower,amount,state\na,b,1,open\na,b,5,closed\n")
    assert ct.read(rows, where={"state": "open"}, **OPEN).amount.tolist() == [1.0]
    assert shell("check", rows, "--where", "state=open", *LOOSE)[0] == 0
    lei = put("z.csv", "LEI_Code,Item,Amount,debtor\nL1,7,5,L2\n")
    net = ct.read(lei, format="plain", columns={"LEI_Code": "creditor"}, **OPEN)
    assert amounts(net) == {("L1", "L2"): 5.0}


def test_the_list_of_formats(shell):
    code, said = shell("formats")
    assert code == 0 and all(one.title in said for one in FORMATS.values())
    code, said = shell("formats", "--json")
    assert [row["name"] for row in json.loads(said)] == list(FORMATS)
