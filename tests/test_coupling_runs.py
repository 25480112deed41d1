"""Vaults, fees and runs of depositors in the coupling, by hand."""

from __future__ import annotations

import pytest
from test_coupling import book, losses, run
from test_coupling import network as chain

import contagion as ct
from contagion import liquidation
from contagion.liquidation import LiquidationCascade, MarginBook


def test_a_vault_bears_what_it_takes_over():
    """The vault of ex takes z over with −20: the 20 are a loss of ex like a deficit."""
    done = run(more={"backstop": 2 / 3})
    assert done.cascade.deficits["ex"] == 0
    assert done.cascade.vaults["ex"] == pytest.approx(-20)
    assert losses(done)["ex"] == 5 and done.table.loc["w", "claims_lost"] == pytest.approx(15)


def test_fees_are_income_of_the_venue():
    """1 % of 88 × 10 when z has 120 of margin: 8.8 capped at the equity of 0; of w 9.31."""
    rows = book().positions.assign(fee=0.01)
    positions = MarginBook({"X": 100.0, "Y": 100.0}, rows)
    done = run(positions=positions, free=0, prices={"Y": -0.02})
    # w keeps 31 − 9.31; q goes at 88.2 and leaves 17
    assert done.cascade.fees["u"] == pytest.approx(9.31)
    assert done.table.loc["u", "on_accounts"] == pytest.approx(17 - 9.31)
    assert losses(done)["w"] == pytest.approx(69 + 9.31)


def run_network(cash=95.0) -> ct.ExposureNetwork:
    nodes = {"node": ["ex", "a", "b", "z"], "external_assets": [cash, 10.0, 10.0, 100.0]}
    owed = {"creditor": ["a", "b"], "debtor": ["ex", "ex"], "amount": [40.0, 50.0]}
    return ct.ExposureNetwork(nodes, owed)


def z_only() -> MarginBook:
    return MarginBook(
        {"X": 100.0},
        [{"venue": "ex", "holder": "z", "instrument": "X", "size": 10, "margin": 100}],
    )


def test_who_runs_first_is_whole():
    """ex is short of 20 with 5 of its own: 15 on 90 are 6.67 for a and 8.33 for b. When a takes all
    of its 40 before, b alone bears 15; when it takes half, 20 and 50 share."""
    for part, of_a, of_b in ((0.0, 15 * 40 / 90, 15 * 50 / 90), (1.0, 0, 15),
                             (0.5, 15 * 20 / 70, 15 * 50 / 70)):  # fmt: skip
        done = ct.liquidation.CoupledCascade(z_only(), run_on={"a": part}).propagate(
            run_network(), ct.Shock.price({"X": -0.12})
        )
        assert losses(done)["a"] == pytest.approx(of_a, abs=1e-6)
        assert losses(done)["b"] == pytest.approx(of_b, abs=1e-6)
        assert done.withdrawn["withdrawn"].sum() == pytest.approx(40 * part)
        assert done.audit()["ok"].all()
        assert sum(losses(done).values()) == pytest.approx(120)  # only who bears it changes


def test_a_run_is_paid_out_of_what_is_there():
    """Everybody asks for everything: 75 for 90, and the same part for all; nobody is left to lose
    more than the others. A claim on a venue without a deficit stays."""
    done = ct.liquidation.CoupledCascade(z_only(), run_on=1.0).propagate(
        run_network(), ct.Shock.price({"X": -0.12})
    )
    assert done.withdrawn["withdrawn"].tolist() == pytest.approx([40 * 75 / 90, 50 * 75 / 90])
    assert losses(done) == pytest.approx({"ex": 5, "a": 40 / 6, "b": 50 / 6, "z": 100}, abs=1e-5)
    calm = ct.liquidation.CoupledCascade(z_only(), run_on=1.0).propagate(
        run_network(), ct.Shock.price({"X": -0.01})
    )
    assert calm.withdrawn.empty and calm.network.amount.tolist() == [40, 50]


def test_a_fall_of_what_is_held_takes_no_cash_from_a_run():
    """ex also holds 20 of W, which falls by half: its cash of 95, less 20, is what is paid out."""
    nodes = {"node": ["ex", "a", "b", "z"], "external_assets": [115.0, 10.0, 10.0, 100.0]}
    held = {"node": ["ex"], "asset": ["W"], "value": [20.0]}
    net = ct.ExposureNetwork(nodes, run_network().exposures, holdings=held)
    for shock in (ct.Shock.price({"X": -0.12}), ct.Shock.price({"W": -0.5, "X": -0.12})):
        done = ct.liquidation.CoupledCascade(z_only(), run_on=1.0).propagate(net, shock)
        assert done.withdrawn["withdrawn"].tolist() == pytest.approx([40 * 75 / 90, 50 * 75 / 90])


def test_a_gate_stops_a_run():
    """With the gate the loss is shared as if nobody had run."""
    gate = LiquidationCascade(breakers=(liquidation.WithdrawalGate(),))
    shut = ct.liquidation.CoupledCascade(z_only(), gate, run_on={"a": 1.0}).propagate(
        run_network(), ct.Shock.price({"X": -0.12})
    )
    assert shut.withdrawn.empty
    assert losses(shut)["a"] == pytest.approx(15 * 40 / 90, abs=1e-6)
    other = LiquidationCascade(breakers=(liquidation.WithdrawalGate(venues=()),))
    open_ = ct.liquidation.CoupledCascade(z_only(), other, run_on={"a": 1.0}).propagate(
        run_network(), ct.Shock.price({"X": -0.12})
    )
    assert losses(open_)["a"] == 0


def test_a_run_moves_a_loss_into_the_cascade():
    """b lends nothing to w; when b takes its 50 from ex first, w bears the whole 15 by any rule."""
    pro_rata = chain().with_rule("ex", ct.rules.ProRata())
    stays = run(pro_rata, free=26)
    ran = run(pro_rata, free=26, run_on={"b": 1.0})
    assert stays.cascade.deficits["u"] == 0  # 26 − 6.67 > 18
    assert ran.cascade.deficits["u"] == pytest.approx(17)  # 26 − 15 < 18
    assert ran.table.loc["w", "claims_lost"] == pytest.approx(15)
