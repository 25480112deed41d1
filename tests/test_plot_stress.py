"""Exceedance, concentration and heat maps: what is drawn is what the numbers are."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import Hasty
from matplotlib import pyplot as plt
from matplotlib.patches import PathPatch, Rectangle

import contagion as ct
from contagion.plot.heat import kind_amounts


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def note_of(ax) -> str:
    """The line below the title."""
    return " ".join(text.get_text() for text in ax.texts if text.get_fontsize() == 8.5).replace(
        "\n", " "
    )


def cells(ax) -> dict[tuple[int, int], str]:
    """{(column, row): text} of the numbers in the cells."""
    found = [text for text in ax.texts if text.get_text() and text.get_fontsize() <= 8]
    return {tuple(int(x) for x in text.get_position()): text.get_text() for text in found}


@pytest.fixture(scope="module")
def chain() -> ct.ExposureNetwork:
    """b holds 10 on a and has 3; a has 2."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 10], [0, 0]], ["a", "b"], orientation="debtor->creditor", external_assets=[12, 0],
        equity=[2, 3],
    )  # fmt: skip


def stressed(net: ct.ExposureNetwork, losses: list[float], **options) -> ct.experiments.StressTest:
    shocks = [ct.Shock.loss({"a": loss}) if loss else ct.Shock() for loss in losses]
    model = options.pop("model", ct.EisenbergNoe())
    return ct.stress_test(net, model, ct.scenarios.from_shocks(net, shocks), **options)


def sampled(net: ct.ExposureNetwork, count: int, **options) -> ct.experiments.StressTest:
    drawn = ct.scenarios.common_factor(net, volatility=0.4, scenarios=count, rng=1)
    return ct.stress_test(net, ct.EisenbergNoe(), drawn, **options)


# -- exceedance ---------------------------------------------------------------------------------


def test_the_curve_is_the_share_of_scenarios_above(chain):
    """Losses of a: 0 to 2 are its own; b has 3 more to lose, then its creditors."""
    test = stressed(chain, [0, 1, 1, 2, 3, 5, 5, 9])
    ax = ct.plot.exceedance(test, levels=[])
    x, y = ax.lines[0].get_data()
    lost = np.array([0, 1, 1, 2, 3, 5, 5, 9.0])
    assert x[0] == pytest.approx(0, abs=1e-8) and list(x[1:]) == pytest.approx([1, 2, 3, 5, 9])
    assert list(y) == [float((lost > at + 1e-6).mean()) for at in x]
    assert ax.get_yscale() == "log" and ax.lines[0].get_drawstyle() == "steps-post"
    assert "8 scenarios through EisenbergNoe; 87.5% of them above 0" in note_of(ax)
    assert ax.get_legend() is None and "VaR" not in note_of(ax)


def test_marks_are_the_estimates_of_the_test(chain):
    test = sampled(chain, 200)
    ax = ct.plot.exceedance(test, levels=[0.9])
    var, tail = test.value_at_risk(0.9), test.expected_shortfall(0.9)
    marks = {line.get_marker(): line for line in ax.lines if line.get_marker() in ("o", "D")}
    for mark, found in (("o", var), ("D", tail)):
        assert marks[mark].get_xdata()[0] == pytest.approx(found.value)
        assert marks[mark].get_ydata()[0] == pytest.approx(0.1)
    bars = [line.get_xdata() for line in ax.lines if list(line.get_ydata()) == [1 - 0.9] * 2]
    assert sorted(map(tuple, bars)) == sorted(
        [pytest.approx((float(e.low), float(e.high))) for e in (var, tail)],
        key=lambda e: e.expected,
    )
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said[0].startswith(f"VaR 90%: {var.value:.2f} (") and said[1].startswith("ES 90%")


def test_levels_are_those_of_the_test(chain):
    ax = ct.plot.exceedance(stressed(chain, [0, 1, 2, 3], levels=(0.5, 0.75)))
    said = [text.get_text().split(":")[0] for text in ax.get_legend().get_texts()]
    assert said == ["VaR 50%", "VaR 75%", "ES 50%", "ES 75%"]


def test_what_has_no_bound_is_an_arrow(chain):
    ax = ct.plot.exceedance(sampled(chain, 5), levels=[0.99])
    assert ">" in [line.get_marker() for line in ax.lines]
    assert "no bound" in ax.get_legend().get_texts()[0].get_text()


def test_the_tail_has_points_of_its_own(chain):
    """101 even quantiles of 4,000 scenarios would stop at 1 in 100."""
    rng = np.random.default_rng(1)
    ax = ct.plot.exceedance(stressed(chain, list(5 * rng.random(4000))), levels=[])
    y = ax.lines[0].get_ydata()
    assert y[y > 0].min() == pytest.approx(1 / 4000) and len(y) < 200
    assert ax.lines[0].get_drawstyle() == "default"


def test_no_loss_at_all(chain):
    ax = ct.plot.exceedance(stressed(chain, [0, 0, 0]))
    assert "none of them above 0" in note_of(ax) and "no intervals" in note_of(ax)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_numbers_of_nodes_have_no_unit(chain):
    ax = ct.plot.exceedance(stressed(chain, [0, 6, 6, 6]), "defaults", levels=[0.5])
    assert ax.get_xlabel() == "nodes in default"
    assert list(ax.lines[0].get_xdata()) == pytest.approx([0, 2], abs=1e-6)


def test_scenarios_that_did_not_converge_are_said():
    """One round is too few where a fails, and takes b, and that takes c."""
    line = ct.ExposureNetwork.from_matrix(
        [[0, 10, 0], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"], orientation="debtor->creditor",
        equity=[1, 1, 1],
    )  # fmt: skip
    test = stressed(line, [0, 6, 7], model=Hasty(), unconverged=1.0, levels=())
    assert test.unconverged == 2
    assert "2 scenarios did not converge" in note_of(ct.plot.exceedance(test))


def test_bad_levels_and_columns(chain):
    test = stressed(chain, [0, 1])
    with pytest.raises(ValueError, match=r"level 1\.5"):
        ct.plot.exceedance(test, levels=[1.5])
    with pytest.raises(ct.ContagionError, match="loss"):
        ct.plot.exceedance(test, "lost")


# -- concentration ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three() -> ct.ExposureNetwork:
    """b owes 6, c 4; claims 4, 2 and 4."""
    return ct.ExposureNetwork.from_matrix(
        [[0, 0, 0], [2, 0, 4], [2, 2, 0]], ["a", "b", "c"], orientation="debtor->creditor",
        equity=[1, 1, 2],
    )  # fmt: skip


def test_every_quantity_has_its_own_curve(three):
    ax = ct.plot.cumulative_shares(three)
    drawn = {line.get_label().split(":")[0]: list(line.get_ydata()) for line in ax.lines[:4]}
    assert drawn["debts"] == pytest.approx([0, 0.6, 1, 1])
    assert drawn["claims"] == pytest.approx([0, 0.4, 0.8, 1])
    assert drawn["equity"] == pytest.approx([0, 0.5, 0.75, 1])
    assert ax.lines[4].get_xydata().tolist() == [[0, 0], [3, 1]]


def test_only_what_is_asked_for(three):
    ax = ct.plot.cumulative_shares(three, of=["debts", "equity"])
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said == ["debts: 3 largest have 100%", "equity: 3 largest have 100%"]
    with pytest.raises(ValueError, match="of"):
        ct.plot.cumulative_shares(three, of="profits")


def test_what_is_not_known_is_left_out_and_named():
    ax = ct.plot.cumulative_shares(ct.datasets.load("bis_cbs_2022q4"))
    said = [text.get_text().split(":")[0] for text in ax.get_legend().get_texts()]
    assert said == ["claims", "debts"]
    assert "Not drawn: assets, equity" in note_of(ax)
    ax = ct.plot.cumulative_shares(ct.datasets.load("cefi_credit_2022"))
    assert "assets of 3 of 9 nodes; equity of 3 of 9 nodes" in note_of(ax)


def test_nothing_to_draw_and_very_many_nodes():
    alone = ct.ExposureNetwork(
        {"node": ["x"]}, {"creditor": [], "debtor": [], "amount": []}, missing_equity="external"
    )
    ax = ct.plot.cumulative_shares(alone)
    assert ax.get_legend() is None and "Not drawn" in note_of(ax)
    many = ct.synthetic.generate.star(80)
    ax = ct.plot.cumulative_shares(many, of="debts")
    assert ax.get_xscale() == "linear" and "share of the 80 nodes" in ax.get_xlabel()


# -- heat maps ----------------------------------------------------------------------------------


def kinds_network(kinds: list[str], amount: float = 1.0) -> ct.ExposureNetwork:
    """A ring: node i claims i + 1 times the amount on node i + 1."""
    n = len(kinds)
    nodes = {"node": [f"n{i}" for i in range(n)], "kind": kinds}
    claims = {
        "creditor": nodes["node"],
        "debtor": [f"n{(i + 1) % n}" for i in range(n)],
        "amount": [amount * (i + 1) for i in range(n)],
    }
    return ct.ExposureNetwork(nodes, claims, missing_equity="external", unit="USD mn")


def test_kinds_are_summed_in_cells_and_at_the_ends():
    net = kinds_network(["bank", "bank", "fund"])  # 1 bank on bank, 2 bank on fund, 3 fund on bank
    table = kind_amounts(net)
    assert table.loc["bank"].to_dict() == {"bank": 1.0, "fund": 2.0}
    assert table.loc["fund"].to_dict() == {"bank": 3.0, "fund": 0.0}
    ax = ct.plot.kind_heat(net)
    assert cells(ax) == {
        (0, 0): "1.0", (1, 0): "2.0", (0, 1): "3.0", (2, 0): "3.0", (2, 1): "3.0", (0, 2): "4.0",
        (1, 2): "2.0", (2, 2): "6.0",
    }  # fmt: skip
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("debtor", "creditor")
    assert "USD m" in note_of(ax)


def test_a_flow_between_kinds_has_debtors_on_the_left_and_widths_in_money():
    ax = ct.plot.kind_flow(kinds_network(["bank", "bank", "fund"], 10.0))
    said = [text.get_text().replace("\n", " ") for text in ax.texts]
    assert said[:4] == [
        "bank 40.00 (67%)",
        "fund 20.00 (33%)",
        "bank 30.00 (50%)",
        "fund 30.00 (50%)",
    ]
    assert said[4:6] == ["debts of", "claims of"] and "USD m" in note_of(ax)
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    bands = [patch.get_path().vertices for patch in ax.patches if isinstance(patch, PathPatch)]
    unit = boxes[0].get_height() / 40.0  # points for a unit of money
    assert [box.get_height() / unit for box in boxes] == pytest.approx([40.0, 20.0, 30.0, 30.0])
    wide = sorted((band[0][1] - band[-2][1]) / unit for band in bands)
    assert wide == pytest.approx([10.0, 20.0, 30.0])


def test_many_kinds_become_other_kinds():
    table = kind_amounts(kinds_network([f"kind {k}" for k in range(20)]), most=5)
    assert list(table.index) == [*table.columns] and table.index[-1] == "16 other kinds"
    assert len(table) == 5 and table.to_numpy().sum() == sum(range(1, 21))


@pytest.mark.parametrize(
    "kinds", [["bank"] * 2, [f"systemically important {k}" for k in range(15)]]
)
def test_one_kind_and_long_names(kinds):
    ax = ct.plot.kind_heat(kinds_network(kinds))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert max(map(len, names)) <= 24 and len(set(names)) == len(names)


def test_no_claims_at_all():
    net = ct.ExposureNetwork(
        {"node": ["x"]}, {"creditor": [], "debtor": [], "amount": []}, missing_equity="external"
    )
    assert set(cells(ct.plot.kind_heat(net)).values()) == {"0"}


@pytest.fixture
def losses() -> pd.DataFrame:
    """x costs y 4 and z 1; y costs z 2; z costs nobody; own losses are 9."""
    rows = [[9, 0, 0], [4, 9, 0], [1, 2, 9]]
    return pd.DataFrame(rows, list("xyz"), list("xyz"), dtype=float)


def test_victims_and_triggers_are_ordered_by_loss(losses):
    ax = ct.plot.victim_heat(losses, unit="EUR")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["y", "z"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["x", "y"]
    assert cells(ax) == {(0, 0): "4.0", (0, 1): "1.0", (1, 1): "2.0"}
    assert [patch.get_xy() for patch in ax.patches] == [(1, 0)]  # y itself
    note = note_of(ax)
    assert "Grey: the trigger itself" in note
    assert "1 victim without losses, 1 trigger without losses" in note


def test_own_losses_do_not_count(losses):
    ax = ct.plot.victim_heat(losses)
    assert float(np.nanmax(ax.collections[0].get_array())) == 4


def test_what_is_not_defined_is_hatched(losses):
    losses.loc["x", "z"] = np.nan
    ax = ct.plot.victim_heat(losses)
    hatched = [patch for patch in ax.patches if patch.get_hatch()]
    at = [label.get_text() for label in ax.get_xticklabels()].index("z")
    assert [patch.get_xy() for patch in hatched] == [(at, 2)] and "Hatched" in note_of(ax)


def test_shares_are_percentages(losses):
    ax = ct.plot.victim_heat(losses / 4, measure="share")
    assert cells(ax) == {(0, 0): "100%", (0, 1): "25%", (1, 1): "50%"}


def test_the_largest_are_shown(losses):
    ax = ct.plot.victim_heat(losses, most=1)
    assert cells(ax) == {(0, 0): "4.0"}
    assert "1 victim with smaller losses" in note_of(ax)


def test_nobody_loses_and_bad_tables(losses):
    assert "No node loses anything" in note_of(ct.plot.victim_heat(losses * 0))
    with pytest.raises(ValueError, match="no cells"):
        ct.plot.victim_heat(pd.DataFrame())
    with pytest.raises(ValueError, match="loss of -9"):
        ct.plot.victim_heat(-losses)
    with pytest.raises(ValueError, match="money or share"):
        ct.plot.victim_heat(losses, measure="parts")
