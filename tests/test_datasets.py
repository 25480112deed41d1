"""Packaged datasets: cards complete, figures sourced, tables load, the stories come out true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import contagion as ct
from contagion import datasets

NAMES = datasets.names()
FIGURES = ["external_assets", "external_liabilities", "total_assets", "total_liabilities", "equity"]
CEFI, STREAM = "cefi_credit_2022", "stream_elixir_2025"
PERIODS = [(name, period) for name in NAMES for period in datasets.card(name).periods or [None]]


def raw(name: str, table: str) -> pd.DataFrame:
    return pd.read_csv(
        datasets.path(name) / f"{table}.csv",
        keep_default_na=False,
        na_values=[""],
        dtype={"period": "string"},
    )


def network(name: str, period: str | None = None) -> ct.ExposureNetwork:
    return datasets.load(name, period=period) if period else datasets.load(name)


def run(name: str, period: str | None, *failing: str, baseline: str = "book"):
    shock = ct.Shock()
    for node in failing:
        shock = shock + ct.Shock.default(node, recovery=0.0)
    return ct.EisenbergNoe().propagate(network(name, period), shock, baseline=baseline)


def claim_loss(result, creditor: str, debtor: str) -> float:
    flows = result.flows
    return flows.loc[(flows["creditor"] == creditor) & (flows["debtor"] == debtor), "loss"].sum()


def test_the_promised_datasets_are_there():
    assert set(NAMES) >= {
        CEFI,
        STREAM,
        "bis_cbs_2022q4",
        "eisenberg_noe_3",
        "rogers_veraart_3",
        "neva_ring3",
        "seniority_3",
        "three_venues",
        "hyperliquid_adl_2025",
        "okex_2018",
        "bitfinex_2016",
        "kelp_aave_2026",
        "maker_2020",
        "dydx_yfi_2023",
        "resolv_usr_2026",
        "aave_crv_2022",
        "usdc_svb_2023",
        "nasdaq_clearing_2018",
        "drift_2026",
        "october_2025",
        "eba_2011",
    }


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name):
    card = datasets.card(name)
    assert card.kind in datasets.KINDS
    assert all(getattr(card, text) for text in datasets.TEXTS)
    assert card.nodes == len(datasets.load(name))
    assert card.caveats and card.sources and card.grades
    assert 0.0 <= card.default_run["recovery"] <= 1.0
    assert card.default_run.get("baseline", "book") in ("book", "cleared")
    if card.periods:
        assert card.network["period"] in card.periods


@pytest.mark.parametrize("name", NAMES)
def test_card_prints_in_80_columns(name):
    card = datasets.card(name)
    text = repr(card)
    assert max(map(len, text.splitlines())) < 80
    assert all(word in text for word in (name, card.unit, card.kind, "caveats"))
    html = card._repr_html_()
    assert card.title.split(",")[0] in html and "<script" not in html


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_a_known_source_and_grade(name):
    card = datasets.card(name)
    used = set()
    for table in ("nodes", "exposures", "outcomes"):
        rows = raw(name, table)
        figures = {"nodes": FIGURES, "exposures": ["amount"], "outcomes": ["value"]}[table]
        stated = rows[[column for column in figures if column in rows]].notna().any(axis=1)
        assert rows.loc[stated, ["source", "evidence"]].notna().all(axis=None), table
        assert set(rows["source"].dropna()) <= set(card.sources), table
        assert set(rows["evidence"].dropna()) <= set(card.grades), table
        used |= set(rows["source"].dropna())
    assert used == set(card.sources)  # no citation that nothing cites


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_those_of_the_schema_or_named_extras(name):
    schema = pd.read_csv(Path(datasets.__file__).parent / "network" / "schema.csv")
    extras = {"external_assets_a2"}
    for table in ("nodes", "exposures"):
        known = set(schema.loc[schema["table"] == table, "column"])
        assert set(raw(name, table).columns) <= known | extras


@pytest.mark.parametrize("name", NAMES)
def test_unknown_capital_is_said_on_the_node(name):
    rows = raw(name, "nodes")
    stated = rows[[column for column in FIGURES if column in rows]].notna().any(axis=1)
    assert rows.reindex(columns=["note"]).loc[~stated, "note"].notna().all()


@pytest.mark.parametrize(("name", "period"), PERIODS)
def test_loads_without_errors_and_without_strangers(name, period):
    net, card = network(name, period), datasets.card(name)
    assert not net.check()["severity"].eq("error").any()
    assert net.unit == card.unit
    claims, guarantees = net.exposures, net.guarantees
    guarantors = set() if guarantees is None else set(guarantees["guarantor"])
    assert set(net.nodes["node"]) == set(claims["creditor"]) | set(claims["debtor"]) | guarantors


@pytest.mark.parametrize("name", NAMES)
def test_the_first_run_of_the_card_runs(name):
    first, net = datasets.card(name).default_run, network(name)
    shock = ct.Shock.default(first["default"], recovery=first["recovery"])
    result = ct.EisenbergNoe().propagate(net, shock)
    lost = result.flows.loc[result.flows["debtor"] == first["default"]]
    assert lost["loss"].sum() == pytest.approx((1 - first["recovery"]) * lost["amount"].sum())
    assert lost["loss"].sum() > 0


@pytest.mark.parametrize("name", [CEFI, STREAM])
def test_the_first_run_counts_only_what_it_causes(name):
    first = datasets.card(name).default_run
    result = run(name, None, first["default"], baseline=first["baseline"])
    assert result.socialization.missing_before == 0.0
    assert result.socialization.borne == pytest.approx(result.socialization.initial_loss)


@pytest.mark.parametrize("name", NAMES)
def test_assumed_capital_belongs_to_nodes_of_the_tables(name):
    assert set(datasets.card(name).assume_equity) <= set(raw(name, "nodes")["node"])


# -- the crypto-credit chain ------------------------------------------------------------------


def test_three_arrows_costs_its_lenders_what_they_claimed():
    result = run(CEFI, None, "three_arrows")
    expected = {
        "voyager": 685e6,
        "genesis": 1.2e9,
        "celsius": 40.6e6,
        "blockfi": 80e6,
        "deribit": 80e6,
    }
    for creditor, amount in expected.items():
        assert claim_loss(result, creditor, "three_arrows") == pytest.approx(amount, abs=1.0)
    assert result.table.loc["voyager", "defaulted"] and result.table.loc["genesis", "defaulted"]
    assert not result.table.loc[["blockfi", "alameda"], "defaulted"].any()


def test_three_arrows_is_not_blamed_for_celsius():
    calm, hit = run(CEFI, None), run(CEFI, None, "three_arrows", baseline="cleared")
    assert calm.table.loc["celsius", "equity_after"] == pytest.approx(-1.19e9, abs=1.0)
    assert calm.table.loc["celsius", "defaulted"]
    users = hit.table.loc["celsius_users", "loss"]
    assert users == pytest.approx(40.6e6 * 4.72 / 5.5, rel=1e-6)  # their share of the 40.6m
    published = datasets.outcomes(CEFI).query("node == 'celsius' and what == 'equity'")
    assert published["value"].item() == -1.19e9


def test_one_loss_is_told_once_per_snapshot():
    for period in datasets.card(CEFI).periods:
        claims = network(CEFI, period).exposures
        lenders = set(claims.loc[claims["debtor"] == "three_arrows", "creditor"])
        assert not {"genesis", "dcg"} <= lenders
        assert claims.loc[
            claims["creditor"].isin(["genesis", "dcg"]) & (claims["debtor"] == "three_arrows"),
            "amount",
        ].sum() in (0.0, 1.2e9)


def test_with_the_parent_the_same_loss_stops_at_the_parent():
    alone, supported = run(CEFI, "2022-06", "three_arrows"), run(CEFI, "2022-07", "three_arrows")
    assert claim_loss(alone, "genesis", "three_arrows") == pytest.approx(
        claim_loss(supported, "dcg", "three_arrows")
    )
    assert alone.table.loc["genesis", "defaulted"]
    assert not supported.table.loc[["genesis", "dcg"], "defaulted"].any()
    assert supported.table.loc["genesis", "loss"] == pytest.approx(0.0, abs=1e-3)


def test_alameda_takes_ftx_and_blockfi_with_it():
    calm, hit = run(CEFI, "2022-11"), run(CEFI, "2022-11", "alameda")
    assert not calm.table["defaulted"].any()
    assert hit.table.loc[["ftx_com", "ftx_us", "blockfi"], "defaulted"].all()
    assert not hit.table.loc["genesis", "defaulted"]  # it failed for lack of cash, later
    low, high = datasets.outcomes(CEFI).query("what.str.startswith('shortfall')")["value"]
    both = hit.table.loc[["ftx_com", "ftx_us"], "shortfall"].sum()
    assert low <= both <= high


def test_genesis_fails_in_november_without_the_note_of_its_parent():
    net = network(CEFI, "2022-11")
    shock = ct.Shock.default("alameda", recovery=0.0)
    shock = shock + ct.Shock.default("dcg", recovery=575 / 1675)  # its loans paid, the note not
    table = ct.EisenbergNoe().propagate(net, shock).table
    assert table.loc["genesis", "defaulted"] and table.loc["gemini_earn", "loss"] > 0


@pytest.mark.parametrize(("equity", "fails"), [(79e6, True), (81e6, False)])
def test_blockfi_survives_june_with_the_assumed_capital_and_a_little_less(equity, fails):
    assumed = {**datasets.card(CEFI).assume_equity, "blockfi": equity}
    net = datasets.load(CEFI, assume_equity=assumed)
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows", recovery=0.0))
    assert bool(result.table.loc["blockfi", "defaulted"]) is fails


@pytest.mark.parametrize(("equity", "fails"), [(944e6, True), (945e6, False)])
def test_blockfi_fails_in_november_with_up_to_nine_times_that(equity, fails):
    net = network(CEFI, "2022-11")
    book = net.balance_sheet.loc["blockfi"]
    more = book["external_assets"] + equity - book["equity"]
    result = ct.EisenbergNoe().propagate(
        net.with_nodes(external_assets={"blockfi": more}), ct.Shock.default("alameda", recovery=0.0)
    )
    assert bool(result.table.loc["blockfi", "defaulted"]) is fails


def test_set_off_between_voyager_and_alameda():
    net = network(CEFI).set_off(("voyager", "alameda"))
    claims = net.exposures.query(
        "creditor in ('voyager', 'alameda') and debtor in ('voyager', 'alameda')"
    )
    assert claims[["creditor", "debtor"]].to_numpy().tolist() == [["voyager", "alameda"]]
    assert claims["amount"].item() == pytest.approx(301.8e6)


def test_blockfi_against_the_ftx_group_gross_and_net():
    claims = network(CEFI, "2022-11").exposures
    group = ["alameda", "ftx_com", "ftx_us"]
    gross = claims.loc[claims["creditor"].eq("blockfi") & claims["debtor"].isin(group), "amount"]
    owed = claims.loc[claims["debtor"].eq("blockfi") & claims["creditor"].isin(group), "amount"]
    published = datasets.outcomes(CEFI).set_index("what")["value"]
    assert gross.sum() == published["gross claim on the FTX group"] == 1026e6
    assert gross.sum() - owed.sum() == published["net claim on the FTX group"] == 751e6


def test_assumptions_are_reported_with_every_network():
    assumed = " ".join(network(CEFI).assumptions)
    assert all(name in assumed for name in ("three_arrows", "genesis", "blockfi", "collateral"))
    assert "voyager" not in assumed  # its capital was published


# -- Stream and Elixir ------------------------------------------------------------------------


def recovery(net: ct.ExposureNetwork, debtor: str) -> float:
    shock = ct.Shock.default("external_manager", recovery=0.0)
    flows = ct.EisenbergNoe().propagate(net, shock).flows
    flows = flows[flows["debtor"] == debtor]
    return flows["paid"].sum() / flows["amount"].sum()


def test_the_cycle_clears_to_its_closed_form():
    a, b = 75 / 83.33, 68
    stream = (63 + a * 7.56) / (444.9 - a * b)
    elixir = (7.56 + b * stream) / 83.33
    net = network(STREAM)
    assert recovery(net, "stream") == pytest.approx(stream, rel=1e-9)
    assert recovery(net, "elixir") == pytest.approx(elixir, rel=1e-9)
    published = datasets.outcomes(STREAM).query("what == 'recovery rate, pari passu, no set-off'")
    np.testing.assert_allclose(published["value"], [stream, elixir], atol=5e-4)


def test_set_off_doubles_what_elixir_pays_and_subordination_again():
    net = network(STREAM).set_off(("stream", "elixir"))
    assert recovery(net, "elixir") == pytest.approx(7.56 / 15.33, rel=1e-9)
    claims = net.exposures
    junior = claims["creditor"].eq("stream") & claims["debtor"].eq("elixir")
    assert claims.loc[junior, "amount"].item() == pytest.approx(7e6)
    claims["tier"] = np.where(junior, 2, 1)
    nodes = net.nodes.drop(columns=[c for c in FIGURES if c in net.nodes]).assign(
        external_assets=net.balance_sheet["external_assets"].to_numpy(),
        external_liabilities=net.balance_sheet["external_liabilities"].to_numpy(),
    )
    tiers = ct.ExposureNetwork(nodes, claims, unit=net.unit, loops="solve")
    shock = ct.Shock.default("external_manager", recovery=0.0)
    flows = ct.EisenbergNoe().propagate(tiers, shock).flows.set_index(["creditor", "debtor"])
    paid = flows.loc[("deusd_holders", "elixir")]
    assert (paid["paid"] / paid["amount"]).item() == pytest.approx(7.56 / 8.33, rel=1e-9)


def test_lenders_of_stream_add_up_and_nothing_is_counted_twice():
    claims = network(STREAM).exposures.query("debtor == 'stream'").set_index("creditor")["amount"]
    assert claims.drop("xusd_holders").sum() == pytest.approx(284.9e6)
    assert claims.sum() == pytest.approx(444.9e6)
    assert network(STREAM).balance_sheet.loc["stream", "external_assets"] == 63e6  # not 63 + 93


def test_stream_was_short_before_the_manager_failed():
    book = network(STREAM).balance_sheet.loc["stream"]
    assert book["equity"] == pytest.approx(-213.9e6)
    calm, hit = run(STREAM, None), run(STREAM, None, "external_manager", baseline="cleared")
    holders = [
        "xusd_holders",
        "telosc",
        "mev_capital",
        "varlamore",
        "re7",
        "other_lenders",
        "deusd_holders",
    ]
    assert calm.table.loc["stream", "defaulted"]
    assert hit.table.loc[holders, "loss"].sum() == pytest.approx(93e6, rel=1e-6)


# -- statistics and published examples --------------------------------------------------------


def test_bis_table_gives_the_published_centralities():
    net, published = network("bis_cbs_2022q4"), datasets.outcomes("bis_cbs_2022q4")
    claims = net.liabilities.T.toarray()  # row: creditor banks
    assert claims.shape == (16, 16) and net.unit == "USD mn"
    radius = np.abs(np.linalg.eigvals(claims)).max()
    assert radius == pytest.approx(1636698.1024426713, rel=1e-9)
    for what, matrix in (("hub centrality", claims), ("authority centrality", claims.T)):
        values, vectors = np.linalg.eig(matrix)
        vector = np.abs(vectors[:, np.argmax(values.real)].real)
        answer = published[published["what"] == what].set_index("node")["value"][net.names]
        np.testing.assert_allclose(vector / vector.sum(), answer, atol=2e-8)


def test_bis_nodes_lose_but_never_fail():
    result = run("bis_cbs_2022q4", None, "US")
    others = result.table.drop("US")
    assert not others["defaulted"].any()
    assert others["loss"].sum() == pytest.approx(
        network("bis_cbs_2022q4").book.debts[network("bis_cbs_2022q4").position("US")]
    )


def answers(name: str, what: str, order: str) -> np.ndarray:
    rows = datasets.outcomes(name)
    rows = rows[rows["what"].eq(what) & rows["run"].eq(order)]
    assert rows["node"].tolist() == list(network(name).names)
    return rows["value"].to_numpy()


def test_eisenberg_noe_3():
    net = network("eisenberg_noe_3")
    shock = ct.Shock.loss({"bank0": 2.0, "bank1": 2.0, "bank2": 1.0})
    result = ct.EisenbergNoe().propagate(net, shock)
    for what, reached in (
        ("equity, Eisenberg-Noe", result.table["equity_after"]),
        ("payment on debts in the graph, Eisenberg-Noe", result.payments),
    ):
        answer = answers("eisenberg_noe_3", what, "external assets fall by 10 %")
        np.testing.assert_allclose(reached, answer, atol=1e-9)


@pytest.mark.parametrize(
    ("case", "loss"), [("a1", {}), ("a2", {"bank0": 1, "bank1": 1, "bank2": 0.9})]
)
def test_rogers_veraart_3(case, loss):
    net = network("rogers_veraart_3")
    given = net.nodes.set_index("node")
    left = given["external_assets"] - pd.Series(loss, dtype=float).reindex(given.index).fillna(0)
    np.testing.assert_allclose(left, given["external_assets" + ("_a2" if loss else "")], atol=1e-12)
    result = ct.models.RogersVeraart(alpha=1.0, beta=1.0).propagate(net, ct.Shock.loss(loss))
    np.testing.assert_allclose(
        result.payments, answers("rogers_veraart_3", "payment on debts", case), atol=1e-9
    )


@pytest.mark.parametrize("share", [5, 10, 15, 20, 30])
def test_neva_ring3(share):
    net = network("neva_ring3")
    shock = ct.Shock.loss((net.balance_sheet["external_assets"] * share / 100).to_dict())
    answer = answers("neva_ring3", "equity, Eisenberg-Noe", f"external assets fall by {share} %")
    table = ct.EisenbergNoe().propagate(net, shock).table
    np.testing.assert_allclose(table["equity_after"], answer, atol=1e-9)


def test_seniority_3():
    net = network("seniority_3")
    result = ct.EisenbergNoe().propagate(net, ct.Shock())
    np.testing.assert_allclose(
        result.payments,
        answers("seniority_3", "payment on senior debts", "by seniority")
        + answers("seniority_3", "payment on junior debts", "by seniority"),
        atol=1e-9,
    )
    assert result.table["defaulted"].to_numpy().tolist() == [True, False, True]
    flat = ct.ExposureNetwork(net.nodes, net.exposures.assign(tier=1))
    np.testing.assert_allclose(
        ct.EisenbergNoe().propagate(flat, ct.Shock()).payments,
        answers("seniority_3", "payment on debts", "pari passu"),
        atol=1e-9,
    )


# -- the module -------------------------------------------------------------------------------


def test_unknown_name_names_the_closest():
    with pytest.raises(ct.UnknownNameError, match="Did you mean 'cefi_credit_2022'"):
        datasets.load("cefi_credit_2020")


GOOD = """title = "t"\nsummary = "s"\nkind = "illustrative"\ndate = "d"\nunit = "u"\nsource = "s"
nodes = 1
terms = "t"\nevidence = "e"\ncaveats = ["c"]\n[network]\n[sources]\na = "b"\n[grades]\nx = "y"
[default_run]\ndefault = "a"\nrecovery = 0.0\n"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "illustrative"', 'kind = "guess"', "kind must be one of observed"),
        ('title = "t"\n', "", "title must be text"),
        ('caveats = ["c"]', 'caveats = "c"', "caveats must be a list"),
        ("recovery = 0.0\n", "", "default and recovery"),
        ("nodes = 1", 'nodes = "1"', "nodes must be their number"),
        ('[grades]\nx = "y"\n', "", r"\[grades\] must be a table"),
        ('unit = "u"', 'unit = "u"\nunits = "u"', "unknown entry 'units'"),
        ('title = "t"', "title = t", "Invalid value"),
    ],
)
def test_malformed_cards_say_what_is_wrong(tmp_path, monkeypatch, old, new, message):
    (tmp_path / "toy").mkdir()
    card = tmp_path / "toy" / "dataset.toml"
    monkeypatch.setattr(datasets, "_root", lambda: tmp_path)
    card.write_text(GOOD)
    assert datasets.card("toy").title == "t"
    assert datasets.outcomes("toy").empty
    assert old in GOOD
    card.write_text(GOOD.replace(old, new))
    with pytest.raises(ct.DatasetError, match=message):
        datasets.card("toy")


def test_the_wheel_brings_its_own_copy(tmp_path, monkeypatch):
    package = tmp_path / "contagion"
    (tmp_path / "datasets" / "beside").mkdir(parents=True)
    (tmp_path / "datasets" / "beside" / "dataset.toml").write_text(GOOD)
    package.mkdir()
    monkeypatch.setattr(datasets, "__file__", str(package / "datasets.py"))
    assert datasets.names() == ["beside"]
    (package / "_datasets" / "inside").mkdir(parents=True)
    (package / "_datasets" / "inside" / "dataset.toml").write_text(GOOD)
    assert datasets.names() == ["inside"]
