"""Studies on the command line: options write them, files run, a package replicates."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib

import pytest
from pandas.testing import assert_frame_equal
from terminal import fits, flat

import contagion as ct
from contagion.study.folders import HERE
from contagion.study.outputs import OUTPUTS

pytestmark = pytest.mark.usefixtures("narrow")
CHAIN = "cefi_credit_2022"


def printed(cli, *words) -> ct.Study:
    """The study that a command prints."""
    code, out, err = cli(*words, "--write-study", "-")
    assert (code, err) == (0, "")
    return ct.Study.from_dict(tomllib.loads(out))


SHOCKS = [
    (["--default", "celsius", "--recovery", "0.2"], ct.Shock.default("celsius", 0.2)),
    (["--loss", "celsius=200m"], ct.Shock.loss({"celsius": 2e8})),
    (["--relative", "5%"], ct.Shock.relative(0.05)),
    (["--relative", "celsius=0.1"], ct.Shock.relative(0.1, ["celsius"])),
    (["--equity", "genesis=1m"], ct.Shock.equity({"genesis": 1e6})),
    (["--equity-relative", "genesis=50%"], ct.Shock.equity(relative={"genesis": 0.5})),
    (["--equity-relative", "0.1"], ct.Shock.equity(relative=0.1)),
    (["--price", "ETH=-30%"], ct.Shock.price({"ETH": -0.3})),
    (["--depeg", "usdc=0.9"], ct.Shock.depeg("usdc", 0.9)),
    (["--recovery", "0.3"], ct.Shock.default("three_arrows", 0.3)),
]


@pytest.mark.parametrize("words, shock", SHOCKS, ids=[" ".join(w) for w, _ in SHOCKS])
def test_every_shock_has_words(cli, words, shock):
    assert printed(cli, "run", CHAIN, *words) == ct.Study(CHAIN, shock=shock)


def test_an_equity_shock_is_that_of_python(cli):
    data = json.loads(cli("run", CHAIN, "--equity-relative", "genesis=50%", "--json")[1])
    net = ct.datasets.load(CHAIN)
    plain = ct.EisenbergNoe().propagate(net, ct.Shock.equity(relative={"genesis": 0.5}))
    assert [row["loss"] for row in data["table"]] == plain.table["loss"].tolist()


def test_options_go_before_those_of_the_file(cli, tmp_path):
    study = ct.Study(CHAIN, shock=ct.Shock.default("celsius", 0.2), model="rogers-veraart",
                     baseline="book", outputs={"run": {}, "rank": {"recovery": 0.1}})  # fmt: skip
    file = study.write(tmp_path / "study.toml")
    assert printed(cli, "run", file) == study
    words = ["--param", "alpha=0.5", "--recovery", "0.4", "--baseline", "cleared"]
    assert printed(cli, "run", file, *words) == study.but(
        model=ct.models.RogersVeraart(0.5), shock=ct.Shock.default("celsius", 0.4),
        baseline="cleared")  # fmt: skip
    wanted = study.but(outputs={"rank": {"recovery": 0.1, "measures": ["hub"]}})
    assert printed(cli, "rank", file, "--measure", "hub") == wanted


def test_commands_write_their_studies(cli, tmp_path):
    written = tmp_path / "s.toml"
    words = {
        "run": (CHAIN, "--rule", "three_arrows=equal_losses"),
        "rank": (CHAIN, "--model", "debtrank"),
        "stress": (CHAIN, "--count", "300", "--rng", "3", "--level", "0.9"),
        "sweep": (CHAIN, "--over", "shock.recovery=0:1:3"),
        "reverse": (CHAIN, "--fail", "voyager"),
        "compare": ("okex_2018", "--rule", "equal:okex=equal_losses"),
        "report": (CHAIN, "--out", tmp_path / "r.html"),
    }
    for command, rest in words.items():
        code, out, err = cli(command, *rest, "--write-study", written)
        assert code == 0, err
        to = ("--out", tmp_path / "r.html") if command == "report" else ()
        again = cli(command, written, *to)
        assert again[0] == 0 and flat(again[1]).replace(str(written), rest[0]) == flat(out), command


def test_reading_options_are_keys_of_the_table_network(cli, tmp_path):
    """Of the door's one list, by their names; the study reads what the options read."""
    file = tmp_path / "claims.csv"
    file.write_text("Lender;Borrower;Sum\nb;a;1,5\nc;b;2,0\nc;b;4,0\n")
    words = [
        "--column",
        "creditor=Lender",
        "--column",
        "debtor=Borrower",
        "--column",
        "amount=Sum",
        "--decimal",
        ",",
        "--separator",
        ";",
        "--repair",
        "duplicates=sum",
        "--unit",
        "EUR",
    ]
    words += [word for node in "abc" for word in ("--assume-equity", f"{node}=5")]
    words += ["--default", "a"]
    study = printed(cli, "run", file, *words)
    named = {"Lender": "creditor", "Borrower": "debtor", "Sum": "amount"}
    assert study.network["columns"]["exposures"] == named
    assert study.network["decimal"] == "," and study.network["separator"] == ";"
    net = ct.read(file, columns=named, decimal=",", separator=";", duplicates="sum", unit="EUR",
                  assume_equity=dict.fromkeys("abc", 5.0))  # fmt: skip
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("a"))
    assert_frame_equal(study.run()["run"].table, result.table)
    placed = study.write(tmp_path / "study.toml")
    assert ct.Study.read(placed) == study.moved(tmp_path)
    code, out, _ = cli("run", placed, "--repair", "decimal=,")
    assert code == 2
    code, out, _ = cli("run", placed)
    assert code == 0 and f"contagion check {placed}" in flat(out)


def test_a_fix_is_a_key_of_the_study(cli, tmp_path):
    (tmp_path / "claims.csv").write_text("Lender,debtor,amount\nb,a,1\nc,b,2\nc,b,4\n")
    head = "[network]\nsource = 'claims.csv'\nassume_equity = { a = 5, b = 5, c = 5 }\n"
    head += "columns = { Lender = 'creditor' }\n"
    tail = "[shock]\ndefault = { a = 0 }\n"
    study = tmp_path / "study.toml"
    study.write_text(head + tail)
    for command in ("check", "run"):
        code, out, err = cli(command, study)
        assert code == 2 and '[network] duplicates = "sum"' in flat(out + err)
        assert "--repair" not in flat(out + err)
    study.write_text(head + 'duplicates = "sum"\n' + tail)
    assert cli("run", study)[0] == 0
    study.write_text(head.replace("Lender", "Lendr") + 'duplicates = "sum"\n' + tail)
    code, _, err = cli("run", study)
    assert code == 2 and "[network] columns = … names 'Lendr'" in flat(err)
    study.write_text(head.replace("{ Lender = 'creditor' }", "'Lender'") + tail)
    code, _, err = cli("run", study)
    assert code == 2 and "columns='Lender': write [network] columns = " in flat(err)


def test_a_study_of_several_outputs_runs_whole(cli, tmp_path):
    study = ct.Study("three_venues", outputs=["run", "rank", "triggers"]).but(
        outputs={"run": {}, "rank": {}, "triggers": {"fail": "ccp"}})  # fmt: skip
    file = study.write(tmp_path / "study.toml")
    code, out, _ = cli("run", file, "--out", tmp_path / "out")
    assert code == 0 and fits(out.replace(str(tmp_path), "x"))
    assert "[run]" in out and "[rank]" in out and "[triggers]" in out
    assert (tmp_path / "out" / "rank" / "ranking.csv").is_file()
    data = json.loads(cli("run", file, "--json")[1])
    assert {"study", "run", "rank", "triggers"} <= set(data)


def test_errors_name_the_file(cli, tmp_path):
    (tmp_path / "s.toml").write_text("[network]\nsource = 'neva_ring3'\n[modle]\nname = 'x'\n")
    code, out, err = cli("run", tmp_path / "s.toml")
    assert (code, out) == (2, "") and fits(err)
    assert flat(err) == "s.toml: Unknown table or key 'modle'. Did you mean 'model'?"
    code, _, err = cli("run", tmp_path / "none.toml")
    assert code == 2 and "contagion init" in flat(err)


# -- folders ------------------------------------------------------------------------------------


def test_init_writes_a_study_that_runs(cli, tmp_path):
    code, out, _ = cli("init", tmp_path / "mine")
    assert code == 0 and "study.toml" in out
    done = ct.Study.read(tmp_path / "mine" / "study.toml").run()
    net = ct.read(tmp_path / "mine" / "exposures.csv", nodes=tmp_path / "mine" / "nodes.csv",
                  unit="USD m")  # fmt: skip
    plain = ct.EisenbergNoe().propagate(net, ct.Shock.default("fund", 0.25))
    assert_frame_equal(done["run"].table, plain.table, check_exact=True)
    code, _, err = cli("init", tmp_path / "mine")
    assert code == 2 and "nothing is replaced" in flat(err)


def opened(lines: list[str], first: int) -> tuple[int, list[str]]:
    """The line after the option or table that begins at a line, and the file with it opened."""
    last = first + 1
    while lines[first].startswith("# [") and last < len(lines) and lines[last].startswith("# "):
        last += 1
    free = [line.removeprefix("# ") for line in lines[first:last]]
    return last, [*lines[:first], *free, *lines[last:]]


def test_every_line_of_the_starter_is_right():
    """With the # taken away from one option, or one table, at a time it is a study."""
    text = (HERE / "starter" / "study.toml").read_text("utf-8")
    lines, at, tried = text.splitlines(), 0, 0
    while at < len(lines):
        if not re.match(r"# (\[|\w+ = )", lines[at]):
            at += 1
            continue
        name = re.match(r"# \[(\w+)", lines[at])
        at, found = opened(lines, at)
        if "alpha" in found[at - 1] or found[at - 1].startswith("name"):  # two of one name
            continue
        wanted = name[1] if name and name[1] in OUTPUTS else "run"
        said = "\n".join(found).replace('outputs = ["run", ', f'outputs = ["run", "{wanted}", ')
        ct.Study.from_dict(tomllib.loads(said))
        tried += 1
    assert tried > 20


def test_the_examples_run(cli, tmp_path):
    code, out, _ = cli("demo", tmp_path / "demo")
    assert code == 0 and out.count("contagion run") == 3
    for file in sorted((tmp_path / "demo").iterdir()):
        done = ct.Study.read(file).run()
        assert set(done.results) == set(done.study.outputs)


@pytest.mark.parametrize("command", ["rank", "compare", "sweep", "stress", "explain"])
def test_an_output_is_printed_as_its_command_prints_it(cli, tmp_path, command):
    place = tmp_path / "study.toml"
    place.write_text(
        f"""outputs = ["{command}"]
        network.source = "three_venues"
        shock.default = {{ desk = 0 }}
        scenarios = {{ kind = "common-factor", volatility = 0.3, scenarios = 50 }}
        """
        + {
            "rank": 'rank.measures = ["hub", "katz_debtor"]',
            "compare": 'compare.rules."equal losses".exchange = "equal_losses"',
            "sweep": '[sweep.grid]\n"shock.recovery" = [0, 0.5]',
            "stress": "stress.levels = [0.9]",
            "explain": 'explain.nodes = ["bank_1"]',
        }[command]
    )
    words = [command, place, *(["bank_1"] if command == "explain" else [])]
    assert cli("run", place)[:2] == cli(*words)[:2] != (2, "")


@pytest.mark.parametrize("own", [False, True])
def test_a_package_gives_the_same_bytes(cli, tmp_path, monkeypatch, own):
    cli("init", tmp_path / "mine")
    if not own:
        ct.Study("neva_ring3", outputs=["run", "rank", "stress"],
                 scenarios={"kind": "defaults", "probabilities": 0.1, "scenarios": 300},
                 ).write(tmp_path / "mine" / "study.toml")  # fmt: skip
    package = tmp_path / "package"
    code, out, err = cli("replicate", package, "--study", tmp_path / "mine" / "study.toml")
    assert (code, err) == (0, "") and fits(out.replace(str(tmp_path), "x"))
    sums = dict(
        line.split("  ")[::-1] for line in (package / "SHA256SUMS").read_text().splitlines()
    )
    assert {"study.toml", "lock.txt", "README.md", "report.html", "results/summary.json"} <= set(
        sums
    )
    for name, digest in sums.items():
        assert hashlib.sha256((package / name).read_bytes()).hexdigest() == digest
    monkeypatch.chdir(package)
    assert cli("run", "study.toml", "--out", "again")[0] == 0
    assert cli("report", "study.toml", "--out", "again.html")[0] == 0
    assert (package / "again.html").read_bytes() == (package / "report.html").read_bytes()
    for file in (package / "results").rglob("*"):
        if file.is_file():
            other = package / "again" / file.relative_to(package / "results")
            assert file.read_bytes() == other.read_bytes()
    text = (package / "README.md").read_text("utf-8")
    for head in (
        "Data availability",
        "Computational requirements",
        "Instructions",
        "List of outputs",
    ):
        assert f"## {head}" in text
    assert re.search(r"^numpy==\d", (package / "lock.txt").read_text(), re.M)
    assert ("TO BE COMPLETED by the authors: who published" in text) is own
    assert "the table, figure or number of the paper that each file gives" in text
    assert f"contagion {ct.__version__}" in text and re.search(r"took [\d,]+ seconds", text)
    assert all(paper in text for paper in ct.cite("eisenberg-noe").split("\n\n"))
    code, _, err = cli("replicate", package)
    assert code == 2
