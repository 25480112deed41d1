"""Networks over time: every period, one long table, and changes that sum up in no order."""

from __future__ import annotations

import pickle
import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from conftest import from_liabilities

import contagion as ct
from contagion.panel.change import GROUPS, between

CEFI = ct.datasets.path("cefi_credit_2022")
FURFINE, CLEARING = ct.models.Furfine(), ct.EisenbergNoe()


def lender(capital: float, claim: float) -> ct.ExposureNetwork:
    """a has `capital` and lent `claim` to b, which will fail."""
    return ct.ExposureNetwork.from_matrix(
        [[0, claim], [0, 0]], ["a", "b"], orientation="creditor->debtor", equity=[capital, 1]
    )


def borne(result) -> float:
    return float(result.loss[0])


def random_panel(seed: int, n: int = 6) -> ct.Panel:
    """Two periods in which everything differs, with nodes that owe nothing in one of them."""
    rng = np.random.default_rng(seed)
    networks = {}
    for period in ("2022", "2023"):
        owed = rng.integers(0, 9, (n, n)) * (rng.random((n, n)) < 0.6)
        np.fill_diagonal(owed, 0)
        owed[rng.integers(n)] = 0
        networks[period] = from_liabilities(
            owed.astype(float), rng.integers(20, 60, n).astype(float), rng.integers(0, 15, n) * 1.0
        )
    return ct.Panel(networks)


def test_the_hand_example():
    """min(K, X) from (3, 2) to (5, 4): 1.5 of the 2 by amounts, .5 by capital."""
    run = ct.Panel({"2022": lender(3, 2), "2023": lender(5, 4)}).propagate(
        FURFINE, ct.Shock.default("b")
    )
    change = run.change(of=borne)
    assert (change.start, change.end, change.total) == (2.0, 4.0, 2.0)
    assert change.to_dict() == {"amounts": 1.5, "capital": 0.5, "structure": 0.0}
    assert "2 = 1.5 by amounts, 0.5 by capital, 0 by structure" in repr(change)
    assert pickle.loads(pickle.dumps(change)).end == 4.0


def test_in_the_hand_example_structure_is_who_is_owed():
    """b owes 4 to a, then to c: nothing but Π changes, and a loses nothing any more."""
    one, two = np.zeros((3, 3)), np.zeros((3, 3))
    one[1, 0] = two[1, 2] = 4
    nets = [from_liabilities(owed, [9, 9, 9]) for owed in (one, two)]
    equity = [net.book.equity for net in nets]
    nets[1] = nets[1].with_nodes(
        external_assets=nets[1].book.external_assets + equity[0] - equity[1]
    )
    run = ct.Panel(dict(zip("xy", nets, strict=True))).propagate(CLEARING, ct.Shock.default("b"))
    assert run.change(of=borne).to_dict() == {"amounts": 0.0, "capital": 0.0, "structure": -4.0}


@pytest.mark.parametrize("seed", range(4))
def test_parts_are_the_mean_over_all_orders_and_sum_to_the_change(seed):
    panel = random_panel(seed)
    shock = ct.Shock.default(panel.names[0]) + ct.Shock.relative(0.3)
    for of in ("socialized", "loss", "defaults"):
        run = panel.propagate(CLEARING, shock)
        nets = tuple(net for _, net in panel)

        def worth(late: set[str], nets=nets, of=of) -> float:
            net = between(nets, **{group: int(group in late) for group in GROUPS})
            result = CLEARING.propagate(net, shock)
            return {
                "socialized": result.socialization.socialized,
                "loss": result.loss.sum(),
                "defaults": result.outcome.defaulted.sum(),
            }[of]

        parts = dict.fromkeys(GROUPS, 0.0)
        for order in permutations(GROUPS):
            late: set[str] = set()
            for group in order:
                before = worth(late)
                late = late | {group}
                parts[group] += (worth(late) - before) / 6
        change = run.change(of=of)
        assert change.to_dict() == pytest.approx(parts, abs=1e-9)
        assert change.sum() == pytest.approx(change.total, abs=1e-9)
        assert change.total == pytest.approx(run.totals[of].iloc[1] - run.totals[of].iloc[0])
        back = run.change("2023", "2022", of=of)
        assert back.to_numpy() == pytest.approx(-change.to_numpy(), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_ends_are_the_networks_themselves(seed):
    nets = tuple(net for _, net in random_panel(seed))
    for late in (0, 1):
        mixed = between(nets, late, late, late)
        pd.testing.assert_frame_equal(mixed.balance_sheet, nets[late].balance_sheet)
        assert abs(mixed.liabilities - nets[late].liabilities).max() < 1e-12


def test_what_is_held_when_amounts_change():
    nets = tuple(net for _, net in random_panel(1))
    mixed = between(nets, amounts=1, capital=0, structure=0)
    np.testing.assert_allclose(mixed.book.equity, nets[0].book.equity, atol=1e-12)
    np.testing.assert_allclose(mixed.book.debts, nets[1].book.debts)
    both = (nets[0].book.debts > 0) & (nets[1].book.debts > 0)
    shares = [
        net.liabilities.toarray()[both] / net.book.debts[both, None] for net in (mixed, nets[0])
    ]
    np.testing.assert_allclose(*shares, atol=1e-12)


def test_tables_with_periods():
    owed = pd.DataFrame(
        {"creditor": "a", "debtor": "b", "amount": [2.0, 4.0], "period": ["2022-Q4", "2023-Q4"]}
    )
    nodes = pd.DataFrame(
        {"node": ["a", "a", "b"], "equity": [3.0, 5.0, 1.0], "period": ["2022-Q4", "2023-Q4", None]}
    )
    panel = ct.Panel(nodes, owed, unit="EUR m")
    assert panel.periods == ("2022-Q4", "2023-Q4") and len(panel) == 2 and panel.unit == "EUR m"
    assert [period for period, _ in panel] == list(panel.periods) and "2022-Q4" in panel
    run = panel.propagate(FURFINE, ct.Shock.default("b"))
    assert run.change(of=borne).to_dict() == {"amounts": 1.5, "capital": 0.5, "structure": 0.0}
    table = run.table
    assert table[["period", "node", "loss"]].values.tolist() == [
        ["2022-Q4", "a", 2.0], ["2022-Q4", "b", 1.0], ["2023-Q4", "a", 4.0], ["2023-Q4", "b", 1.0],
    ]  # fmt: skip
    assert list(table.columns[2:]) == list(run["2022-Q4"].table.columns)
    with pytest.raises(ct.ModelError):
        _ = run.socialization


def test_a_panel_of_a_packaged_dataset():
    panel = ct.Panel.read(ct.datasets.path("usdc_svb_2023"))
    run = panel.propagate(CLEARING, ct.Shock.default("svb"))
    for period, result in run:
        net = ct.datasets.load("usdc_svb_2023", period=period)
        alone = CLEARING.propagate(net, ct.Shock.default("svb"))
        assert result.table["loss"].to_dict() == pytest.approx(alone.table["loss"].to_dict())
        assert run.socialization.loc[period, "socialized"] == alone.socialization.socialized


def test_nodes_that_a_period_lacks_are_told_and_not_guessed():
    with pytest.raises(
        ct.NetworkError, match=r"2022-11 has no 'three_arrows'.*missing_nodes"
    ) as no:
        ct.Panel.read(CEFI)
    assert "2022-06 has no 'dcg', 'ftx_com'" in str(no.value)
    panel = ct.Panel.read(CEFI, missing_nodes="empty")
    assert len(panel) == 4 and all(len(net) == len(panel.names) for _, net in panel)
    late = panel["2022-11"]
    assert late.balance_sheet.loc["three_arrows"].eq(0).all()
    assert any("'three_arrows', 'voyager'" in text for text in late.assumptions)
    run = panel.propagate(CLEARING, ct.Shock.default("alameda"))
    single = CLEARING.propagate(
        ct.datasets.load("cefi_credit_2022", period="2022-11"), ct.Shock.default("alameda")
    )
    socialized = single.socialization.socialized
    assert run.socialization.loc["2022-11", "socialized"] == pytest.approx(socialized)
    change = run.change("2022-06", "2022-11")
    assert change.sum() == pytest.approx(change.total, rel=1e-12)
    assert change.unit == "USD"


def test_nodes_come_in_one_order():
    one = lender(3, 2)
    two = ct.ExposureNetwork(
        {"node": ["b", "a"], "equity": [1.0, 5.0]},
        {"creditor": ["a"], "debtor": ["b"], "amount": [4.0]},
    )
    panel = ct.Panel({2022: one, 2023: two})
    assert panel.names.tolist() == panel[2023].names.tolist() == ["a", "b"]
    assert panel["2023"].balance_sheet["equity"].tolist() == [5.0, 1.0]


def test_capital_that_is_known_in_one_period_only():
    table = {"creditor": ["a"], "debtor": ["b"], "amount": [4.0]}
    known = ct.ExposureNetwork({"node": ["a", "b"], "equity": [5.0, 1.0]}, table)
    blank = ct.ExposureNetwork(
        {"node": ["a", "b"], "equity": [None, 1.0]}, table, missing_equity="external"
    )
    run = ct.Panel({"x": known, "y": blank}).propagate(FURFINE, ct.Shock.default("b"))
    assert run.change(of="loss").sum() == pytest.approx(run.change(of="loss").total)


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: ct.Panel({}), TypeError, "Panel(nodes, exposures)"),
        (lambda: ct.Panel([lender(1, 1)]), TypeError, "networks by period"),
        (lambda: ct.Panel({"x": 3}), TypeError, "network has to be"),
        (lambda: ct.Panel({"x": lender(1, 1)}, unit="EUR"), TypeError, "'unit'"),
        (lambda: ct.Panel({1: lender(1, 1), "1": lender(1, 1)}), ValueError, "written alike"),
        (lambda: ct.Panel(None, lender(1, 1).exposures), ct.NetworkError, "no column 'period'"),
        (lambda: ct.Panel(None, lender(1, 1).exposures, period=1), TypeError, "every period"),
        (lambda: ct.Panel({"x": lender(1, 1)}, missing_nodes="drop"), ValueError, "'empty'"),
        (lambda: ct.Panel({"2022-Q4": lender(1, 1)})["2023-Q4"], KeyError, "2022-Q4"),
    ],
)
def test_wrong_arguments(build, error, says):
    with pytest.raises(error, match=re.escape(says)) as caught:
        build()
    assert isinstance(caught.value, ct.ContagionError)


def test_units_are_not_mixed():
    two = ct.ExposureNetwork(None, lender(1, 1).exposures, unit="USD", missing_equity="external")
    with pytest.raises(ct.ArgumentError, match="'', 'USD'"):
        ct.Panel({"x": lender(1, 1), "y": two})


def test_errors_name_the_period_and_the_mixture():
    panel = ct.Panel({"2022": lender(3, 2), "2023": lender(5, 4)})
    with pytest.raises(ct.ContagionError) as caught:
        panel.propagate(FURFINE, ct.Shock.default("z"))
    assert caught.value.__notes__ == ["Period 2022."]
    run = panel.propagate(FURFINE, ct.Shock.default("b"))
    for of in ("losses", "socialized"):
        with pytest.raises(ct.UnknownNameError):
            run.change(of=of)
    with pytest.raises(ct.ArgumentError, match="not defined"):
        run.change(of=lambda result: float("nan"))


def test_shares_between_nodes_are_refused():
    net = lender(3, 2).with_shareholdings([{"owner": "a", "company": "b", "fraction": 0.5}])
    model = ct.models.CrossHoldings()
    run = ct.Panel({"x": net, "y": net}).propagate(model)
    with pytest.raises(ct.ModelError, match="shareholdings"):
        run.change()


def test_what_is_shown():
    panel = ct.Panel({"<2022>": lender(3, 2), "2023": lender(5, 4)})
    run = panel.propagate(CLEARING, ct.Shock.default("b"))
    assert repr(panel).splitlines()[:2] == [
        "Panel: 2 periods, 2 nodes", "  <2022>: 1 exposure, 2 owed, equity 4",
    ]  # fmt: skip
    assert repr(run).splitlines()[0] == "EisenbergNoe() in 2 periods: " + repr(
        ct.Shock.default("b")
    )
    for shown in (panel, run, run.change(of="loss")):
        assert "<2022>" not in shown._repr_html_()
    with pytest.raises(AttributeError, match="immutable"):
        panel.unit = "EUR"
