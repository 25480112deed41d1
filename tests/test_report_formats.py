"""The report as Markdown and as tables says what the page says; and the command that writes it."""

from __future__ import annotations

import csv
import re

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from test_report import Page
from typer.testing import CliRunner

import contagion as ct

MODEL = ct.EisenbergNoe()
SHOCK = ct.Shock.default("three_arrows")


@pytest.fixture(scope="module")
def net():
    return ct.datasets.load("cefi_credit_2022")


@pytest.fixture(scope="module")
def scenarios(net):
    return ct.scenarios.common_factor(net, scenarios=600, volatility=0.3, correlation=0.4, rng=7)


@pytest.fixture(scope="module")
def given(net, scenarios):
    case = ct.experiments.Case(net, MODEL, SHOCK, baseline="cleared")
    return {
        "sweeps": ct.sweep(case, {"shock.recovery": [0.0, 1.0], "network.capital": [1.0, 2.0]}),
        "stress": ct.stress_test(net, MODEL, scenarios, baseline="cleared"),
        "results": MODEL.propagate(net, SHOCK, baseline="cleared"),
        "ranking": ct.rank(net),
        "card": "cefi_credit_2022",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(net, given, folder):
    """The page, with its tables in the folder `made/tables`."""
    file = ct.write_report(folder / "r.html", net, tables=folder / "made" / "tables", **given)
    return Page(file.read_text("utf-8"))


def test_markdown_has_the_same_content(tmp_path, net, given, page):
    file = ct.write_report(tmp_path / "r.md", net, **given)
    text = file.read_text("utf-8")
    for exhibit, rows in page.tables.items():
        found = re.search(
            rf"^### [^\n]* \({re.escape(exhibit)}\)()$(.*?)(?=^##|\Z)", text, re.M | re.S
        )
        part = found[2]
        lines = [line for line in part.splitlines() if line.startswith("|")]
        assert len(lines) == len(rows) + (2 if exhibit == "C1" else 1), exhibit
    figures = re.findall(r"\(<(.*?)>\)", text)
    assert figures and all((tmp_path / name).read_text().startswith("<svg") for name in figures)
    assert "nan" not in text.split()


def test_markdown_leaves_names_as_they_are(tmp_path):
    nodes = {"node": ["a", "b"], "name": ["x|y_z*", "<b>"], "external_assets": [1.0, 9.0]}
    net = ct.ExposureNetwork(nodes, {"creditor": ["b"], "debtor": ["a"], "amount": [1.0]})
    text = ct.write_report(tmp_path / "r.md", net).read_text("utf-8")
    assert r"x\|y\_z\*" in text and r"\<b\>" in text


def test_tables_as_a_folder(folder, page):
    folder = folder / "made" / "tables"
    assert {file.stem for file in folder.iterdir()} == {*page.tables, "contents"}
    frame = pd.read_csv(folder / "T7.csv")
    assert frame["claims"].iloc[:-1].sum() == pytest.approx(frame["claims"].iloc[-1], abs=0.5)
    assert frame["claims less debts"].min() == pytest.approx(-4679.4)
    with (folder / "contents.csv").open(encoding="utf-8") as file:
        contents = {row["file"]: row for row in csv.DictReader(file)}
    assert contents["T7.csv"]["title"] == "Net lenders and net borrowers"
    assert "USD m" in contents["T7.csv"]["note"]


def test_the_command_adds_a_stress_test_from_its_folder(tmp_path, net, scenarios):
    from contagion.cli import app

    ct.stress_test(net, MODEL, scenarios, baseline="cleared", out=tmp_path / "run")
    out = tmp_path / "r.md"
    call = ["report", "cefi_credit_2022", "--default", "three_arrows", "--out", str(out),
            "--stress", str(tmp_path / "run"), "--tables", str(tmp_path / "csv")]  # fmt: skip
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    assert "600 scenarios" in " ".join(done.output.split()) and "Tables:" in done.output
    assert "(T13V)" in out.read_text("utf-8") and (tmp_path / "csv" / "T13.csv").exists()
