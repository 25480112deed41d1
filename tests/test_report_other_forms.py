"""PDF, workbook, LaTeX, folder of CSV, and what a notebook shows."""

from __future__ import annotations

import re
import sys

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from conftest import others_slow
from test_report import Page

import contagion as ct
from contagion.report.forms import escaped
from contagion.study.usual_outputs import usual

MODEL, SHOCK = ct.EisenbergNoe(), ct.Shock.default("three_arrows")


@pytest.fixture(scope="module")
def net():
    return ct.datasets.load("cefi_credit_2022")


@pytest.fixture(scope="module")
def result(net):
    return MODEL.propagate(net, SHOCK)


@pytest.fixture(scope="module")
def page(net, result, tmp_path_factory):
    file = ct.write_report(tmp_path_factory.mktemp("r") / "r.html", net, result)
    return Page(file.read_text("utf-8"))


def test_a_workbook_has_a_sheet_an_exhibit_with_numbers(tmp_path, net, result, page):
    file = ct.write_report(tmp_path / "r.xlsx", net, result)
    sheets = pd.read_excel(file, sheet_name=None, header=None, engine="calamine")
    assert next(iter(sheets)) == "R2" and set(sheets) == set(page.tables)
    frame = sheets["T10"]
    assert frame.iloc[3].tolist() == page.tables["T10"][0]
    amounts = pd.to_numeric(frame.iloc[4:-1, 4])
    assert amounts.sum() == pytest.approx(result.socialization.borne / 1e6, abs=0.6)
    again = ct.write_report(tmp_path / "again.xlsx", net, result)
    assert again.read_bytes() == file.read_bytes()


def test_tables_for_latex(tmp_path, net, result, page):
    text = ct.write_report(tmp_path / "r.tex", net, result).read_text("utf-8")
    assert text.count(r"\begin{tabularx}") == text.count(r"\end{tabularx}") == len(page.tables)
    for name in page.tables:
        assert rf"\label{{tab:{name}}}" in text
    assert "1,000.0 & 43\\% & 43\\% \\\\" in text
    assert not re.search(r"(?<!\\)[#_]", re.sub(r"%.*|\\label\{.*?\}", "", text))


def test_latex_sets_every_letter_of_a_name():
    assert escaped(r"a_b & {c}~\d") == r"a\_b \& \{c\}\textasciitilde{}\textbackslash{}d"


def test_a_folder_gets_the_tables_as_csv(tmp_path, net, result, page):
    folder = ct.write_report(f"{tmp_path}/tables/", net, result)
    assert {file.stem for file in folder.glob("*.csv")} == {*page.tables, "contents"}


def test_another_ending_is_refused(tmp_path, net):
    with pytest.raises(ct.ArgumentError, match="has to end in"):
        ct.write_report(tmp_path / "r.docx", net)
    assert not list(tmp_path.iterdir())


def test_a_pdf_or_how_to_get_one(tmp_path, net, result, monkeypatch):
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        pass
    else:
        file = ct.write_report(tmp_path / "r.pdf", net, result)
        assert file.read_bytes().startswith(b"%PDF")
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ct.MissingPackageError, match=r"contagion-risk\[pdf\]"):
        ct.write_report(tmp_path / "none.pdf", net, result)
    assert not (tmp_path / "none.pdf").exists()


@pytest.mark.parametrize("name", others_slow(["cefi_credit_2022", "three_venues"]))
def test_page_one_is_one_page_of_paper(tmp_path, name):
    weasyprint = pytest.importorskip("weasyprint")
    done = usual(ct.Study(name)).run()
    file = ct.write_report(tmp_path / "r.html", done)
    pages = weasyprint.HTML(str(file)).render().pages
    assert {"cover", "findings", "F7", "T0"} <= set(pages[0].anchors)
    assert "about" in pages[1].anchors  # nothing of page one is left over


# -- notebooks ----------------------------------------------------------------------------------


def test_notebooks_show_amounts_with_their_unit(net, result):
    study = ct.Study("neva_ring3")
    case = ct.experiments.Case(net, MODEL, SHOCK)
    shown = {
        "network": net, "result": result, "explanation": result.explain("celsius_users"),
        "stress": ct.stress_test(net, MODEL, ct.scenarios.single_defaults(net)),
        "sweep": ct.sweep(case, {"shock.recovery": [0.0, 0.5]}),
        "defaults": ct.measures.every_default(net, MODEL),
    }  # fmt: skip
    for what, thing in shown.items():
        text = thing._repr_html_()
        assert "USD m</th>" in text, what
        assert not re.search(r"\d(\.\d+)?e[+-]\d+|\d{9}", re.sub(r"\d{4}-\d\d", "", text)), what
    for thing in (study, study.run(), ct.rules.Waterfall([ct.rules.Layer("fund")])):
        assert "<p>" in thing._repr_html_()
    assert "[network]" in study._repr_html_()


def test_names_act_on_no_notebook():
    evil = "<script>x</script>"
    claims = {"creditor": ["b"], "debtor": [evil], "amount": [4.0]}
    nodes = {"node": [evil, "b"], "external_assets": [5.0, 1]}
    net = ct.ExposureNetwork(nodes, claims, name=evil)
    assert "<script" not in net._repr_html_()
