"""Snapshots are told apart: found, named, taken one by one, and never added up."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion.cli import run
from contagion.network.tables.snapshots import in_order, looks_like

OWED = pd.DataFrame(
    {
        "creditor": ["A", "A", "B", "B"],
        "debtor": ["B", "B", "C", "C"],
        "amount": [5000.0, 5200.0, 1200.0, 1300.0],
        "layer": ["2022-Q4", "2023-Q4"] * 2,
    }
)
NODES = pd.DataFrame({"node": ["A", "B", "C"], "equity": [6100.0, 1200.0, 2300.0]})


def finding(code: str, *args, **options) -> ct.errors.Finding:
    with pytest.raises(ct.NetworkError) as caught:
        ct.ExposureNetwork(*args, **options)
    assert [f.code for f in caught.value.findings] == [code]
    return caught.value.findings[0]


def test_layers_that_are_dates_ask_which_snapshot():
    found = finding("C013", NODES, OWED, unit="EUR m")
    assert found.count == 2 and found.amount == 6200.0
    net = ct.ExposureNetwork(NODES, OWED, period="2023-Q4")
    assert net.period == "2023-Q4" and net.amount.tolist() == [5200.0, 1300.0]
    lost = ct.models.Furfine().propagate(net, ct.Shock.default("B")).table.loc["A"]
    assert lost["loss"] == 5200.0 and not lost["defaulted"]


def test_every_proposed_fix_mends_it():
    fix = finding("C013", NODES, OWED).fix
    assert 'period="2023-Q4"' in fix and "ct.Panel instead of ct.ExposureNetwork" in fix
    columns = re.search(r'columns=(\{"layer": "instrument"\})', fix)
    assert columns
    for mend in ({"period": "2023-Q4"}, {"columns": {"layer": "instrument"}}):
        net = ct.ExposureNetwork(NODES, OWED, **mend)
        assert not (net.check()["severity"] == "error").any()
    assert len(ct.Panel(NODES, OWED)) == 2


@pytest.mark.parametrize("how", ["sum", "keep", "last", "max"])
@pytest.mark.parametrize(
    "cells",
    [
        ["2022-12-31", "2023-12-31"],
        ["31.12.2022", "31.12.2023"],
        ["2022H1", "2022H2"],
        ["Q4 2022", "Q4/2023"],
        ["Dec 2022", "March 2023"],
        [2022, 2023],
        [202212, 202303],
        [date(2022, 12, 31), date(2023, 12, 31)],
        list(pd.to_datetime(["2022-12-31", "2023-12-31"])),
        list(pd.period_range("2022Q4", periods=2, freq="Q")),
    ],
    ids=str,
)
def test_no_choice_about_duplicates_adds_snapshots(cells, how):
    table = OWED.drop(columns="layer").assign(report_date=cells * 2)
    assert "'report_date'" in finding("C013", NODES, table, duplicates=how).message
    net = ct.ExposureNetwork(NODES, table, duplicates=how, period=cells[0])
    assert net.amount.tolist() == [5000.0, 1200.0]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("layer", ["loans", "repo"]),
        ("maturity", ["2027-12-31", "2030-12-31"]),
        ("issue_date", ["2019-01-01", "2020-01-01"]),
        ("fee", [2001, 2002]),
        ("note", ["2022-Q4", "2023-Q4"]),
    ],
)
def test_what_is_no_period(name, cells):
    table = OWED.drop(columns="layer").assign(**{name: cells * 2})
    net = ct.ExposureNetwork(NODES, table, duplicates="keep")
    assert len(net.amount) == 4


def test_dates_on_which_different_pairs_were_told_are_no_snapshots():
    net = ct.ExposureNetwork(NODES, OWED.iloc[[0, 3]])
    assert len(net.amount) == 2 and not net.period


def test_a_column_period_of_several_is_refused_whatever_the_pairs():
    table = OWED.iloc[[0, 3]].rename(columns={"layer": "period"})
    finding("C013", NODES, table)


def test_one_period_is_a_network():
    table = OWED.iloc[[0, 2]].rename(columns={"layer": "period"})
    net = ct.ExposureNetwork(NODES.assign(period="2022-Q4"), table)
    assert net.period == "2022-Q4" and not len(net.check().query("code == 'C013'"))
    assert net.with_amounts([1.0, 2.0]).period == "2022-Q4"


def test_node_rows_of_the_period_go_before_rows_of_every_period():
    nodes = pd.DataFrame(
        {
            "node": ["A", "A", "B", "C", "D"],
            "equity": [6000.0, 6100.0, 1200.0, 2300.0, 1.0],
            "period": [None, "2023-Q4", None, None, "2022-Q4"],
        }
    )
    options = {"assume_equity": {"D": 4.0}, "start_defaulted": ["D"]}
    net = ct.ExposureNetwork(nodes, OWED, period="2023-Q4", **options)
    assert net.balance_sheet["equity"].to_dict() == {"A": 6100.0, "B": 1200.0, "C": 2300.0}
    old = ct.ExposureNetwork(nodes, OWED, period="2022-Q4")
    assert old.balance_sheet["equity"].to_dict() == {"A": 6e3, "B": 1200.0, "C": 2300.0, "D": 1.0}


def test_nodes_twice_in_a_column_of_dates_are_snapshots_too():
    nodes = pd.concat([NODES.assign(date="2022-12-31"), NODES.assign(date="2023-12-31")])
    table = OWED.iloc[[0, 2]].drop(columns="layer")
    found = finding("C013", nodes, table)
    assert "the nodes are of 2022-12-31 (3 rows), 2023-12-31 (3 rows)" in found.message
    assert len(ct.ExposureNetwork(nodes, table, period="2023-12-31")) == 3


def test_tables_beside_are_of_the_period_too():
    nodes = NODES.drop(columns="equity").assign(external_assets=1e4, external_liabilities=0.0)
    held = {"node": ["A", "A"], "asset": ["x", "x"], "value": [1.0, 2.0]}
    held["period"] = ["2022-Q4", "2023-Q4"]
    promised = pd.DataFrame({"guarantor": ["C", "C"], "debtor": ["B", "B"], "amount": [1.0, 7.0]})
    net = ct.ExposureNetwork(
        nodes,
        OWED.rename(columns={"layer": "period"}),
        holdings=held,
        guarantees=promised.assign(period=["2022-Q4", "2023-Q4"]),
        period="2023-Q4",
    )
    assert net.holdings_of("x").tolist() == [2.0, 0.0, 0.0]
    assert net.guarantees["amount"].tolist() == [7.0]


def test_an_unknown_period_names_those_there_are():
    with pytest.raises(ct.NetworkError, match="they have '2022-Q4', '2023-Q4'"):
        ct.ExposureNetwork(NODES, OWED, period="2024-Q4")
    with pytest.raises(ct.NetworkError, match="no column period"):
        ct.ExposureNetwork(NODES, OWED.drop(columns="layer").iloc[:1], period="2024-Q4")


def test_files_and_the_folder_that_is_written(tmp_path):
    nodes = NODES.drop(columns="equity").assign(external_assets=1e4, external_liabilities=0.0)
    OWED.to_csv(tmp_path / "exposures.csv", index=False)
    nodes.to_csv(tmp_path / "nodes.csv", index=False)
    with pytest.raises(ct.NetworkError, match="C013"):
        ct.read(tmp_path)
    net = ct.read(tmp_path, period="2022-Q4")
    net.write(tmp_path / "one")
    again = ct.read(tmp_path / "one")
    assert again.period == "2022-Q4" and again.amount.tolist() == net.amount.tolist()


def test_periods_sort_by_time_where_they_can():
    assert in_order(["Q1 2023", "Q4 2022", "Q2 2022"]) == ["Q2 2022", "Q4 2022", "Q1 2023"]
    assert in_order(["1.2.2023", "31.12.2022"]) == ["31.12.2022", "1.2.2023"]
    assert in_order(["Jan 2023", "Dec 2022"]) == ["Dec 2022", "Jan 2023"]
    assert in_order(["stress", "base"]) == ["stress", "base"]
    assert not looks_like(pd.Series([[1], [2]], name="date"))
    assert not looks_like(pd.Series([np.nan, np.nan], name="date"))


def test_dates_that_differ_are_told_with_every_run():
    table = OWED.iloc[[0, 2]].drop(columns="layer").assign(as_of=["2022-06", "2022-07"])
    net = ct.ExposureNetwork(NODES, table)
    text = " ".join(repr(ct.EisenbergNoe().propagate(net, ct.Shock.default("B"))).split())
    assert "warning: dates differ (W002): amounts are of 2 dates, from 2022-06 to 2022-07" in text


# -- tables that are no network -------------------------------------------------------------------

SNAPSHOTS = {
    "positions": "venue,holder,instrument,size,{0}\nv,h,ETH,1,2025-10-10\nv,h,ETH,3,2025-10-11\n",
    "loans": "protocol,borrower,collateral_asset,collateral,debt_asset,debt,threshold,{0}\n"
    "p,b,ETH,1,USDC,500,0.8,2025-10-10\np,b,ETH,3,USDC,900,0.8,2025-10-11\n",
    "claims": "claimant,amount,{0}\na,1,2025-10-10\na,3,2025-10-11\nb,2,2025-10-11\n",
    "margins": "node,interbank_assets,interbank_liabilities,{0}\na,1,0,2025-10-10\n"
    "b,0,1,2025-10-10\na,3,0,2025-10-11\nb,0,3,2025-10-11\n",
    "prices": "asset,price,{0}\nETH,2000,2025-10-10\nETH,1500,2025-10-11\n",
}  # fmt: skip
BOOK = ["--prices", "ETH=2000", "--prices", "USDC=1"]
READ = {
    "positions": ["liquidatable", "--positions", "positions.csv", *BOOK],
    "loans": ["liquidatable", "--loans", "loans.csv", *BOOK],
    "claims": ["allocate", "claims.csv", "--loss", "1", "--rule", "pro_rata"],
    "margins": ["reconstruct", "margins.csv"],
    "prices": ["liquidatable", "--positions", "one.csv", "--prices", "prices.csv"],
}
RIGHT = {"positions": "size", "loans": "debt", "claims": "amount", "margins": "interbank_assets",
         "prices": "price"}  # fmt: skip


@pytest.mark.parametrize("column", ["period", "snapshot date"])
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshots_never_add_up_anywhere(name, column, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / f"{name}.csv"
    file.write_text(SNAPSHOTS[name].format(column))
    (tmp_path / "one.csv").write_text("venue,holder,instrument,size\nv,h,ETH,1\n")
    with pytest.raises(ct.errors.NetworkError, match="not added up") as told:
        ct.read_table(file, name)
    (finding,) = told.value.findings
    assert finding.code == "C013" and 'period="2025-10-11"' in finding.fix
    later, earlier = (
        ct.read_table(file, name, period=day).table[RIGHT[name]].max()
        for day in ("2025-10-11", "2025-10-10")
    )
    assert later != earlier
    assert run(READ[name]) == 2
    assert "--period 2025-10-11" in " ".join(capsys.readouterr().err.split())
    assert run([*READ[name], "--period", "2025-10-11"]) == 0
    capsys.readouterr()
    assert run([*READ[name], "--period", "2025-10-12"]) == 2
    assert "no period '2025-10-12'" in " ".join(capsys.readouterr().err.split())


def test_a_period_of_a_table_without_periods_is_refused(tmp_path):
    file = tmp_path / "claims.csv"
    file.write_text("claimant,amount\na,1\n")
    with pytest.raises(ct.errors.ArgumentError, match="no table has periods"):
        ct.read_table(file, "claims", period="2022")


def test_dates_of_contracts_are_no_periods(tmp_path):
    file = tmp_path / "claims.csv"
    file.write_text("claimant,amount,date\na,1,2022-01-01\na,2,2022-02-01\n")
    read = ct.read_table(file, "claims", columns={"date": "trade_date"})
    assert read.table["amount"].tolist() == [1.0, 2.0]
