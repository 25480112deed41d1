"""Do measures agree, and does a ranking survive other data?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import random_network
from scipy.stats import kendalltau

import contagion as ct
from contagion.measures import ranking


def table(seed: int, n: int = 30, ties: bool = False, blanks: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base = rng.random(n)
    frame = pd.DataFrame(
        {
            "default_impact": base,
            "contagion_index": base + 0.3 * rng.random(n),
            "debtrank": rng.random(n),
        },
        index=[f"n{i}" for i in range(n)],
    )
    if ties:
        frame = frame.round(1)
    if blanks:
        frame = frame.mask(rng.random(frame.shape) < 0.2)
    return frame


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("blanks", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_tau_is_that_of_scipy(seed, ties, blanks):
    frame = table(seed, ties=ties, blanks=blanks)
    found = ranking.agreement(frame)
    for a in frame:
        for b in frame:
            both = frame[[a, b]].dropna() if a != b else frame[[a]].dropna()
            want = 1.0 if a == b else kendalltau(both[a], both[b]).statistic
            assert found.tau.loc[a, b] == pytest.approx(want, abs=1e-12)
    assert found.reasons == {}


def test_bootstrap_counts_a_node_as_often_as_it_is_drawn():
    """The interval is that of τ over tables with the drawn nodes repeated."""
    frame, draws = table(1, n=12), 40
    found = ranking.agreement(frame, resamples=draws, confidence=0.8, rng=7)
    counts = np.random.default_rng(7).multinomial(12, np.full(12, 1 / 12), draws)
    taus = []
    for row in counts:
        again = frame.iloc[np.repeat(np.arange(12), row)]
        taus.append(kendalltau(again["default_impact"], again["debtrank"]).statistic)
    low, high = np.percentile(taus, [10, 90])
    assert found.low.loc["debtrank", "default_impact"] == pytest.approx(low, abs=1e-6)
    assert found.high.loc["default_impact", "debtrank"] == pytest.approx(high, abs=1e-6)
    assert ranking.agreement(frame).low.isna().all(axis=None)


def test_ranks_and_ranges_by_hand():
    frame = pd.DataFrame({"x": [3.0, 2, 2, 1], "y": [1.0, 4, 2, np.nan]}, index=list("abcd"))
    found = ranking.agreement(frame, ["x", "y"])
    assert found.ranks["x"].tolist() == [1, 2.5, 2.5, 4]
    assert found.ranks["y"].fillna(-1).tolist() == [3, 1, 2, -1]
    assert found.ranges.loc["a"].tolist() == [1, 2, 3, 2]
    assert found.ranges.loc["d"].tolist() == [4, 4, 4, 0]
    assert found.ranges.index[0] == "b"  # the smallest median


def test_the_sentence_says_where_they_disagree():
    frame = pd.DataFrame(
        {"x": [4.0, 3, 2, 1], "y": [4.0, 3, 2, 1], "z": [1.0, 2, 3, 4]}, list("abcd")
    )
    said = repr(ranking.agreement(frame, ["x", "y", "z"]))
    assert "3 measures: median Kendall's τ -1.00" in said
    assert "lowest -1.00 (x and z), highest 1.00 (x and y)" in said
    assert "a under 2 of 3, otherwise 'd'" in said
    assert "2 of 3 pairs of measures have τ below 0.5" in said
    assert "a moves most, between rank 1 and 4" in said
    alike = repr(ranking.agreement(frame, ["x", "y"]))
    assert "All put a first." in alike and "moves most" not in alike and "below" not in alike


def test_undefined_pairs_have_a_reason():
    frame = pd.DataFrame(
        {"x": [1.0, 2, 3], "y": [5.0, 5, 5], "z": [np.nan, np.nan, 1]}, list("abc")
    )
    found = ranking.agreement(frame, ["x", "y", "z"], resamples=5, rng=1)
    assert np.isnan(found.tau.loc["x", "y"]) and np.isnan(found.tau.loc["x", "z"])
    assert found.reasons["x", "y"] == "a measure is the same for every node that has both"
    assert found.reasons["x", "z"] == "1 nodes have both measures"
    assert "none of the pairs" in repr(ranking.agreement(frame, ["y", "z"]))


def test_measures_of_vulnerability_are_another_question(chain):
    found = ranking.agreement(ct.rank(chain))
    headline = ["socialized_caused", "default_impact", "contagion_index"]
    assert list(found.tau) == [*headline, "induced_defaults", "debtrank"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda f: ranking.agreement(f, ["debtrank", "nonsense"]),
            KeyError,
            "Unknown column 'nonsense'",
        ),
        (lambda f: ranking.agreement(f, ["debtrank"]), ValueError, "two measures"),
        (lambda f: ranking.agreement(pd.concat([f] * 70)), ValueError, "too many"),
        (lambda f: ranking.stability([]), ct.NetworkError, "empty"),
        (
            lambda f: list(ranking.perturbed(random_network(1), noise=-1)),
            ct.NetworkError,
            "noise is -1",
        ),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(table(0))


# -- rank with chosen measures ---------------------------------------------------------------


def test_rank_gives_the_measures_that_were_asked_for(chain):
    frame = ct.rank(chain, measures=["glasserman_young", "debtrank", "hazard"])
    assert list(frame)[3:] == ["glasserman_young", "debtrank", "hazard"]
    first = frame["glasserman_young"].dropna()
    assert first.is_monotonic_decreasing
    pd.testing.assert_series_equal(frame["debtrank"], ct.rank(chain)["debtrank"].loc[frame.index])


def test_a_measure_of_the_network_needs_no_run(chain, monkeypatch):
    monkeypatch.setattr("contagion.measures.ranking.table.each_default", None)
    assert list(ct.rank(chain, measures=["glasserman_young"]))[3:] == ["glasserman_young"]


def test_all_measures(chain):
    frame = ct.rank(chain, measures="all")
    want = [m.name for m in ct.measures.MEASURES.values() if m.scope == "node" and m.of]
    assert set(want) <= set(frame) and set(ct.rank(chain)) <= set(frame)


def test_rank_says_why_a_measure_is_not_defined(chain):
    """d owes nothing."""
    frame = ct.rank(chain, measures=["glasserman_young"])
    assert frame.reasons["glasserman_young"] == {"d": "nothing is owed"}
    assert np.isnan(frame.loc["d", "glasserman_young"])


@pytest.mark.parametrize(
    ("measures", "words"),
    [(["debtrnk"], "Did you mean 'debtrank'"), (["debtrank"], "none of the models gives it")],
)
def test_rank_refuses_what_it_cannot_give(chain, measures, words):
    with pytest.raises(ct.ContagionError, match=words):
        ct.rank(chain, models=[ct.models.Furfine()], measures=measures)


# -- stability -------------------------------------------------------------------------------


def test_perturbed_keeps_equity_and_the_mean():
    net = random_network(4, 9, 2.5, {"insolvent", "tiers"})
    many = list(ranking.perturbed(net, noise=0.3, samples=300, rng=3))
    for other in many[:20]:
        np.testing.assert_allclose(other.book.equity, net.book.equity, atol=1e-9)
        assert (other.book.external_assets >= 0).all()
    ratio = np.array([other.amount / net.amount for other in many])
    assert np.log(ratio).std() == pytest.approx(0.3, rel=0.05)
    assert ratio.mean() == pytest.approx(1.0, abs=4 * 0.3 / np.sqrt(ratio.size))
    again = next(ranking.perturbed(net, noise=0.3, samples=1, rng=3))
    assert np.array_equal(again.amount, many[0].amount)


def test_stability_counts_by_hand():
    """Two networks: a is first in one and second in the other, c owes nothing in both."""

    def net(first: float, second: float) -> ct.ExposureNetwork:
        return ct.ExposureNetwork.from_matrix(
            [[0, 0, first], [0, 0, second], [0, 0, 0]],
            list("abc"),
            orientation="debtor->creditor",
            equity=[50, 50, 50],
        )

    found = ranking.stability(
        [net(9, 4), net(3, 4)], [ct.EisenbergNoe()], measures=["default_impact"], k=(1, 2)
    )
    part = found.table.loc["default_impact"]
    assert part["top_1"].to_dict() == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert part["top_2"].to_dict() == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert part.loc["a", ["median", "low", "high"]].tolist() == [1.5, 1, 2]
    assert found.networks == 2 and found.ranks["default_impact"].shape == (2, 3)
    assert "default_impact: a 2 (1–2)" in repr(found)


def test_no_noise_no_change(chain):
    found = ranking.stability(ranking.perturbed(chain, noise=0.0, samples=3), [ct.EisenbergNoe()])
    part = found.table.loc["default_impact"]
    assert (part["low"] == part["high"]).all()
    want = ct.rank(chain)["default_impact"].rank(ascending=False, method="min")
    assert part["median"].to_dict() == want.to_dict()


def test_an_ensemble_has_the_same_nodes(chain, ring):
    with pytest.raises(ct.NetworkError, match="Network 2 of the ensemble has other nodes"):
        ranking.stability([chain, ring])


# -- other amounts ---------------------------------------------------------------------------


def test_with_amounts_keeps_what_it_is_told():
    net = random_network(8, 7, 2.0, {"tiers"})
    amounts = net.amount * 1.5
    same = net.with_amounts(amounts)
    assert np.array_equal(same.book.external_assets, net.book.external_assets)
    assert np.array_equal(same.amount, amounts)
    other = net.with_amounts(amounts, keep="equity")
    np.testing.assert_allclose(other.book.equity, net.book.equity, atol=1e-9)
    gone = net.with_amounts(np.zeros(len(amounts)), keep="equity")
    np.testing.assert_allclose(gone.book.equity, net.book.equity, atol=1e-9)
    pd.testing.assert_series_equal(same.exposures["tier"], net.exposures["tier"])


@pytest.mark.parametrize(
    ("amounts", "keep", "words"),
    [([1, 2], "external", "2 amounts for 3 exposures"), ([1, -2, 3], "external", "Amount 1 is -2"),
     ([1, np.nan, 3], "equity", "Amount 1 is nan"), ([1, 2, 3], "assets", "choose 'external'")],
)  # fmt: skip
def test_with_amounts_refuses(chain, amounts, keep, words):
    with pytest.raises((ct.NetworkError, ValueError), match=words):
        chain.with_amounts(amounts, keep=keep)


def test_reasons_are_by_column_and_node():
    """The BIS network knows no capital: every column says why, and only columns do."""
    table = ct.rank(ct.datasets.load("bis_cbs_2022q4"), measures="all")
    assert set(table.reasons) <= set(table.columns)
    for column in table.columns[3:]:
        undefined = set(table.index[table[column].isna()])
        assert set(table.reasons.get(column, {})) == undefined, column
    assert "US" in ranking.agreement(table).sentence


def test_nobody_first_and_first_with_ties():
    frame = pd.DataFrame({"x": [2.0, 2, 1], "y": [3.0, 3, 1]}, list("abc"))
    assert "None of them puts one node alone first" in repr(ranking.agreement(frame, ["x", "y"]))
    frame["z"] = [3.0, 2, 1]
    said = repr(ranking.agreement(frame, ["x", "z"]))
    assert "a is first under 1 of 2, no node under the rest" in said
