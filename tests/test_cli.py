"""The command line: exit codes, JSON, tables that fit, and errors of one paragraph."""

from __future__ import annotations

import json
import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from terminal import fits, flat

import contagion as ct
from contagion.cli.app import COMMANDS, loaded, summary
from contagion.cli.read_options import keywords
from contagion.cli.specifying import Data, modelled
from contagion.study.texts import number

CHAIN = "cefi_credit_2022"


pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "good.csv").write_text("creditor,debtor,amount\na,b,10\nb,c,5\n")
    (tmp_path / "turned.csv").write_text("x,y,amount\na,b,10\nb,c,5\n")
    (tmp_path / "bad.csv").write_text("creditor,debtor,amount\na,b,-10\na,b,5\nb,b,3\nc,a,7\n")
    (tmp_path / "loop.csv").write_text("creditor,debtor,amount\na,b,10\na,b,5\nb,b,3\nc,a,7\n")
    (tmp_path / "nodes.csv").write_text("node,equity\na,3\nb,2\nc,4\n")
    return tmp_path


def one_paragraph(text: str) -> bool:
    return bool(text.strip()) and "Traceback" not in text and "\n\n" not in text and fits(text)


@pytest.mark.parametrize(
    "words",
    [
        ["datasets"],
        ["datasets", CHAIN],
        ["models"],
        ["columns"],
        ["run", CHAIN],
        ["run", CHAIN, "--model", "debtrank"],
        ["run", CHAIN, "--period", "2022-11", "--default", "alameda", "--default", "ftx_com"],
        ["run", "bis_cbs_2022q4"],
        ["run", "stream_elixir_2025", "--baseline", "book"],
        ["explain", CHAIN, "celsius"],
        ["explain", "stream_elixir_2025", "deusd_holders"],
        ["rank", CHAIN],
        ["rank", CHAIN, "--model", "eisenberg-noe", "--model", "furfine", "--top", "3"],
        ["--help"],
        ["--version"],
        *([name, "--help"] for name in ("run", "check", "rank", "report", "explain")),
    ],
    ids=" ".join,
)
def test_output_fits_a_narrow_terminal(cli, words):
    code, out, err = cli(*words)
    assert code == 0 and err == "" and out.strip()
    assert fits(out)


def test_run_prints_the_numbers_of_the_result(cli):
    _, out, _ = cli("run", CHAIN, "--default", "three_arrows")
    assert "2.306 bn USD" in out and "(100%) is socialized" in " ".join(out.split())
    assert "assumption: equity of genesis assumed 200 m USD" in out


def test_run_json_equals_python(cli):
    code, out, _ = cli("run", CHAIN, "--default", "three_arrows", "--recovery", "0.1", "--json")
    data = json.loads(out)
    net = ct.datasets.load(CHAIN)
    result = ct.EisenbergNoe().propagate(
        net, ct.Shock.default("three_arrows", 0.1), baseline="cleared"
    )
    assert code == 0 and data["baseline"] == "cleared" and data["unit"] == "USD"
    assert data["socialization"] == pytest.approx(result.socialization.to_dict())
    losses = {row["node"]: row["loss"] for row in data["table"]}
    assert losses == pytest.approx(result.table["loss"].to_dict())
    assert sum(row["amount"] for row in data["bearers"]) == pytest.approx(
        result.socialization.borne
    )
    unknown = next(row for row in data["table"] if row["node"] == "deribit")
    assert unknown["equity_before"] is None  # not known, and not NaN in JSON


@pytest.mark.parametrize(
    "words",
    [
        ["datasets", "--json"],
        ["datasets", CHAIN, "--json"],
        ["models", "--json"],
        ["check", "{good}", "--nodes", "{nodes}", "--json"],
        ["rank", CHAIN, "--json"],
        ["explain", CHAIN, "celsius", "--json"],
        ["run", CHAIN, "--model", "gai-kapadia", "--json"],
    ],
    ids=" ".join,
)
def test_json_is_all_there_is_on_stdout(cli, files, words):
    places = {"good": files / "good.csv", "nodes": files / "nodes.csv"}
    code, out, err = cli(*(word.format(**places) for word in words))
    assert code == 0 and err == ""
    assert json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_out_writes_tables_that_read_back(cli, tmp_path):
    code, out, _ = cli("run", CHAIN, "--out", tmp_path / "deep" / "results")
    folder = tmp_path / "deep" / "results"
    assert code == 0 and "summary.json" in out
    summary = json.loads((folder / "summary.json").read_text())
    assert ct.Study.read(folder / "study.toml") == ct.Study(CHAIN)
    bearers = pd.read_csv(folder / "bearers.csv")
    assert bearers["amount"].sum() == pytest.approx(summary["socialization"]["borne"])
    assert len(pd.read_csv(folder / "table.csv")) == summary["nodes"]
    assert len(pd.read_csv(folder / "flows.csv")) == summary["exposures"]
    assert set(pd.read_csv(folder / "path.csv")) == {"round", "node", "equity", "defaulted"}


def test_models_lists_the_registry(cli):
    rows = json.loads(cli("models", "--json")[1])
    assert [row["name"] for row in rows] == list(ct.models.MODELS)
    assert rows[1]["parameters"]["alpha"] == 0.9


def test_first_run_of_the_card_is_the_default(cli):
    data = json.loads(cli("run", "bis_cbs_2022q4", "--json")[1])
    assert data["shock"] == "Shock.default('US', recovery=0.95)"
    data = json.loads(cli("run", "bis_cbs_2022q4", "--recovery", "0.5", "--json")[1])
    assert data["shock"] == "Shock.default('US', recovery=0.5)"


def test_loss_and_parameters(cli):
    words = ["run", CHAIN, "--loss", "voyager=1.2bn", "--loss", "blockfi=10m"]
    data = json.loads(cli(*words, "--model", "rogers-veraart", "--param", "alpha=0.8", "--param",
                          "which=greatest", "--json")[1])  # fmt: skip
    assert data["shock"] == "Shock.loss({'voyager': 1200000000.0, 'blockfi': 10000000.0})"
    assert "alpha=0.8" in data["model"]["repr"] and "which='greatest'" in data["model"]["repr"]
    assert data["socialization"]["initial_loss"] == pytest.approx(1.21e9)


def test_assumed_equity_of_the_card_can_be_changed(cli):
    data = json.loads(cli("run", CHAIN, "--assume-equity", "genesis=2bn", "--json")[1])
    genesis = next(row for row in data["table"] if row["node"] == "genesis")
    assert genesis["equity_before"] == 2e9 and not genesis["defaulted"]
    blockfi = next(row for row in data["table"] if row["node"] == "blockfi")
    assert blockfi["equity_before"] == 1e8  # as in the card


def test_explain_does_not_blame_three_arrows_for_celsius(cli):
    _, out, _ = cli("explain", CHAIN, "celsius")
    flat = " ".join(out.split())
    assert "was insolvent by 1.19 bn USD before the shock" in flat and "40.6" in flat


def test_check_clean_findings_and_errors(cli, files):
    code, out, _ = cli("check", files / "good.csv", "--nodes", files / "nodes.csv", "--unit", "USD")
    assert code == 0 and "W008" in out and fits(out)
    code, out, _ = cli("check", files / "bad.csv", "--nodes", files / "nodes.csv")
    assert code == 2 and "C006" in out and "--repair" in out and fits(out)
    code, out, _ = cli("check", files / "loop.csv", "--nodes", files / "nodes.csv")
    assert code == 2 and "C002" in out and "C003" in out and out.count("Fix:") == 2
    code, out, _ = cli("check", files / "bad.csv", "--nodes", files / "nodes.csv", "--json")
    data = json.loads(out)
    assert code == 2 and not data["ok"] and data["findings"][0]["code"] == "C006"


def test_check_says_clean(cli, tmp_path):
    (tmp_path / "e.csv").write_text("creditor,debtor,amount\na,b,1\n")
    (tmp_path / "n.csv").write_text("node,external_assets,external_liabilities\na,9,1\nb,9,1\n")
    code, out, _ = cli("check", tmp_path / "e.csv", "--nodes", tmp_path / "n.csv")
    assert code == 0 and "clean" in out


def test_repairs_as_the_findings_propose_them(cli, files):
    fixes = ["negative=abs", "duplicates=sum", "self_loops=drop"]
    words = [word for fix in fixes for word in ("--repair", fix)]
    code, out, _ = cli("check", files / "bad.csv", "--nodes", files / "nodes.csv", *words)
    assert code == 0 and out.count("(repaired)") == 3
    code, out, _ = cli("run", files / "good.csv", "--repair", "missing_equity=external",
                       "--default", "b", "--json")  # fmt: skip
    assert code == 0 and json.loads(out)["socialization"]["initial_loss"] == 10


def test_orientation_without_quotes(cli, files):
    words = ["run", files / "turned.csv", "--nodes", files / "nodes.csv", "--json", "--default"]
    one = json.loads(cli(*words, "b", "--orientation", "creditor-debtor")[1])
    two = json.loads(cli(*words, "b", "--orientation", "debtor->creditor")[1])
    assert [row["bearer"] for row in one["bearers"]] != [row["bearer"] for row in two["bearers"]]


ERRORS = [
    (["run", "cefi_credit_2023"], "Did you mean the dataset 'cefi_credit_2022'?"),
    (["check", "no.csv"], "no dataset and no file"),
    (["run", CHAIN, "--default", "celsuis"], "Did you mean 'celsius'?"),
    (["run", CHAIN, "--default", "three_arrows", "--recovery", "2"], "[0, 1]"),
    (["run", CHAIN, "--loss", "celsius"], "NODE=AMOUNT"),
    (["run", CHAIN, "--loss", "celsius=lots"], "not an amount"),
    (["run", CHAIN, "--loss", "celsius=90bn"], "cannot lose"),
    (["run", CHAIN, "--model", "debtrnk"], "Did you mean 'debtrank'?"),
    (["run", CHAIN, "--model", "rogers-veraart", "--param", "alfa=1"], "Did you mean 'alpha'?"),
    (["run", CHAIN, "--model", "rogers-veraart", "--param", "alpha=x"], "column of numbers 'x'"),
    (["run", CHAIN, "--model", "rogers-veraart", "--param", "alpha=3"], "between 0 and 1"),
    (["run", CHAIN, "--model", "rogers-veraart", "--param", "which=best"], "'greatest'"),
    (["run", CHAIN, "--model", "furfine", "--param", "strict=yes"], "true or false"),
    (["run", CHAIN, "--baseline", "face"], "choose 'book' or 'cleared'"),
    (["run", CHAIN, "--period", "2022-12"], "no period"),
    (["run", CHAIN, "--period", "2022-11"], "does not have"),
    (["run", CHAIN, "--repair", "duplicate=sum"], "Did you mean 'duplicates'?"),
    (["run", CHAIN, "--repair", "duplicates=add"], "'sum'"),
    (["run", CHAIN, "--fx", "EUR"], "CODE=WORTH"),
    (["run", CHAIN, "--assume-equity", "genesiss=1"], "genesis"),
    (["run", CHAIN, "--orientation", "creditor-"], "creditor-debtor"),
    (["run", CHAIN, "--bogus"], "--bogus"),
    (["explain", CHAIN, "celsiu"], "Did you mean 'celsius'?"),
    (["datasets", "cefi"], "Did you mean"),
    (["report", CHAIN, "--out", "/no/such/folder/r.html"], "no folder"),
    (["run"], "DATASET-OR-FILE"),
    (["frobnicate"], "frobnicate"),
    (["rank", CHAIN, "--recovery", "7"], "--recovery"),
]


@pytest.mark.parametrize("words, hint", ERRORS, ids=[" ".join(words) for words, _ in ERRORS])
def test_errors_are_one_paragraph(cli, words, hint):
    code, out, err = cli(*words)
    assert code == 2 and out == ""
    assert one_paragraph(err)
    assert hint in " ".join(err.split())


def test_errors_of_the_tables_show_all_findings(cli, files):
    code, out, err = cli("run", files / "loop.csv", "--nodes", files / "nodes.csv")
    assert code == 2 and out == "" and "C002" in err and "C003" in err and fits(err)
    code, _, err = cli("run", files / "good.csv", "--nodes", files / "nodes.csv")
    assert code == 2 and "--default NODE" in err


def test_ambiguous_solution_is_told_how_to_choose(cli, tmp_path):
    (tmp_path / "e.csv").write_text("creditor,debtor,amount\na,b,10\nb,a,10\n")
    (tmp_path / "n.csv").write_text("node,external_assets,external_liabilities\na,1,0.5\nb,1,0.5\n")
    words = ["run", tmp_path / "e.csv", "--nodes", tmp_path / "n.csv", "--loss", "a=0.2",
             "--model", "rogers-veraart", "--param", "alpha=.1", "--param", "beta=.1"]  # fmt: skip
    code, out, err = cli(*words)
    assert code == 2 and out == "" and "which=" in err


def test_report_writes_the_file_and_prints_findings(cli, tmp_path):
    file = tmp_path / "report.html"
    code, out, _ = cli("report", CHAIN, "--default", "three_arrows", "--out", file)
    assert code == 0 and fits(out.replace(str(file), "report.html"))
    text = file.read_text("utf-8")
    assert "Three Arrows Capital" in text and 'source = "cefi_credit_2022"' in text.replace(
        "&#34;", '"'
    )
    assert "Voyager and Genesis" in out
    data = json.loads(cli("report", CHAIN, "--out", file, "--no-ranking", "--json")[1])
    assert data["report"] == str(file) and len(data["findings"]) >= 4
    assert "This section needs a ranking" in file.read_text("utf-8")


def test_as_a_program():
    done = subprocess.run(
        [sys.executable, "-c", "from contagion.cli import main; main(['run', 'nothing'])"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stdout == "" and one_paragraph(done.stderr)


def test_the_list_of_commands_says_what_each_does():
    for name in COMMANDS:
        text = loaded(name).help
        assert summary(name) == " ".join(text.split("\n\n")[0].split()), name


@pytest.mark.parametrize(
    "text, value", [("2e8", 2e8), ("200m", 2e8), ("1,500", 1500), ("0.2bn", 2e8), ("-3k", -3000)]
)
def test_amounts(text, value):
    assert number(text, "--loss") == value


@pytest.mark.parametrize("text", ["", "m", "1mm", "x", "1e", "2 apples"])
def test_not_amounts(text):
    with pytest.raises(ValueError, match="not an amount"):
        number(text, "--loss")


def test_repairs_and_models_from_words():
    def repairs(*texts):
        return {k: v for k, v in Data(repair=list(texts)).study(CHAIN).network.items()
                if k != "source"}  # fmt: skip

    assert keywords({"fx": ["EUR=1.08", "GBP=1.25"]}) == {"fx": {"EUR": 1.08, "GBP": 1.25}}
    assert repairs("id_map=Old:new", "start_defaulted=a, b") == {
        "id_map": {"Old": "new"},
        "start_defaulted": ["a", "b"],
    }
    assert repairs("aggregates=drop") == {"aggregates": "drop"}
    assert repairs("aggregates=World") == {"aggregates": ["World"]}
    wanted = ct.models.RogersVeraart(0.5, which=None, strict=False, tolerance=1e-7)
    words = ["alpha=0.5", "which=none", "strict=false", "tolerance=1e-7"]
    assert modelled(ct.Study(CHAIN), "rogers-veraart", words).model == wanted


def test_rank_by_all_measures_says_whether_they_agree(cli):
    """One table of ranks, every definition, what is not defined and why, and the sentence."""
    code, out, _ = cli("rank", "bis_cbs_2022q4", "--measure", "all")
    assert code == 0 and fits(out)
    text = flat(out)
    for name in (
        "hub centrality",
        "SinkRank",
        "socialized loss caused",
        "Katz centrality, creditor",
    ):
        assert name in text and ct.measures.MEASURES  # a row and a definition
    assert "median Kendall's τ" in text and "They disagree on who is first: US" in text
    assert "–: capital is not known (vulnerability index)" in text
    hub = next(line for line in out.splitlines() if line.startswith("hub centrality"))
    table = ct.rank(ct.datasets.load("bis_cbs_2022q4"), measures=["hub"])
    head = next(line for line in out.splitlines() if line.startswith("measure"))
    ranks = table["hub"].rank(ascending=False)
    assert [float(r) for r in hub.split()[2:]] == [ranks[node] for node in head.split()[1:]]


def test_rank_by_chosen_measures_as_json(cli):
    code, out, _ = cli(
        "rank", "cefi_credit_2022", "--measure", "debtrank", "--measure", "hub", "--json"
    )
    data = json.loads(out)
    assert code == 0 and set(data["measures"]) == {"debtrank", "hub"}
    assert "agreement" in data and data["tau"]["debtrank"]["hub"] == data["tau"]["hub"]["debtrank"]
    assert "reasons" not in data and isinstance(data["undefined"], dict)
    code, _, err = cli("rank", "cefi_credit_2022", "--measure", "debtrnk")
    assert code == 2 and "Did you mean 'debtrank'" in flat(err)
