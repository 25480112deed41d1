"""The command line for rules: allocate, and the list of rules; errors of all that take rules."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from terminal import fits, flat, read_json

from contagion import rules, venues
from contagion.cli.rule_arguments import in_words
from contagion.study.rule_words import rule_from
from contagion.venues import CATALOGUE

OKEX = "okex_2018"
CLAIMS = """claimant,amount,layer,profit,score
007,50,clawback,50,1
b,30,clawback,30,3
c,0,clawback,-10,2
d,20,clawback,20,2
"""


pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """A folder with a table of claims and two rules, which is the place to be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "claims.csv").write_text(CLAIMS)
    (tmp_path / "queue.toml").write_text('rule = "queue"\nby = "score"\n')
    (tmp_path / "broken.toml").write_text('rule = "queu"\n')
    return tmp_path


# -- allocate -------------------------------------------------------------------------------


def test_allocate_shares_by_the_rule_of_a_venue(cli, claims):
    """Fund of 2, then 10 on profits of 50, 30, 20: 10 % of each; the loser pays nothing."""
    words = ["allocate", "claims.csv", "--loss", "12", "--rule", "venue:okex_2018",
             "--param", "fund=2"]  # fmt: skip
    code, out, err = cli(*words, "--json")
    data = read_json(out)
    assert code == 0 and err == ""
    lost = {row["claimant"]: row["loss"] for row in data["table"]}
    assert lost == pytest.approx({"007": 5, "b": 3, "c": 0, "d": 2, "insurance fund": 2})
    assert [row["absorbed"] for row in data["layers"]] == pytest.approx([2, 10])
    assert data["uncovered"] == 0 and data["borne"] == pytest.approx(12)
    assert data["rule"] == rules.to_dict(venues.okx.okex_2018(fund=2))
    code, out, _ = cli(*words)
    assert code == 0 and fits(out) and "007" in out
    assert "insurance fund 2.0 2.0 100 %" in flat(out)
    assert "clawback 100.0 10.0 10 %" in flat(out)
    assert "uncovered 0.0" in flat(out) and "share of claims taken 10 %" in flat(out)


def test_allocate_prints_what_nobody_bears(cli, claims):
    data = read_json(cli("allocate", "claims.csv", "--loss", "0.13k", "--rule", "pro_rata",
                         "--json")[1])  # fmt: skip
    assert data["loss"] == 130 and data["uncovered"] == pytest.approx(30)
    assert sum(row["loss"] for row in data["table"]) == pytest.approx(100)
    _, out, _ = cli("allocate", "claims.csv", "--loss", "0", "--rule", "pro_rata")
    assert "No claim loses anything." in out


@pytest.mark.parametrize(
    "words, lost",
    [
        (["queue.toml"], [0, 12, 0, 0]),
        (["queue", "--param", "by=score"], [0, 12, 0, 0]),
        (["queue", "--param", "by=score", "--param", "first=lowest"], [12, 0, 0, 0]),
        (["{ rule = 'queue', by = 'score' }"], [0, 12, 0, 0]),
        (["pro_rata"], [6, 3.6, 0, 2.4]),
        (["pro_rata", "--param", "weight=profit", "--param", "negative=zero"], [6, 3.6, 0, 2.4]),
        (["equal_losses"], [4, 4, 0, 4]),
        (["capped", "--param", "share=0.1"], [5, 3, 0, 2]),
        (["capped", "--param", "share=0.2", "--param", "of=talmud"], [7, 3, 0, 2]),
        (["pro_rata", "--lot", "5"], [5, 0, 0, 0]),
        (["pro_rata", "--lot", "5", "--rounding", "largest_remainder"], [5, 5, 0, 0]),
    ],
)
def test_a_rule_is_a_word_a_file_or_a_table(cli, claims, words, lost):
    data = read_json(cli("allocate", "claims.csv", "--loss", "12", "--json", "--rule", *words)[1])
    assert [row["loss"] for row in data["table"]] == pytest.approx(lost)


def test_allocate_reads_parquet(cli, claims):
    frame = pd.read_csv("claims.csv", dtype={"claimant": str})
    frame.to_parquet("claims.parquet")
    words = ["--loss", "12", "--rule", "queue.toml", "--json"]
    assert cli("allocate", "claims.parquet", *words) == cli("allocate", "claims.csv", *words)


def test_allocate_shows_the_largest_and_the_rest(cli, claims):
    frame = pd.DataFrame({"claimant": [f"a{k}" for k in range(40)], "amount": range(40)})
    frame.to_csv("many.csv", index=False)
    _, out, _ = cli("allocate", "many.csv", "--loss", "78", "--rule", "pro_rata")
    lines = [line.split() for line in out.splitlines()]
    first = next(k for k, line in enumerate(lines) if line[:1] == ["claimant"]) + 1
    assert lines[first] == ["a39", "39.0", "3.9", "35.1", "10", "%"]
    assert ["28", "others", "378.0", "37.8", "340.2", "10", "%"] in lines
    assert ["all", "780.0", "78.0", "702.0", "10", "%"] in lines


def test_allocate_writes_tables_that_read_back(cli, claims):
    code, out, _ = cli("allocate", "claims.csv", "--loss", "12", "--rule", "venue:okex_2018",
                       "--param", "fund=2", "--out", "deep/results")  # fmt: skip
    folder = claims / "deep" / "results"
    assert code == 0 and "Written to deep/results: claims.csv" in out
    assert pd.read_csv(folder / "claims.csv")["loss"].sum() == pytest.approx(12)
    assert pd.read_csv(folder / "layers.csv")["absorbed"].tolist() == pytest.approx([2, 10])
    assert rules.read_rule(folder / "rule.toml") == venues.okx.okex_2018(fund=2)
    assert json.loads((folder / "summary.json").read_text())["uncovered"] == 0


ALLOCATE = ["allocate", "claims.csv", "--loss", "12", "--rule"]
ERRORS = [
    ([*ALLOCATE, "pro_ratta"], "Did you mean 'pro_rata'?"),
    ([*ALLOCATE, "okex_2018"], "Did you mean 'venue:okex_2018'?"),
    ([*ALLOCATE, "venue:okex_208"], "Did you mean 'okex_2018'?"),
    ([*ALLOCATE, "venue:okx"], "okx needs fund"),
    ([*ALLOCATE, "venue:okex_2018", "--param", "found=3"], "Did you mean 'fund'?"),
    ([*ALLOCATE, "venue:okex_2018", "--param", "fund=lots"], "not an amount"),
    ([*ALLOCATE, "venue:hyperliquid", "--param", "hip3=yes"], "true or false"),
    ([*ALLOCATE, "venue:morpho_blue", "--param", "fund=3"], "has no parameters"),
    ([*ALLOCATE, "pro_rata", "--param", "wait=profit"], "Did you mean 'weight'?"),
    ([*ALLOCATE, "pro_rata", "--param", "negative=one"], "'zero'"),
    ([*ALLOCATE, "pro_rata", "--param", "weight"], "NAME=VALUE"),
    ([*ALLOCATE, "pro_rata", "--param", "weight=profits"], "Did you mean 'profit'?"),
    ([*ALLOCATE, "pro_rata", "--param", "weight=profit"], "below 0 for 1 claim"),
    ([*ALLOCATE, "queue"], "queue needs a column 'rank'"),
    ([*ALLOCATE, "queue", "--param", "by=scores"], "Did you mean 'score'?"),
    ([*ALLOCATE, "priority"], "priority needs a column 'tier'"),
    ([*ALLOCATE, "capped"], "share="),
    ([*ALLOCATE, "waterfall"], "FILE.toml"),
    ([*ALLOCATE, "venue:bitmex"], "but not 'clawback', the layer of 4 claims"),
    ([*ALLOCATE, "venue:okex_2018"], "no claims and no capacity"),
    ([*ALLOCATE, "no.toml"], "no file 'no.toml'"),
    ([*ALLOCATE, "broken.toml"], "broken.toml: Unknown rule 'queu'. Did you mean 'queue'?"),
    ([*ALLOCATE, "{ rule = queue }"], "this is not TOML"),
    ([*ALLOCATE, "queue.toml", "--param", "by=score"], "has its own"),
    ([*ALLOCATE, "pro_rata", "--lot", "0"], "lot"),
    ([*ALLOCATE, "pro_rata", "--lot", "1", "--rounding", "up"], "largest_remainder"),
    ([*ALLOCATE, "pro_rata", "--rounding", "down"], "--lot AMOUNT"),
    (["allocate", "claims.csv", "--rule", "pro_rata"], "--loss"),
    (["allocate", "claims.csv", "--loss", "12"], "--rule"),
    (["allocate", "claims.csv", "--loss", "x", "--rule", "pro_rata"], "not an amount"),
    (["allocate", "claims.csv", "--loss", "-1", "--rule", "pro_rata"], "money >= 0"),
    (["allocate", "claim.csv", "--loss", "1", "--rule", "pro_rata"], "Did you mean 'claims.csv'?"),
    (["allocate", ".", "--loss", "1", "--rule", "pro_rata"], "no file"),
    (["allocate", "queue.toml", "--loss", "1", "--rule", "pro_rata"], "formats read"),
    (["compare", OKEX], "--rule"),
    (["compare", OKEX, "--rule", "talmud"], "[NAME:]NODE=RULE"),
    (["compare", OKEX, "--rule", "okx=talmud"], "Did you mean 'okex'?"),
    (["compare", OKEX, "--rule", "x:okx=talmud"], "Did you mean 'okex'?"),
    (["compare", OKEX, "--rule", "okex=talmut"], "Did you mean 'talmud'?"),
    (["compare", OKEX, "--rule", "as given:okex=talmud"], "as given"),
    (["compare", OKEX, "--rule", "x:okex=talmud", "--rule", "x:okex=pro_rata"], "two rules"),
    (["compare", OKEX, "--rule", "okex=talmud", "--model", "debtrank"], "DebtRank"),
    (["compare", OKEX, "--rule", "okex=talmud", "--baseline", "face"], "'book' or 'cleared'"),
    (["compare", OKEX, "--rule", "okex=talmud", "--figure", "x.pdf"], ".png or .svg"),
    (["compare", OKEX, "--rule", "okex=talmud", "--figure", "no/x.png"], "no folder"),
    (["run", OKEX, "--rule", "okex=venue:okex_2018"], "'profit'"),
    (["run", OKEX, "--rule", "okex"], "NODE=RULE"),
    (["run", OKEX, "--rule", "okex=talmud", "--model", "debtrank"], "settles no claims"),
    (["rank", OKEX, "--rule", "okex=talmud", "--model", "furfine"], "settles no claims"),
    (["rules", "okex_2081"], "Did you mean 'okex_2018'?"),
    (["rules", "--toml"], "which rule"),
    (["rules", "okx", "--toml"], "--param fund=VALUE"),
    (["rules", "queue", "--param", "first=last"], "'lowest'"),
]


@pytest.mark.parametrize("words, hint", ERRORS, ids=[" ".join(words) for words, _ in ERRORS])
def test_errors_are_one_paragraph(cli, claims, words, hint):
    code, out, err = cli(*words)
    assert code == 2 and out == ""
    assert err.strip() and "Traceback" not in err and "\n\n" not in err and fits(err)
    assert hint in flat(err)


# -- rules and datasets -----------------------------------------------------------------------


def test_rules_lists_words_and_venues(cli):
    code, out, err = cli("rules")
    assert code == 0 and err == "" and fits(out)
    assert all(f"\n  {name} " in out for name in [*rules.RULES, *CATALOGUE])
    rows = read_json(cli("rules", "--json")[1])
    assert [row["name"] for row in rows] == [*rules.RULES, *CATALOGUE]
    okex = next(row for row in rows if row["name"] == OKEX)
    assert okex["parameters"] == {"fund": None, "weight": "profit"}
    for part in ("status", "source", "as_of", "read", "simplified"):
        assert okex[part] == getattr(CATALOGUE[OKEX], part)
    out = flat(cli("rules", OKEX)[1])
    assert CATALOGUE[OKEX].read in out and CATALOGUE[OKEX].simplified in out


@pytest.mark.parametrize("name", [*rules.RULES, *CATALOGUE])
def test_a_rule_is_explained_and_its_toml_reads_back(cli, name):
    code, out, err = cli("rules", name)
    assert code == 0 and err == "" and fits(out)
    assert out.startswith(name) and "As TOML" in out
    data = read_json(cli("rules", name, "--json")[1])
    assert data["help"]
    if data["toml"] is None:
        assert name in CATALOGUE and CATALOGUE[name].required and "--param" in data["needs"]
        return
    read = rules.loads(data["toml"])
    assert read.word == (name if name in rules.RULES else CATALOGUE[name]().word)
    if name in CATALOGUE:
        assert read == CATALOGUE[name]()


def test_toml_alone_is_a_file_of_a_rule(cli, claims):
    code, out, _ = cli("rules", "venue:okx", "--param", "fund=3m", "--param", "trigger=0.5",
                       "--param", "price=bankruptcy", "--toml")  # fmt: skip
    assert code == 0
    (claims / "okx.toml").write_text(out)
    assert rules.read_rule("okx.toml") == venues.okx.rule(fund=3e6, trigger=0.5, price="bankruptcy")


def test_parameters_are_typed():
    wanted = venues.dydx.v4(fund=60, fills=[30, 50, 25])
    assert rule_from("venue:dydx_v4", {"fund": "60", "fills": "30,50,25"}) == wanted
    assert rule_from("venue:hyperliquid", {"hip3": "true"}) == venues.hyperliquid.rule(hip3=True)
    assert rule_from("venue:okex_2018", {"fund": "none"}) == venues.okx.okex_2018()
    assert rule_from("priority", {"within": "queue"}) == rules.Priority(within=rules.Queue())
    with pytest.raises(ValueError, match="TOML file"):
        rule_from("priority", {"tiers": "2"})


def test_rules_in_words():
    given = rules.Waterfall(
        [
            rules.Layer("fund", capacity=2510.0, owner="DAO"),
            rules.Layer("adl", rules.Capped(rules.Queue("score"), share=0.5)),
        ]
    )
    assert in_words(given) == (
        "fund (2,510, of DAO), then adl (capped, of [queue, by score], share 0.5)"
    )


def test_the_card_of_a_dataset_shows_its_rules(cli):
    _, out, _ = cli("datasets", OKEX)
    assert fits(out) and "rules okex: insurance fund, then clawback" in flat(out)
    _, out, _ = cli("datasets", "hyperliquid_adl_2025")
    assert fits(out) and "wave_25, wave_28: pro_rata" in flat(out)
    assert "\nrules" not in cli("datasets", "cefi_credit_2022")[1]
    assert read_json(cli("datasets", OKEX, "--json")[1])["rules"]["okex"]["rule"] == "waterfall"


@pytest.mark.parametrize("name", ["allocate", "compare", "rules", "run"])
def test_help_fits(cli, name):
    code, out, _ = cli(name, "--help")
    assert code == 0 and fits(out)
