"""Every command that computes ends with what was read, what was assumed and which warnings stand.

The commands are those that the program has: a new one has to say what it reads, or that it reads
nothing.
"""

from __future__ import annotations

import pytest

from contagion.cli import run
from contagion.cli.app import app

READS_NOTHING = {
    "datasets", "models", "columns", "rules", "formats", "generate", "init", "demo", "venues",
}  # fmt: skip
CHECKS = {"check"}  # all that it prints is about the data
BOOK = ["--positions", "positions.csv", "--prices", "ETH=2000"]
WORDS = {
    "run": ["net.csv", "--default", "C"],
    "explain": ["net.csv", "A", "--default", "C"],
    "report": ["net.csv", "--default", "C", "--no-ranking"],
    "rank": ["net.csv"],
    "compare": ["net.csv", "--default", "C", "--rule", "B=pro_rata"],
    "allocate": ["claims.csv", "--loss", "4", "--rule", "pro_rata"],
    "cascade": [*BOOK, "--move", "ETH=-0.3", "--network", "net.csv"],
    "liquidatable": BOOK,
    "sweep": ["net.csv", "--default", "C", "--over", "shock.recovery=0,0.5", "--measure", "loss"],
    "reverse": ["net.csv", "--fail", "A"],
    "stress": ["net.csv", "--scenarios", "single-defaults"],
    "reconstruct": ["margins.csv"],
    "replicate": ["package", "--study", "study.toml"],
}
FILES = {
    "net.csv": "row;creditor;debtor;amount\n1;A;B;10\n2;B;C;5\n3;A;B;0\n",
    "nodes.csv": "node,external_assets,equity\nA,3,4\nB,8,3\nC,9,4\n",
    "positions.csv": "venue,holder,instrument,side,size\nA,B,ETH,short,2\nA,C,ETH,long,0.001\n",
    "claims.csv": "account,balance\n001,5\n002,7\n",
    "margins.csv": "Bank,Interbank assets,Interbank liabilities\nA,3,2\nB,2,2\nC,1,2\n",
    "study.toml": '[network]\nsource = "net.csv"\nnodes = "nodes.csv"\nduplicates = "sum"\n'
    "[shock]\ndefault = { C = 0 }\n",
}
TOLD = {
    "allocate": ["claims.csv (2 claims)"],
    "cascade": ["positions.csv (2 positions)", "column side (C012)", "margin (0)", "--table",
                "net.csv (3 nodes, 2 exposures)"],
    "liquidatable": ["positions.csv (2 positions)", "maintenance (0.05)"],
    "reconstruct": ["margins.csv (3 nodes)"],
    "replicate": ["study.toml (3 nodes, 2 exposures)"],
}  # fmt: skip


def test_the_commands_are_all_here():
    known = {one.name or one.callback.__name__ for one in app.registered_commands}
    assert known == {*READS_NOTHING, *CHECKS, *WORDS}


@pytest.mark.parametrize("command", WORDS)
def test_a_command_ends_with_its_data(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    words = [command, *WORDS[command]]
    net = "net.csv" in words and command != "cascade"
    options = ["--nodes", "nodes.csv", "--repair", "duplicates=sum"]
    words += options if net or command == "cascade" else []
    assert run(words) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    last = [part for part in out.strip().split("\n\n") if part.startswith("Data: ")]
    assert last and out.strip().endswith(last[-1]), out
    said = " ".join(" ".join(last).split())
    for part in TOLD.get(command, ["net.csv (3 nodes, 2 exposures)", "duplicate pairs (C002)"]):
        assert part in said, said
    assert all(len(line) < 80 for line in out.splitlines())


def test_a_file_without_findings_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["rank", "neva_ring3"]) == 0
    said = capsys.readouterr().out.split("\n\n")[-1]
    assert said.startswith("Data: neva_ring3 (3 nodes, 3 exposures): ")


def test_another_table_is_checked_by_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert run(["check", "positions.csv", "--table", "positions", "--fix", "clean"]) == 0
    assert "short positions taken below 0" in capsys.readouterr().out
    assert run(["check", "clean/positions.csv", "--table", "positions"]) == 0
    assert "taken below 0" not in capsys.readouterr().out
    assert run(["check", "positions.csv", "--table", "loans"]) == 2
    assert run(["check", "positions.csv", "--table", "position"]) == 2
    assert "Did you mean 'positions'?" in capsys.readouterr().err


def test_a_study_with_a_market_works_in_every_command(tmp_path, monkeypatch, capsys):
    from test_study import FILES as MARKET_FILES
    from test_study import MARKET

    monkeypatch.chdir(tmp_path)
    for name, text in {**MARKET_FILES, "study.toml": MARKET}.items():
        (tmp_path / name).write_text(text)
    for words in (
        ["cascade", "study.toml"],
        ["cascade", "study.toml", "--move", "ETH=-0.1"],
        ["run", "study.toml"],
        ["stress", "study.toml", "--scenarios", "single-defaults"],
        ["report", "study.toml", "--no-ranking"],
        ["rank", "study.toml"],
        ["replicate", "package", "--study", "study.toml"],
    ):
        assert run(words) == 0, (words, capsys.readouterr().err)
        assert "Data: " in capsys.readouterr().out, words
    assert (tmp_path / "package" / "data" / "p.csv").is_file()
    assert run(["cascade", "study.toml", "--positions", "p.csv"]) == 2
    assert "a study sets this" in capsys.readouterr().err
    assert run(["cascade", "p.csv"]) == 2
    assert "--positions p.csv" in capsys.readouterr().err
