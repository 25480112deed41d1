"""The command line for margin books: cascade, liquidatable, and the columns of every table."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from terminal import fits, flat, read_json

from contagion import liquidation
from contagion.cli import market_arguments as market
from contagion.network import schema
from contagion.study.result_tables import accounts

POSITIONS = """venue,holder,instrument,size,entry_price,margin,fee
dex,007,ETH,10,2000,3000,0.01
dex,whale,ETH,200,2000,60000,0.01
dex,bear,ETH,-100,2000,90000,0.01
cex,whale,ETH,50,2000,20000,0
"""
LOANS = """protocol,borrower,collateral_asset,collateral,debt_asset,debt,threshold
lend,carol,ETH,100,USDC,150000,0.8
lend,dave,ETH,10,USDC,8000,0.8
"""
ONE = "venue,holder,instrument,size,margin\nv,h,X,10,100\n"
NODES = "node,external_assets\nh,120\nb,10\nv,30\n"
EXPOSURES = "creditor,debtor,amount\nb,h,50\n"
SIMPLE = ["cascade", "--positions", "one.csv", "--prices", "X=100"]
WIDE = ["cascade", "--positions", "positions.csv", "--loans", "loans.csv", "--prices", "prices.csv"]
PROFILE = ["liquidatable", "--positions", "positions.csv", "--loans", "loans.csv", "--prices",
           "prices.csv"]  # fmt: skip
GRAPH = ["--network", "exposures.csv", "--nodes", "nodes.csv"]


pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with books and a network, which is the place to be."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("positions", POSITIONS), ("loans", LOANS), ("one", ONE), ("nodes", NODES),
                       ("exposures", EXPOSURES), ("prices", "asset,price\nETH,2000\nUSDC,1\n"),
                       ("twice", "asset,price\nETH,1\nETH,2\n"), ("odd", "asset,price\nETH,x\n"),
                       ("bare", "asset,cost\nETH,1\n")):  # fmt: skip
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def wide_book() -> liquidation.MarginBook:
    return liquidation.MarginBook(
        {"ETH": 2000.0, "USDC": 1.0},
        positions=pd.read_csv("positions.csv", dtype={"holder": str}),
        loans=pd.read_csv("loans.csv"),
    )


# -- cascade --------------------------------------------------------------------------------


def test_cascade_solved_by_hand(cli):
    """Ten units at 88 with a depth of 100 bring 88 (10 - 10^2 / 200) = 836; 100 - 1000 + 836."""
    words = [*SIMPLE, "--move", "X=-0.12", "--impact", "linear:depth=100"]
    code, out, err = cli(*words, "--json")
    data = read_json(out)
    assert code == 0 and err == ""
    assert data["venues"] == [pytest.approx({"venue": "v", "accounts": 1, "liquidated": 1,
                              "deficit": 64, "latent": 0, "fees": 0, "vault": 0})]  # fmt: skip
    assert data["loss"] == pytest.approx(164)
    assert data["multiplier"] == pytest.approx(164 / 120)
    assert [row["market"] for row in data["path"]] == pytest.approx([100, 88, 79.2, 79.2])
    assert data["accounts"][0]["loss"] == pytest.approx(100)
    assert data["notes"] == []
    code, out, _ = cli(*words, "--unit", "USD")
    assert code == 0 and fits(out)
    assert "X -12 %: impact linear:depth=100, oracle market" in out
    assert "lost 164 USD, 1.367 times that without price impact" in flat(out)
    assert "v 1 of 1 64.0 0.0 0.0" in flat(out) and "h v 100.0 100.0 0.0 64.0 100 %" in flat(out)
    assert "deficits of closed accounts -64.0" in flat(out)
    assert "gain of buyers on the price 44.0" in flat(out)


def test_cascade_is_that_of_the_package(cli):
    words = ["--move", "ETH=-20%", "--impact", "exponential:depth=ETH:3k,recovery=0.1",
             "--oracle", "time-weighted:window=4", "--halt", "15%:3", "--throttle", "ETH:150",
             "--free", "whale=10k"]  # fmt: skip
    data = read_json(cli(*WIDE, *words, "--json")[1])
    forms = liquidation.Exponential(depth=(3000.0, float("inf")), recovery=0.1)
    cascade = liquidation.LiquidationCascade(
        impact=forms,
        oracle=liquidation.TimeWeighted(4),
        breakers=(liquidation.Halt(0.15, 3), liquidation.Throttle((150.0, float("inf")))),
    )
    done = cascade.run(wide_book(), {"ETH": -0.2}, {"whale": 10_000})
    assert data["rounds"] == done.rounds > 5
    assert data["ledger"] == pytest.approx(done.ledger)
    assert data["cascade"] == repr(cascade)
    assert {row["venue"]: row["deficit"] for row in data["venues"]} == pytest.approx(
        done.deficits.to_dict()
    )
    assert "007" in {row["holder"] for row in data["accounts"]}
    code, out, _ = cli(*WIDE, *words)
    assert code == 0 and fits(out) and "ETH round ETH oracle liquidated 0 2,000 2,000" in flat(out)
    ledger = data["ledger"]
    assert ledger.pop("start") == pytest.approx(sum(ledger.values()))


def test_losses_of_accounts_add_up_to_those_of_holders():
    done = liquidation.LiquidationCascade(impact=liquidation.Linear((3000.0, float("inf")))).run(
        wide_book(), {"ETH": -0.2}, {"carol": 500.0}
    )
    table = accounts(done)
    assert table["loss"].is_monotonic_decreasing
    by_holder = table.groupby("holder")["loss"].sum()
    assert by_holder.to_dict() == pytest.approx(done.holder_losses.to_dict())


def test_calls_met_are_printed(cli):
    """At 94 the equity is 40 and 47 are needed: 7 are paid, and nothing is liquidated."""
    words = [*SIMPLE, "--move", "X=-0.06", "--free", "h=20"]
    data = read_json(cli(*words, "--json")[1])
    assert data["calls_met"] == pytest.approx(7) and data["liquidated"] == 0
    assert "calls met 7" in flat(cli(*words)[1])


def test_a_hard_coded_price_leaves_latent_losses(cli):
    words = [*SIMPLE, "--move", "X=-0.2", "--oracle", "hard-coded:price=X:100"]
    data = read_json(cli(*words, "--json")[1])
    assert data["venues"][0]["latent"] == pytest.approx(100)
    assert data["venues"][0]["deficit"] == 0
    assert "latent: open accounts below 0 -100.0" in flat(cli(*words)[1])


def test_a_quiet_book_says_so(cli):
    out = cli(*SIMPLE, "--move", "X=0")[1]
    assert "No account loses anything." in out and fits(out)


def test_one_number_for_several_assets_is_noted(cli):
    words = [*WIDE, "--move", "ETH=-0.2", "--impact"]
    _, out, _ = cli(*words, "linear:depth=3m")
    assert "depth=3000000 of --impact holds for 'ETH', 'USDC' alike" in flat(out) and fits(out)
    assert "note:" not in cli(*words, "linear:depth=ETH:3m")[1]
    assert read_json(cli(*words, "linear:depth=3m", "--json")[1])["notes"]


def test_many_rounds_and_accounts_are_shortened(cli):
    rows = pd.DataFrame({"venue": [f"v{k % 20}" for k in range(60)], "holder": range(60),
                         "instrument": "X", "size": 10, "margin": 100})  # fmt: skip
    rows.to_csv("many.csv", index=False)
    words = ["cascade", "--positions", "many.csv", "--prices", "X=100", "--move", "X=-0.12",
             "--throttle", "10"]  # fmt: skip
    data = read_json(cli(*words, "--json")[1])
    _, out, _ = cli(*words)
    assert fits(out) and data["rounds"] > 40 and len(out.splitlines()) < 75
    assert "48 others" in out and "8 others" in out
    lines = [line.split() for line in out.splitlines()]
    total = sum(row["liquidated"] for row in data["path"])
    assert total == pytest.approx(600 * 88)
    assert ["all", "52,800"] in [[x.removesuffix(".0") for x in line] for line in lines]


def test_cascade_writes_tables_and_a_figure(cli, folder):
    code, out, _ = cli(*SIMPLE, "--move", "X=-0.12", "--out", "deep/results", "--figure", "x.svg")
    assert code == 0 and "Figure: x.svg" in out
    assert "Written to deep/results: path.csv, venues.csv, accounts.csv, summary.json" in out
    assert (folder / "x.svg").stat().st_size > 1000
    results = folder / "deep" / "results"
    assert pd.read_csv(results / "venues.csv")["deficit"].tolist() == pytest.approx([20])
    assert pd.read_csv(results / "path.csv")["market"].iloc[-1] == pytest.approx(88)
    assert json.loads((results / "summary.json").read_text())["loss"] == pytest.approx(120)


def test_words_win_over_a_table_of_prices(cli):
    data = read_json(cli(*WIDE, "--prices", "ETH=4000", "--move", "ETH=-0.1", "--json")[1])
    assert data["book"]["prices"] == {"money": 1, "ETH": 4000, "USDC": 1}


# -- on a network -----------------------------------------------------------------------------


def test_a_cascade_spreads_on_a_network(cli):
    """v is short by 20; h has lost its margin of 100, owes 50 and has 20: b loses 30."""
    words = [*SIMPLE, *GRAPH, "--move", "X=-0.12"]
    code, out, err = cli(*words, "--json")
    data = read_json(out)
    assert code == 0 and err == ""
    nodes = {row["node"]: row for row in data["nodes"]}
    lost = {name: row["loss"] for name, row in nodes.items()}
    assert lost == pytest.approx({"h": 70, "b": 30, "v": 20})
    assert nodes["b"]["claims_lost"] == pytest.approx(30)
    assert data["on_graph"] == pytest.approx({"on_graph": 120, "borne": 120})
    code, out, _ = cli(*words, "--out", "results")
    assert code == 0 and fits(out) and "joint round" in out and "on accounts" in out
    assert "nodes.csv, bearers.csv" in flat(out)


def test_a_shock_of_the_network_needs_no_move(cli):
    data = read_json(cli(*SIMPLE, *GRAPH, "--loss", "b=5", "--json")[1])
    nodes = {row["node"]: row["loss"] for row in data["nodes"]}
    assert nodes == pytest.approx({"h": 0, "b": 5, "v": 0})


# -- liquidatable -----------------------------------------------------------------------------


def test_liquidatable_is_that_of_the_package(cli):
    words = [*PROFILE, "--asset", "ETH", "--moves", "-0.1,-20%,-0.3"]
    data = read_json(cli(*words, "--json")[1])
    found = liquidation.liquidatable(wide_book(), [-0.1, -0.2, -0.3], "ETH")
    few = liquidation.concentration(wide_book(), [-0.1, -0.2, -0.3], "ETH", k=[1, 3])
    assert [row["value"] for row in data["profile"]] == pytest.approx(found["value"].tolist())
    assert [row["deficit"] for row in data["profile"]] == pytest.approx(found["deficit"].tolist())
    assert [row["hhi"] for row in data["concentration"]] == pytest.approx(few["hhi"].tolist())
    code, out, err = cli(*words)
    assert code == 0 and err == "" and fits(out)
    assert "-10 % 1 180,000 180,000 0 150,000 0" in flat(out)
    assert "-10 % 1 100 % 100 % 1 carol" in flat(out)


def test_liquidatable_of_nothing_and_with_a_note(cli):
    _, out, _ = cli(*PROFILE)
    assert fits(out) and "note: all prices move alike" in out and "USDC" in out
    _, out, _ = cli("liquidatable", "--positions", "one.csv", "--prices", "X=100", "--moves", "0")
    assert "+0 % 0 0.0000 0.0000 0.0000 0.0000 0.0000" in flat(out) and "+0 % 0 – – – –" in flat(
        out
    )
    assert fits(out) and "note:" not in out


def test_liquidatable_writes_tables_and_a_figure(cli, folder):
    code = cli(*PROFILE, "--out", "o", "--figure", "x.png")[0]
    assert code == 0 and (folder / "x.png").stat().st_size > 1000
    assert len(pd.read_csv("o/profile.csv")) == len(pd.read_csv("o/concentration.csv")) == 5


# -- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("none", liquidation.NoImpact()),
        ("none:recovery=0.5", liquidation.NoImpact(recovery=0.5)),
        ("linear:depth=inf", liquidation.Linear(depth=float("inf"))),
        ("linear:depth=1k,floor=0.1", liquidation.Linear(depth=1000, floor=0.1)),
        ("linear:depth=A:5,B:6", liquidation.Linear(depth=(5, 6))),
        ("exponential:depth=B:6", liquidation.Exponential(depth=(float("inf"), 6))),
        ("square-root:scale=B:0.1,daily_volume=1m", liquidation.SquareRoot((0.0, 0.1), 1e6)),
        (
            "constant-product:asset=5,money=10,fee=0.003",
            liquidation.ConstantProduct(5, 10, fee=0.003),
        ),
    ],
)
def test_impacts(text, wanted):
    assert market.impact(text, ["A", "B"]) == wanted


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("market", liquidation.Market()),
        ("time-weighted:window=3", liquidation.TimeWeighted(3)),
        ("stale:delay=inf", liquidation.Stale(float("inf"))),
        ("capped-growth:growth=0.01,fall=none", liquidation.CappedGrowth(0.01)),
        ("hard-coded", liquidation.HardCoded(1.0)),
        ("hard-coded:price=B:2", liquidation.HardCoded([float("nan"), 2.0])),
    ],
)
def test_oracles(text, wanted):
    assert market.oracle(text, ["A", "B"]) == wanted


def test_every_form_with_numbers_has_a_word():
    assert list(market.IMPACTS) == ["none", "linear", "exponential", "square-root",
                                    "constant-product"]  # fmt: skip
    known = {kind for kind in vars(liquidation).values()
             if isinstance(kind, type) and issubclass(kind, liquidation.Oracle)}  # fmt: skip
    assert set(market.ORACLES.values()) == known - {liquidation.Oracle}


MOVE = [*SIMPLE, "--move", "X=-0.1"]
WIDER = [*WIDE, "--move", "ETH=-0.1"]
ERRORS = [
    (["cascade", "--move", "X=-0.1"], "--positions FILE"),
    (SIMPLE, "--move ASSET=CHANGE"),
    ([*SIMPLE, "--move", "Y=-0.1"], "Unknown asset of the book 'Y'"),
    ([*SIMPLE, "--move", "X"], "--move X: write ASSET=CHANGE"),
    ([*SIMPLE, "--move", "X=lots"], "-30%"),
    ([*SIMPLE, "--move", "X=-2"], "has to be >= -1"),
    ([*SIMPLE, "--move", "X=nan"], "has to be >= -1"),
    ([*SIMPLE, "--move", "X=-0.1", "--move", "X=-0.2"], "given twice"),
    (["cascade", "--positions", "on.csv", "--prices", "X=1", "--move", "X=0"], "'one.csv'?"),
    (["cascade", "--positions", ".", "--prices", "X=1", "--move", "X=0"], "no file"),
    (["cascade", "--positions", "loans.csv", "--prices", "X=1", "--move", "X=0"], "'venue'"),
    (["cascade", "--positions", "one.csv", "--move", "X=0"], "--prices ASSET=PRICE"),
    ([*WIDER[:-2], "--prices", "ETH=x", "--move", "ETH=0"], "not an amount"),
    (["cascade", "--positions", "one.csv", "--prices", "no.csv", "--move", "X=0"], "no file"),
    (["cascade", "--positions", "one.csv", "--prices", "bare.csv", "--move", "X=0"], "'price'"),
    (["cascade", "--positions", "one.csv", "--prices", "twice.csv", "--move", "X=0"], "two prices"),
    (
        ["cascade", "--positions", "one.csv", "--prices", "odd.csv", "--move", "X=0"],
        "odd.csv line 2 is not a number",
    ),
    (["cascade", "--positions", "one.csv", "--prices", "X=-1", "--move", "X=0"], "money >= 0"),
    ([*MOVE, "--maintenance", "2"], "a rate lies in [0, 1)"),
    ([*MOVE, "--impact", "liner:depth=5"], "Did you mean 'linear'?"),
    ([*MOVE, "--impact", "linear"], "needs depth. Write linear:depth=VALUE"),
    ([*MOVE, "--impact", "square-root:scale=1"], "square-root:daily_volume=VALUE"),
    ([*MOVE, "--impact", "linear:5"], "write linear:depth=VALUE"),
    ([*MOVE, "--impact", "linear:dept=5"], "Did you mean 'depth'?"),
    ([*MOVE, "--impact", "linear:depth=-5"], "depth must be above 0"),
    ([*MOVE, "--impact", "linear:depth=lots"], "--impact depth: 'lots' is not an amount"),
    ([*MOVE, "--impact", "linear:depth=5,6"], "ASSET:VALUE for each"),
    ([*MOVE, "--impact", "linear:depth=5,depth=6"], "given twice"),
    ([*WIDER, "--impact", "linear:depth=EHT:5"], "Did you mean 'ETH'?"),
    ([*WIDER, "--impact", "linear:depth=ETH:5,ETH:6"], "given twice"),
    ([*WIDER, "--impact", "square-root:scale=1,daily_volume=ETH:5"], "no value for 'USDC'"),
    ([*MOVE, "--oracle", "markt"], "Did you mean 'market'?"),
    ([*MOVE, "--oracle", "market:window=3"], "parameter of market"),
    ([*MOVE, "--oracle", "time-weighted:window=x"], "--oracle window=x: write a whole number"),
    ([*MOVE, "--oracle", "time-weighted:window=0"], "--oracle time-weighted:window=0"),
    ([*MOVE, "--oracle", "time-weighted:window=2,mean=harmonic"], "'geometric'"),
    ([*MOVE, "--oracle", "stale"], "stale:delay=VALUE"),
    ([*MOVE, "--halt", "0.1:x"], "--halt 0.1:5"),
    ([*MOVE, "--halt", "2:3"], "a fall in (0, 1]"),
    ([*MOVE, "--throttle", "0"], "a limit is > 0"),
    ([*MOVE, "--throttle", "Y:5"], "asset of the book"),
    ([*MOVE, "--free", "g=5"], "Unknown holder 'g'"),
    ([*MOVE, "--free", "h=-5"], "money >= 0"),
    ([*MOVE, "--free", "h"], "HOLDER=AMOUNT"),
    ([*SIMPLE, "--move", "X=-0.12", "--max-rounds", "1"], "Raise --max-rounds"),
    ([*MOVE, "--nodes", "nodes.csv"], "--nodes: it needs --network"),
    ([*MOVE, "--network", "three_venue"], "Did you mean the dataset 'three_venues'?"),
    ([*MOVE, "--network", "three_venues", "--unit", "USD"], "no holder of the book is a node"),
    ([*MOVE, "--network", "three_venues"], "Give the unit of prices and margins: --unit USD"),
    ([*MOVE, *GRAPH, "--free", "h=50"], "external assets"),
    ([*MOVE, "--figure", "x.pdf"], ".png or .svg"),
    ([*MOVE, "--figure", "no/x.png"], "no folder"),
    ([*PROFILE, "--moves", "-0.1,x"], "-30%"),
    ([*PROFILE, "--moves", ","], "list of relative changes"),
    ([*PROFILE, "--moves", "-2"], "moves must be"),
    ([*PROFILE, "--asset", "EHT"], "Did you mean 'ETH'?"),
    (["columns", "position"], "Did you mean 'positions'?"),
]


@pytest.mark.parametrize("words, hint", ERRORS, ids=[" ".join(words) for words, _ in ERRORS])
def test_errors_are_one_paragraph(cli, words, hint):
    code, out, err = cli(*words)
    assert code == 2 and out == ""
    assert err.strip() and "Traceback" not in err and "\n\n" not in err and fits(err)
    assert hint in flat(err)


# -- columns ----------------------------------------------------------------------------------


def test_columns_explains_every_table(cli):
    code, out, _ = cli("columns")
    assert code == 0 and fits(out)
    heads = [line for line in out.splitlines() if line and not line.startswith(" ")]
    assert sorted(heads) == sorted(schema.TABLES) and heads[:2] == ["exposures", "nodes"]
    for name in schema.TABLES:
        one = cli("columns", name)[1]
        assert one.startswith(f"{name}\n") and one in out
        assert all(f"\n  {column} (" in one for column in schema.columns(name))


def test_columns_say_what_a_cell_may_hold(cli):
    text = flat(cli("columns", "positions")[1])
    assert "mode (string, isolated or cross, default cross):" in text
    assert "venue (string, required): where the position is held" in text


@pytest.mark.parametrize("name", ["cascade", "liquidatable", "columns"])
def test_help_fits(cli, name):
    code, out, _ = cli(name, "--help")
    assert code == 0 and fits(out)
