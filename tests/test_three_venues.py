"""One graph with four kinds of rules and two cycles, every amount checked against a closed form."""

from __future__ import annotations

import pytest

import contagion as ct

NAME = "three_venues"
PRO_RATA = {"exchange": ct.rules.Waterfall([ct.rules.Layer("winners")])}


@pytest.fixture(scope="module")
def result():
    return ct.EisenbergNoe().propagate(ct.datasets.load(NAME), ct.Shock.default("desk"))


@pytest.fixture(scope="module")
def compared():
    return ct.compare_rules(
        ct.datasets.load(NAME), ct.Shock.default("desk"), {"pro rata": PRO_RATA}
    )


def layer(result, node: str, name: str) -> float:
    frame = result.layers
    return float(frame.loc[(frame["node"] == node) & (frame["layer"] == name), "absorbed"].iloc[0])


def lost(result, creditor: str, debtor: str, layer: str) -> float:
    frame = result.flows.assign(layer=result.network.exposures["layer"])
    mine = (frame["creditor"] == creditor) & (frame["debtor"] == debtor)
    return float(frame.loc[mine & (frame["layer"] == layer), "loss"].sum())


def test_a_hundred_is_borne_layer_by_layer(result):
    """x = 13 and y = 6 of the cycle of exchange and protocol; u = 2/9 that bank 4 leaves unpaid."""
    want = {
        ("exchange", "equity"): 12,
        ("exchange", "winners"): 45 + 6,
        ("exchange", "other claims"): 0,
        ("protocol", "equity"): 2,
        ("protocol", "umbrella"): 8,
        ("protocol", "suppliers"): 26,
        ("ccp", "equity"): 3,
        ("ccp", "default fund"): 10,
        ("ccp", "assessments"): 7,
        ("ccp", "variation margin gains"): 0,
    }
    for (node, name), amount in want.items():
        assert layer(result, node, name) == pytest.approx(amount, abs=1e-8), (node, name)


def test_a_hundred_is_borne_node_by_node(result):
    call = 7 + 2 / 9
    want = {
        "bank_1": 25 + 4 + 0.4 * call,
        "bank_2": 20 + 3 + 0.3 * call,
        "bank_3": 13 + 2 + 0.2 * call,
        "bank_4": 1.5,
        "stakers": 8,
        "exchange": 12,
        "protocol": 2,
        "ccp": 3,
        "desk": 0,
    }
    assert sum(want.values()) == pytest.approx(100)
    assert result.loss.tolist() == pytest.approx([want[n] for n in result.network.names], abs=1e-8)
    s = result.socialization
    assert (s.initial_loss, s.borne, s.socialized) == pytest.approx((100, 100, 100))
    assert result.audit()["ok"].all()


def test_members_are_called_and_the_thin_one_fails(result):
    calls = result.calls.set_index("guarantor")
    assert calls["called"].tolist() == pytest.approx([k / 10 * (7 + 2 / 9) for k in (4, 3, 2, 1)])
    assert calls["unpaid"].tolist() == pytest.approx([0, 0, 0, 2 / 9], abs=1e-8)
    failed = result.table.index[result.table["defaulted"]]
    assert list(failed) == ["desk", "bank_4"]  # venues that share by their rules do not


def test_the_outcomes_of_the_card_come_out(result, compared):
    runs = {"as given": result, "pro rata": compared.results["pro rata"]}
    table = ct.datasets.outcomes(NAME)
    claims = {
        "loss as a winner": ("exchange", "winners"),
        "loss as a supplier": ("protocol", "suppliers"),
        "loss of the stake": ("protocol", "umbrella"),
    }
    for row in table.itertuples():
        run = runs[row.run]
        if row.what in claims:
            got = lost(run, row.node, *claims[row.what])
        elif row.what == "equity lost":
            got = run.table.loc[row.node, "loss"]
        else:
            got = run.calls.set_index("guarantor").loc[row.node, "unpaid"]
        assert got == pytest.approx(row.value, abs=1e-8), row.what
    assert len(table) == 12


def test_swapping_the_queue_for_pro_rata_moves_the_named_amounts(compared):
    """W = 48 + W/8 over all winners: bank 1 pays 25 W/60 instead of 25, bank 3 more."""
    winners = 48 / (1 - 1 / 8)
    want = {
        "bank_1": 25 / 60 * winners - 25,
        "bank_2": 20 / 60 * winners - 20,
        "bank_3": (20 + 15 / 60 * winners) / 2 - 13,
    }
    moved = compared.differences["pro rata"]
    for node, amount in want.items():
        assert moved[node] == pytest.approx(amount, abs=1e-8)
    others = moved.drop(list(want))
    assert others.abs().max() < 1e-8 and moved.sum() == pytest.approx(0, abs=1e-8)
    assert compared.by_kind.sum().tolist() == pytest.approx([100, 100])
    assert compared.by_hop.sum().tolist() == pytest.approx([100, 100])
    fairness = compared.fairness
    assert fairness.loc["as given", "largest_haircut"] == 1
    assert fairness.loc["pro rata", "largest_haircut"] == pytest.approx(winners / 60)
    assert "bank_1 2.143 m USD less" in repr(compared)


def test_who_leaves_first_is_whole(result):
    assert lost(result, "bank_2", "protocol", "suppliers") == 0
    assert lost(result, "bank_3", "protocol", "suppliers") == pytest.approx(13)
