"""A file that is no table: one paragraph with its name, exit code 2, and never a traceback."""

from __future__ import annotations

import pytest
import rubbish
from conftest import others_slow

from contagion.cli import run

FILES = {
    "e.csv": "creditor,debtor,amount\na,b,1\nb,c,2\n",
    "n.csv": "node,equity\na,1\nb,1\nc,1\n",
    "p.csv": "venue,holder,instrument,size\nv,h,ETH,1\n",
    "m.csv": "node,interbank_assets,interbank_liabilities\na,1,2\nb,2,1\n",
    "c.csv": "claimant,amount\na,1\nb,1\n",
}
NET = ["e.csv", "--nodes", "n.csv"]
BOOK = ["--positions", "p.csv", "--prices", "ETH=1"]
READERS = {
    "exposures": ["check", "@"],
    "claims": ["allocate", "@", "--loss", "1", "--rule", "pro_rata"],
    "positions": ["liquidatable", "--positions", "@", "--prices", "ETH=1"],
    "loans": ["liquidatable", "--loans", "@", "--prices", "ETH=1"],
    "prices": ["cascade", "--positions", "p.csv", "--prices", "@", "--move", "ETH=-0.1"],
    "margins": ["reconstruct", "@"],
    "known": ["reconstruct", "m.csv", "--known", "@"],
    "nodes": ["check", "e.csv", "--nodes", "@"],
    "holdings": ["check", *NET, "--holdings", "@"],
    "guarantees": ["check", *NET, "--guarantees", "@"],
    "shareholdings": ["check", *NET, "--shareholdings", "@"],
    "network": ["cascade", *BOOK, "--move", "ETH=-0.1", "--network", "@"],
    "returns": ["stress", *NET, "--scenarios", "historical", "--set", "returns=@"],
    "run": ["run", "@", "--default", "a"],
    "rank": ["rank", "@"],
    "report": ["report", "@", "--default", "a"],
    "explain": ["explain", "@", "b", "--default", "a"],
    "compare": ["compare", "@", "--default", "a", "--rule", "b=pro_rata"],
    "sweep": ["sweep", "@", "--default", "a", "--over", "shock.recovery=0,1", "--measure", "loss"],
    "reverse": ["reverse", "@", "--fail", "a"],
    "stress": ["stress", "@"],
}
TOML = {
    "study": ["run", "@"],
    "check": ["check", "@"],
    "replicate": ["replicate", "package", "--study", "@"],
    "rule of a node": ["run", *NET, "--default", "c", "--rule", "b=@"],
    "rule of a loss": ["allocate", "c.csv", "--loss", "1", "--rule", "@"],
    "scenarios": ["stress", *NET, "--scenarios", "@"],
}


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """A call that has to refuse a file: one paragraph, its name, exit code 2."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)

    def call(words, kind, data):
        file = rubbish.put(tmp_path, kind, data)
        code = run([word.replace("@", file.name) for word in words])
        out, err = capsys.readouterr()
        said = " ".join((err or out).split())
        assert code == 2 and file.name in said, (kind, words, out, err)
        assert "\n\n" not in err.strip() and "Traceback" not in said
        assert words[0] == "check" or not out
        file.unlink()

    return call


@pytest.mark.parametrize("reader", others_slow(READERS, 4))
def test_a_file_that_is_no_table(reader, refused):
    for kind, data in rubbish.contents().items():
        refused(READERS[reader], kind, data)


@pytest.mark.parametrize("reader", TOML)
def test_a_file_that_is_no_toml(reader, refused):
    for data in rubbish.texts().values():
        refused(TOML[reader], ".toml", data.encode())
    refused(TOML[reader], ".toml", rubbish.RANDOM)
