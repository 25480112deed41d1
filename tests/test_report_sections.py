"""The sections beyond one shock: their numbers are those of what was given."""

from __future__ import annotations

import re
from dataclasses import replace

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from test_report import Page

import contagion as ct
from contagion.experiments.policy import Capital, ExposureLimit
from contagion.experiments.reverse import break_even_fund, fewest_triggers, smallest_shock
from contagion.report.sections.sensitivity import shown_measure

MODEL = ct.EisenbergNoe()
SHOCK = ct.Shock.default("three_arrows")


def written(tmp_path, *parts, **more) -> Page:
    return Page(ct.write_report(tmp_path / "r.html", *parts, **more).read_text("utf-8"))


def number(text: str) -> float:
    plain = text.replace(",", "").replace("−", "-").replace("± ", "")
    return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)


@pytest.fixture(scope="module")
def net():
    return ct.datasets.load("cefi_credit_2022")


@pytest.fixture(scope="module")
def scenarios(net):
    return ct.scenarios.common_factor(net, scenarios=600, volatility=0.3, correlation=0.4, rng=7)


@pytest.fixture(scope="module")
def stress(net, scenarios):
    return ct.stress_test(net, MODEL, scenarios, baseline="cleared")


@pytest.fixture(scope="module")
def sweeps(net):
    case = ct.experiments.Case(net, MODEL, SHOCK, baseline="cleared")
    recoveries = [0.0, 0.5, 1.0]
    return [
        ct.sweep(case, {"shock.recovery": recoveries, "network.capital": [1.0, 2.0]}),
        ct.sweep(case, {"shock.recovery": recoveries}),
    ]


@pytest.fixture(scope="module")
def reverse(net):
    return [
        smallest_shock(net, fail="voyager", hit=["voyager", "alameda"], seconds=5),
        fewest_triggers(net, fail="voyager"),
        break_even_fund(net, "voyager", SHOCK),
    ]


@pytest.fixture(scope="module")
def policy(net, scenarios):
    mixes = {"capital": Capital(add=1e8), "limits": ExposureLimit(0.25)}
    options = {"baseline": "cleared"}
    return [
        ct.experiments.policy.compare(net, MODEL, what, mixes, **options)
        for what in (SHOCK, scenarios)
    ]


@pytest.fixture(scope="module")
def given(sweeps, reverse, stress, policy):
    return {"sweeps": sweeps, "reverse": reverse, "stress": stress, "policy": policy}


@pytest.fixture(scope="module")
def html(net, given, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    result = MODEL.propagate(net, SHOCK, baseline="cleared")
    ct.write_report(file, net, result, ct.rank(net), card="cefi_credit_2022", **given)
    return file.read_text("utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_every_exhibit_has_a_stable_id_of_its_own(page):
    found = "T4 F2 T5 F4 T6 T7 F11R F12-1 T12S-1 T12S-2 T12 T13 F13 T13V T13N T18-1 T18-2 T18I"
    assert set(found.split()) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_loaded_from_outside(html, page):
    assert html.count("<script") == 2 and "<link" not in html
    for _, key, value in page.attributes:
        if key in ("src", "href", "xlink:href", "data"):
            assert str(value).startswith(("#", "data:image/png;base64,", "data:text/csv"))
    assert not re.search(r"\b(nan|NaN|None|inf)\b", page.text)
    assert not re.search(r"\d\.\d{6,}", page.text)


def test_the_same_input_gives_the_same_file(tmp_path, net, given, html):
    result = MODEL.propagate(net, SHOCK, baseline="cleared")
    file = ct.write_report(
        tmp_path / "r.html", net, result, ct.rank(net), card="cefi_credit_2022", **given
    )
    assert file.read_text("utf-8") == html


# -- the network --------------------------------------------------------------------------------


def test_shape_of_the_network(page, net):
    rows = {row[0]: row[1] for row in page.tables["T4"]}
    real = net.amount > 0
    pairs = set(zip(net.creditor[real].tolist(), net.debtor[real].tolist(), strict=True))
    assert rows["nodes"] == "9" and rows["links"] == str(len(pairs))
    assert number(rows["density"]) == pytest.approx(len(pairs) / 72, abs=6e-4)
    back = sum((j, i) in pairs for i, j in pairs)
    assert number(rows["reciprocity"]) == pytest.approx(back / len(pairs), abs=6e-4)
    assert "without Celsius, Deribit and Celsius users" in page.text


def test_an_unstable_network_is_a_finding(tmp_path):
    net = ct.ExposureNetwork.from_matrix(
        [[0, 4], [0.5, 0]], ["a", "b"], orientation="creditor->debtor", equity=[1, 1]
    )
    text = written(tmp_path, net).text
    assert (
        "The spectral radius of the leverage matrix is 1.41, above one" in text.partition("Map")[0]
    )


def test_concentration(page, net):
    head, *rows = page.tables["T5"]
    debts = next(row for row in rows if row[0] == "debts")
    known = np.sort(net.book.debts)[::-1]
    share = known / known.sum()
    for title, value in (("3 largest", share[:3].sum()), ("HHI", (share**2).sum()),
                         ("equal nodes", 1 / (share**2).sum())):  # fmt: skip
        assert number(debts[head.index(title)]) == pytest.approx(value, rel=0.03)
    assert "99% of all debts inside are owed by the three largest of 4 debtors." in page.text


def test_largest_exposures_with_their_part_of_capital(page):
    rows = {(row[0], row[1]): row[2:] for row in page.tables["T6"][1:]}
    genesis = rows["Genesis", "Three Arrows Capital"]
    assert genesis == ["1,200.0", "17%", "200.0", "600%", "above 25%"]
    assert rows["Celsius", "Three Arrows Capital"][-1] == "no positive capital"
    assert rows["Deribit", "Three Arrows Capital"][-1] == "capital not known"
    amounts = [number(row[2]) for row in page.tables["T6"][1:]]
    assert amounts == sorted(amounts, reverse=True)


def test_net_lenders_and_borrowers(page, net):
    names = net.nodes.set_index("name")["node"]
    *rows, total = page.tables["T7"][1:]
    for row in rows:
        at = net.position(names[row[0]])
        balance = net.book.claims[at] - net.book.debts[at]
        assert number(row[4]) == pytest.approx(balance / 1e6, abs=0.051)
    assert total[0] == "all" and total[2] == total[3]
    balances = [number(row[4]) for row in rows]
    assert balances == sorted(balances, reverse=True)


def test_many_nodes_are_summed_in_the_middle(tmp_path):
    net = ct.synthetic.generate.erdos_renyi(60, 0.1, rng=1)
    *rows, _ = written(tmp_path, net).tables["T7"][1:]
    assert len(rows) == 21 and rows[10][0] == "40 others"
    balance = net.book.claims - net.book.debts
    middle = np.sort(balance)[::-1][10:-10].sum()
    unit = number(rows[0][4]) / balance.max()
    assert number(rows[10][4]) == pytest.approx(middle * unit, abs=0.01)


def test_what_is_not_known_is_said_and_not_tabulated(tmp_path):
    net = ct.datasets.load("bis_cbs_2022q4")
    page = written(tmp_path, net, (), ct.rank(net))
    assert page.tables["T6"][0] == ["creditor", "debtor", "exposure", "of all"]
    assert "No creditor's capital is known" in page.text
    assert "All nodes have one kind (country)" in page.text
    assert "no node with claims has a known positive equity" in page.text
    assert page.tables["T5"][1][:3] == ["assets", "–", "0"]
    page = written(tmp_path, net, (), ct.rank(net)[["claims", "socialized_caused"]])
    assert "if two measures or more distinguish the nodes" in page.text


def test_without_claims(tmp_path):
    net = ct.ExposureNetwork(
        {"node": ["x"]}, {"creditor": [], "debtor": [], "amount": []}, missing_equity="external"
    )
    page = written(tmp_path, net)
    assert "There are no exposures." in page.text and "There are no amounts" in page.text
    assert not re.search(r"\b(nan|NaN|inf)\b", page.text)


def test_large_networks_get_their_shape_from_outside(tmp_path, monkeypatch, net):
    monkeypatch.setattr("contagion.report.given.LARGE", 5)
    page = written(tmp_path, net, (), ct.rank(net))
    assert "the search for a core takes minutes" in page.text
    page = written(tmp_path, net, topology=ct.measures.topology(net))
    assert "T4" in page.tables


def test_a_wide_ranking_is_cut_and_the_rest_named(tmp_path):
    net = ct.datasets.load("neva_ring3")
    page = written(tmp_path, net, (), ct.rank(net, measures="all"))
    assert len(page.tables["T11"][0]) == 10
    assert "Also in the ranking:" in page.text and "SinkRank" in page.text


# -- sensitivity --------------------------------------------------------------------------------


def test_sweep_over_one_axis_has_every_value(page, sweeps):
    head, *rows = page.tables["T12S-2"]
    assert head == ["shock recovery", "0", "0.5", "1"]
    said = {row[0]: row[1:] for row in rows}
    means = sweeps[1].mean("socialized")["mean"] / 1e9
    amount, unit = said["socialized"][0].split(" ", 1)
    assert number(amount) == pytest.approx(means[0], rel=1e-2) and unit == "bn USD"
    assert said["socialized share"] == ["100.0%", "100.0%", "–"]  # at 1 nothing is destroyed
    assert said["defaults"] == [f"{m:.3g}" for m in sweeps[1].mean("defaults")["mean"]]
    same = re.findall("The same in every run: [^.]*", page.text)
    assert all("absorbed by trigger 0 USD" in text for text in same) and len(same) == 2, same


def test_sweep_over_two_axes_has_the_ends(page, sweeps):
    rows = {row[0]: row[1:] for row in page.tables["T12S-1"][1:]}
    frame = sweeps[0].mean("contagion_loss")
    low, at, high, where = rows["contagion loss"]
    assert low == "0 USD" and at == "recovery 1, capital 1, and 1 other"
    top = frame.loc[frame["mean"].idxmax()]
    assert high == ct.text.money(top["mean"], "USD")
    assert where == f"recovery {top['shock.recovery']:g}, capital {top['network.capital']:g}"


def test_the_measure_drawn_is_the_one_that_tells_most(sweeps):
    """The share is 1, or not defined, here: the trigger has no capital."""
    assert sweeps[0].mean("socialized_share")["mean"].nunique() == 1
    assert shown_measure(sweeps[0]) == "contagion_loss"
    own = ct.sweep(lambda x, y: {"first": 0.0, "second": x + y}, {"x": [1, 2], "y": [1, 2]})
    assert shown_measure(own) == "first"


def test_amounts_in_a_phase_diagram_are_scaled(html, sweeps):
    drawing = html[html.index('id="F12-1"') : html.index('id="T12S-1"')]
    assert "contagion loss, USD" in drawing
    worst = sweeps[0].mean("contagion_loss")["mean"].max()
    assert f">{worst / 1e6:,.0f}<" in drawing and "1e9" not in drawing


def test_failed_runs_and_three_axes(tmp_path, net):
    def run(x: int, y: int, z: int) -> float:
        if x == 1:
            raise ValueError("no answer here")
        return x + y + z

    cube = ct.sweep(run, {"x": [1, 2], "y": [1, 2], "z": [1, 2]})
    page = written(tmp_path, net, sweeps=cube)
    assert "T12S" in page.tables and "F12" not in page.ids
    assert "4 runs failed; the first: ValueError: no answer here" in page.text
    never = ct.sweep(run, {"x": [1], "y": [1, 2], "z": [1]})
    assert "No run gave a number." in written(tmp_path, net, sweeps=never).text


def test_reverse_stress_says_what_where_and_how_sure(page, reverse):
    smallest, triggers, fund = page.tables["T12"][1:]
    size = ct.text.money(reverse[0].size, "USD")
    assert smallest[:2] == ["default of Voyager", f"a loss of {size} in all"]
    assert ("no smaller one exists" in smallest[3]) == reverse[0].exact
    assert triggers[1:3] == ["1 default", "Three Arrows Capital"]
    assert fund[0] == "Voyager pays in full under the shock"
    assert fund[1] == f"a fund, or capital, of {ct.text.money(reverse[2].need, 'USD')}"
    assert f"it takes a loss of {size} in all" in page.text.partition("Map of")[0]


def test_answers_that_are_none_or_not_confirmed(tmp_path, net, reverse):
    none = replace(reverse[0], size=float("nan"), method="proved by HiGHS")
    unsure = replace(reverse[2], verified=False)
    few = replace(reverse[1], nodes=(), least=4, exact=False)
    page = written(tmp_path, net, reverse=[none, few, unsure])
    rows = page.tables["T12"][1:]
    assert rows[0][1] == "no loss of external assets is enough" and rows[0][3] == "proved by HiGHS"
    assert "No loss of external assets is enough for a default of Voyager." in page.text
    assert rows[1][1] == "more than 3 defaults"
    assert rows[2][3] == "NOT confirmed by runs"
    assert "(NOT confirmed by runs)." in page.text


# -- uncertainty --------------------------------------------------------------------------------


def test_the_system_over_scenarios(page, stress):
    head, *rows = page.tables["T13"]
    said = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    loss = stress.scenarios["loss"] / 1e6
    mine = said["loss"]
    assert number(mine["mean"]) == pytest.approx(loss.mean(), abs=0.051)
    assert number(mine["error"]) == pytest.approx(loss.std() / 600**0.5, abs=0.051)
    assert number(mine["largest"]) == pytest.approx(loss.max(), abs=0.051)
    assert number(mine["median"]) == pytest.approx(stress.value_at_risk(0.5).value / 1e6, abs=0.051)
    assert float(said["nodes in default"]["mean"]) == pytest.approx(
        stress.scenarios["defaults"].mean(), rel=0.005
    )
    assert "deadweight" not in said  # nothing of it in any scenario


def test_the_tail_with_its_intervals(page, stress):
    rows = {(row[0], row[1]): row[2:] for row in page.tables["T13V"][1:]}
    for of, title in (("loss", "loss"), ("socialized", "socialized loss")):
        found = stress.expected_shortfall(0.99, of)
        wanted = [found.value, found.standard_error, found.low, found.high]
        *said, beyond = (number(cell) for cell in rows[title, "ES 99%"])
        assert beyond == 0.01
        assert said == pytest.approx([x / 1e6 for x in wanted], abs=0.051)
    var = ct.text.money(stress.value_at_risk(0.99, "socialized").value, "USD")
    assert f"More than {var} is socialized with a probability of 1%" in page.text


def test_nodes_over_the_scenarios(page, stress, net):
    names = net.nodes.set_index("name")["node"]
    chance, tail = stress.default_probability(), stress.in_tail(0.99)
    head, *rows = page.tables["T13N"]
    assert len(rows) == 9 and head[-1] == "share of ES 99%"
    for row in rows:
        node = names[row[0]]
        assert number(row[2]) == pytest.approx(stress.nodes.loc[node, "mean_loss"] / 1e6, abs=0.051)
        assert number(row[3]) == pytest.approx(chance.loc[node, "value"], abs=6e-4)
        assert number(row[5].replace("<", "")) == pytest.approx(chance.loc[node, "high"], abs=6e-4)
        assert number(row[6].replace("<1%", "0%")) == pytest.approx(
            tail.loc[node, "share"], abs=6e-3
        )


def test_few_scenarios_are_no_tail(tmp_path, net):
    test = ct.stress_test(net, MODEL, ct.scenarios.single_defaults(net), levels=())
    page = written(tmp_path, net, stress=test)
    assert "in the mean of 9 scenarios, and " in page.text and "at most." in page.text
    assert "T13V" not in page.ids and "share of ES" not in page.text


# -- policy -------------------------------------------------------------------------------------


def test_one_shock_with_and_without(page, policy):
    head, *rows = page.tables["T18-1"]
    frame = policy[0].table
    for row in rows:
        mine = dict(zip(head, row, strict=True))
        said = frame.loc[row[0]]
        assert number(mine["socialized loss"]) == pytest.approx(said["socialized"] / 1e6, abs=0.051)
        assert number(mine["avoided"]) == pytest.approx(said["avoided"] / 1e6, abs=0.051)
        assert number(mine["cost"]) == pytest.approx(said["cost"] / 1e6, abs=0.051)
        assert mine["in default"] == f"{said['defaults']:.0f}"
    assert rows[0][-1] == "–"


def test_scenarios_with_and_without(page, policy):
    rows = page.tables["T18-2"][1:]
    frame = policy[1].differences(statistic="expected_shortfall", level=0.99)
    es = [row for row in rows if row[1] == "ES 99%"]
    assert [row[0] for row in rows if row[0]] == ["capital", "limits"]
    for row, (_, wanted) in zip(es, frame.iterrows(), strict=True):
        assert number(row[4]) == pytest.approx(wanted["difference"] / 1e6, abs=0.051)
        half = (wanted["high"] - wanted["low"]) / 2e6
        assert number(row[5]) == pytest.approx(half, abs=0.051)


def test_interventions_are_printed_once(page):
    assert [row[:2] for row in page.tables["T18I"][1:]] == [
        ["capital", "Capital(add=100000000.0)"], ["limits", "ExposureLimit()"],
    ]  # fmt: skip


def test_findings_name_the_best_intervention(page, policy):
    avoided = policy[0].table["avoided"].drop("as given")
    amount = ct.text.money(avoided.max(), "USD")
    assert f"{amount} less is socialized with “{avoided.idxmax()}”" in page.text


# -- what does not fit, and what needs no list ---------------------------------------------------


@pytest.mark.parametrize("part", ["stress", "policy", "reverse"])
def test_parts_of_another_network_are_refused(tmp_path, given, part):
    other = ct.datasets.load("neva_ring3")
    with pytest.raises(ValueError, match="the report"):
        ct.write_report(tmp_path / "r.html", other, **{part: given[part]})
    assert not (tmp_path / "r.html").exists()


def test_single_parts_need_no_list(tmp_path, net, given):
    page = written(tmp_path, net, **{
        key: parts[0] if isinstance(parts, list) else parts for key, parts in given.items()
    })  # fmt: skip
    assert {"F12", "T12S", "T12", "T13", "T18"} <= set(page.ids)
