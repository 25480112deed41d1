"""The command reconstruct."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from terminal import fits, flat

import contagion as ct
from contagion.network.tables.surfaces import on_command_line

CEFI = "cefi_credit_2022"
MARGINS = """node,interbank_assets,interbank_liabilities,external_assets,equity
a,3,1,4,2
b,2,2,3,1
c,1,3,6,1
"""


pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def margins(tmp_path):
    file = tmp_path / "margins.csv"
    file.write_text(MARGINS)
    return file


@pytest.mark.parametrize("method", ["maximum-entropy", "minimum-density", "fitness",
                                    "configuration", "gibbs"])  # fmt: skip
def test_networks_on_disk_have_the_margins_of_the_table(cli, margins, tmp_path, method):
    words = ["--density", "0.8"] if method in ("fitness", "gibbs") else []
    words += [] if method == "maximum-entropy" else ["--samples", "2"]
    words += ["--set", "burn_in=20"] if method == "gibbs" else []
    code, out, _ = cli("reconstruct", margins, "--method", method, *words, "--unit", "EUR",
                       "--out", tmp_path / "nets")  # fmt: skip
    folders = sorted(path.name for path in (tmp_path / "nets").iterdir())
    assert code == 0 and fits(out.replace(str(tmp_path), ""))
    assert folders == ["000", "001"][: 1 if method == "maximum-entropy" else 2]
    for folder in folders:
        net = ct.read(tmp_path / "nets" / folder)
        sheet = net.balance_sheet
        assert sheet["claims"].tolist() == pytest.approx([3, 2, 1], rel=1e-9)
        assert sheet["debts"].tolist() == pytest.approx([1, 2, 3], rel=1e-9)
        assert sheet["external_assets"].tolist() == [4, 3, 6] and net.unit == "EUR"
        assert sheet["equity"].tolist() == pytest.approx([2, 1, 1])


def test_margins_of_a_dataset_are_taken(cli, tmp_path):
    code, out, _ = cli("reconstruct", "bis_cbs_2022q4", "--method", "fitness", "--density", "0.4",
                       "--samples", 15, "--rng", 3, "--json")  # fmt: skip
    data = json.loads(out)
    want = ct.synthetic.reconstruct.fitness(
        ct.synthetic.reconstruct.Margins.from_network(ct.datasets.load("bis_cbs_2022q4")),
        density=0.4, samples=15, rng=3,
    )  # fmt: skip
    assert code == 0 and [row["links"] for row in data["networks"]] == want.links.tolist()
    assert [row["margin_error"] for row in data["networks"]] == want.margin_errors.tolist()
    assert data["parameters"] == {"density": 0.4, "samples": 15, "rng": 3}
    code, out, _ = cli("reconstruct", "bis_cbs_2022q4", "--method", "fitness", "--density", "0.4",
                       "--samples", 15, "--rng", 3)  # fmt: skip
    assert fits(out) and "(3 more networks" in out and f"{want.density[1]:.4f}" in out


def test_a_chain_says_what_it_is_worth(cli):
    words = ("reconstruct", "bis_cbs_2022q4", "--method", "gibbs", "--density", "0.5", "--samples",
             "20", "--set", "burn_in=100")  # fmt: skip
    code, out, _ = cli(*words)
    assert code == 0 and "independent networks: links" in flat(out)
    _, out, _ = cli(*words, "--json")
    assert set(json.loads(out)["chain"]) == {"links", "concentration"}


def test_known_exposures_stay_and_a_residual_takes_the_rest(cli, margins, tmp_path):
    seen = tmp_path / "seen.csv"
    seen.write_text("creditor,debtor,amount\na,c,1.25\n")
    cli("reconstruct", margins, "--known", seen, "--out", tmp_path / "nets")
    table = ct.read(tmp_path / "nets" / "000").exposures
    assert table.query("creditor == 'a' and debtor == 'c'")["amount"].tolist() == [1.25]
    margins.write_text(MARGINS.replace("a,3,", "a,9,"))
    code, _, err = cli("reconstruct", margins)
    assert code == 2 and fits(err)
    with pytest.raises(ct.NetworkError) as error:
        ct.synthetic.reconstruct.Margins.from_table(pd.read_csv(margins))
    assert flat(err) == flat(on_command_line(str(error.value)))
    code, out, _ = cli("reconstruct", margins, "--residual", "world", "--json")
    assert code == 0 and json.loads(out)["nodes"] == 4


def test_a_table_without_equity_takes_assumptions(cli, margins, tmp_path):
    margins.write_text("node,interbank_assets,interbank_liabilities,equity\na,3,1,2\nb,2,2,1\n"
                       "c,1,3,\n")  # fmt: skip
    cli("reconstruct", margins, "--assume-equity", "c=5", "--out", tmp_path / "nets")
    assert ct.read(tmp_path / "nets" / "000").balance_sheet.loc["c", "equity"] == 5


def test_the_methods_are_listed(cli):
    code, out, _ = cli("reconstruct")
    assert code == 0 and fits(out) and "--density, --samples, --set odds" not in out
    assert "--density, --samples, --set links, exact_margins" in flat(out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "max-entropy"], "Did you mean 'maximum-entropy'"),
        (["--density", "0.3"], "choose --method fitness or gibbs"),
        (["--samples", "3"], "--samples: maximum-entropy does not take it"),
        (["--method", "fitness"], "fitness needs --density SHARE, or --set links="),
        (["--method", "gibbs", "--set", "burn=3"], "Did you mean 'burn_in'"),
        (["--method", "fitness", "--set", "density=3"], "use --density instead"),
        (["--method", "fitness", "--density", "7"], "density"),
        (["--known", "nope.csv"], "nope.csv"),
    ],
)
def test_what_reconstruct_cannot_do_is_said_in_one_paragraph(cli, margins, words, said):
    code, out, err = cli("reconstruct", margins, *words)
    assert code == 2 and out == "" and said in flat(err) and fits(err)


def test_what_is_there_is_not_mixed_with_new_networks(cli, margins, tmp_path):
    code, _, err = cli("reconstruct", margins, "--out", tmp_path)
    assert code == 2 and "not an empty folder" in flat(err)
    code, _, err = cli("reconstruct", CEFI, "--residual", "world")
    assert code == 2 and "--residual" in err
    margins.write_text(MARGINS.replace("interbank_liabilities", "owed"))
    code, _, err = cli("reconstruct", margins)
    assert code == 2 and "interbank_liabilities" in err
