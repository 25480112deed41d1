"""The commands generate, sweep and reverse."""

from __future__ import annotations

import json

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest
from terminal import fits, flat

import contagion as ct
from contagion.study.texts import axis, free

pytestmark = pytest.mark.usefixtures("narrow")


def test_a_generated_network_can_be_read_and_run(cli, tmp_path):
    code, out, _ = cli(
        "generate", "erdos-renyi", "--set", "n=30", "--set", "degree=4", "--set", "capital=0.1",
        "--set", "kind=even", "--set", "mean=2", "--rng", "7", "--out", tmp_path / "net",
    )  # fmt: skip
    assert code == 0 and "30 nodes" in out
    net = ct.read(tmp_path / "net")
    want = ct.synthetic.generate.erdos_renyi(
        30,
        4,
        amounts=ct.synthetic.generate.Amounts("even", 2),
        sheets=ct.synthetic.generate.Sheets(capital=0.1),
        rng=7,
    )
    pd.testing.assert_frame_equal(net.balance_sheet, want.balance_sheet, check_names=False)
    assert net.name == want.name and set(net.amount) == {2.0}
    code, out, _ = cli("run", tmp_path / "net", "--default", net.names[0])
    assert code == 0 and "is destroyed" in out


def test_a_stack_keeps_its_holdings(cli, tmp_path):
    code, _, _ = cli(
        "generate", "defi-stack", "--set", "users=9", "--set", "protocols=4,2", "--out", tmp_path
    )
    assert code == 0
    net = ct.read(tmp_path)
    assert net.holdings is not None and (net.kinds == "vault").sum() == 4


def test_blocks_from_words(cli):
    code, out, _ = cli(
        "generate", "block", "--set", "sizes=bank:3,fund:4", "--set", "chance=0,0;1,0", "--json"
    )
    data = json.loads(out)
    assert code == 0 and (data["nodes"], data["exposures"]) == (7, 12)


def test_the_families_are_listed_with_their_parameters(cli):
    code, out, _ = cli("generate")
    assert code == 0 and fits(out)
    for name in ct.synthetic.generate.FAMILIES:
        assert name in out
    assert "n, degree, exponent, kind, mean, dispersion, interbank" in flat(out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate", "erdos-reny"], "Did you mean 'erdos-renyi'"),
        (["generate", "ring"], "give --set n="),
        (["generate", "ring", "--set", "n"], "write NAME=VALUE"),
        (["generate", "ring", "--set", "neighbors=2"], "neighbours"),
        (["generate", "erdos-renyi", "--set", "n=5", "--set", "degree=9"], "degree is 9"),
        (["sweep", "cefi_credit_2022", "--over", "shock.recovery"], "START:STOP:COUNT"),
        (
            ["sweep", "cefi_credit_2022", "--over", "shock.recovery=0:1:x"],
            "two numbers and a count",
        ),
        (["sweep", "cefi_credit_2022", "--over", "shok.recovery=0,1"], "Did you mean"),
        (
            ["sweep", "cefi_credit_2022", "--over", "shock.recovery=0,1", "--figure", "x.png"],
            "twice",
        ),
        (["reverse", "cefi_credit_2022"], "what the shock has to do"),
        (["reverse", "cefi_credit_2022", "--fail", "voyage"], "Did you mean 'voyager'"),
        (["reverse", "cefi_credit_2022", "--fail", "voyager", "--norm", "big"], "norm"),
        (
            ["reverse", "cefi_credit_2022", "--fail", "voyager", "--triggers", "--proportional"],
            "leave out",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_paragraph(cli, words, said):
    code, _, err = cli(*words)
    assert code == 2 and said in flat(err) and fits(err) and "Traceback" not in err


def test_sweep_equals_python(cli, tmp_path):
    file, figure = tmp_path / "cells.csv", tmp_path / "phase.png"
    code, out, _ = cli(
        "sweep", "cefi_credit_2022", "--over", "shock.recovery=0:1:3", "--over",
        "network.capital=1,2", "--measure", "loss", "--out", file, "--figure", figure,
    )  # fmt: skip
    assert code == 0 and fits(out.replace(str(tmp_path), "")) and figure.stat().st_size > 5000
    table = pd.read_csv(file)
    assert len(table[table["measure"] == "loss"]) == 6
    net = ct.datasets.load("cefi_credit_2022")
    result = ct.EisenbergNoe().propagate(
        net, ct.Shock.default("three_arrows", 0.5), baseline="cleared"
    )
    cell = table.query("measure == 'loss' and `shock.recovery` == 0.5 and `network.capital` == 1")
    assert cell["value"].iloc[0] == pytest.approx(result.loss.sum())
    _, out, _ = cli("sweep", "cefi_credit_2022", "--over", "shock.recovery=0,1", "--json")
    assert {row["shock.recovery"] for row in json.loads(out)["cells"]} == {0, 1}


def test_reverse_equals_python(cli):
    code, out, _ = cli("reverse", "cefi_credit_2022", "--fail", "voyager")
    assert code == 0 and fits(out) and "258 m USD in all" in out
    assert "no smaller one exists" in flat(out)
    _, out, _ = cli(
        "reverse", "cefi_credit_2022", "--fail", "voyager", "--hit", "three_arrows", "--json"
    )
    data = json.loads(out)
    assert data["exact"] and list(data["losses"]) == ["three_arrows"]
    code, out, _ = cli("reverse", "cefi_credit_2022", "--fail", "genesis", "--triggers")
    assert code == 0 and "takes 1: three_arrows" in flat(out)
    code, out, _ = cli("reverse", "cefi_credit_2022", "--reach", "300m", "--proportional")
    assert code == 0 and "in proportion to external assets" in flat(out)


def test_reverse_with_a_default_that_happens_anyway(cli):
    code, out, _ = cli(
        "reverse", "cefi_credit_2022", "--fail", "voyager", "--default", "three_arrows"
    )
    assert code == 0 and "0 USD in all" in out


def test_values_and_axes():
    assert free("1_000") == 1000 and free("x") == "x" and free("1;2") == [[1], [2]]
    assert axis("1m,2m", "a") == [1e6, 2e6] and axis([1, 2], "a") == [1, 2]
    assert axis("0:0.3:4", "a") == [0.0, 0.1, 0.2, 0.3]
