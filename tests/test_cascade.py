"""The liquidation cascade against numbers worked by hand.

Loans are in `test_cascade_loans.py`, the kernel against a plain reference in
`test_cascade_reference.py`, identities of random books in `test_cascade_fuzz.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from cascades import balanced, ladder, loan, longs
from numpy.testing import assert_allclose

from contagion import liquidation, venues
from contagion.errors import ConvergenceError, MarginError, UnknownNameError
from contagion.liquidation import LiquidationCascade, MarginBook

# -- two positions ------------------------------------------------------------------------------


def test_two_positions_by_hand():
    """A long 10 with 200, B long 10 with 320, maintenance 10 %, depth 100 (linear), X −12 %.

    At 88: A has 200 − 120 = 80 < 88 and B has 320 − 120 = 200 >= 88. A is closed whole (its close
    factor without partial): 10 units bring 88 × (10 − 10²/200) = 836, so that A keeps
    836 − 800 = 36. The price is 88 × 0.9 = 79.2: B has 320 − 208 = 112 >= 79.2. Nothing more.

    With B at 280: at 79.2 it has 280 − 208 = 72 < 79.2: broken by A's sale alone, as it had
    160 >= 88 at 88. Its 10 units go from 90 % to 80 %: 88 × (10 − (20² − 10²)/200) = 748, so that B
    keeps 280 − 1000 + 748 = 28. The price ends at 88 × 0.8 = 70.4.
    """
    cascade = LiquidationCascade(impact=liquidation.Linear(depth=100), partial=False)
    stays = cascade.run(longs((10, 200), (10, 320)), {"X": -0.12})
    assert stays.outcome.units.tolist() == [0, 10]
    assert stays.table["equity_after"].tolist() == pytest.approx([36, 112])
    assert stays.outcome.price.tolist() == pytest.approx([79.2])
    assert stays.rounds == 3  # one sale, one new price, and one in which nothing moves
    breaks = cascade.run(longs((10, 200), (10, 280)), {"X": -0.12})
    assert breaks.outcome.units.tolist() == [0, 0]
    assert breaks.table["equity_after"].tolist() == pytest.approx([36, 28])
    assert breaks.outcome.price.tolist() == pytest.approx([70.4])
    assert breaks.rounds == 4
    # buyers paid 836 and 748 for what is worth 880 each
    assert breaks.ledger["buyers"] == pytest.approx(44 + 132)
    assert breaks.deficits["v"] == 0
    balanced(breaks)


def test_the_second_leaves_a_deficit():
    """With B at 240, at 79.2: 240 − 208 = 32 is above 0, but its sale at 74.8 leaves −12."""
    cascade = LiquidationCascade(impact=liquidation.Linear(depth=100), partial=False)
    done = cascade.run(longs((10, 200), (10, 240)), {"X": -0.12})
    assert done.deficits["v"] == pytest.approx(12)
    assert done.table["equity_after"].tolist() == pytest.approx([36, 0])
    assert done.holder_losses.tolist() == pytest.approx([164, 240])
    balanced(done)


def test_a_partial_close_stops_at_maintenance():
    """Equity 80 against 88 at 88: the part 8/88 brings the requirement down to 80; no impact."""
    done = LiquidationCascade().run(longs((10, 200)), {"X": -0.12})
    assert done.outcome.units[0] == pytest.approx(10 * (1 - 8 / 88))
    assert done.table["equity_after"][0] == pytest.approx(80)
    assert done.outcome.units[0] * 88 * 0.1 == pytest.approx(80)


def test_a_short_is_squeezed():
    """Short 10 at 100 with 150: at 108 equity 70 < 108; buying 10 of 100 costs 108 × 10.5."""
    book = longs((-10, 150))
    cascade = LiquidationCascade(impact=liquidation.Linear(depth=100), partial=False)
    done = cascade.run(book, {"X": 0.08})
    assert done.outcome.price[0] == pytest.approx(108 * 1.1)
    assert done.outcome.cash[0] + done.deficits["v"] == pytest.approx(150 + 1000 - 1134, abs=1e-9)
    balanced(done)


def test_long_and_short_in_one_round_meet():
    """Both are called at the market; 10 sold and 10 bought leave the price where it was."""
    rows = [
        {"venue": "v", "holder": "l", "instrument": "X", "size": 10, "margin": 20},
        {"venue": "v", "holder": "s", "instrument": "X", "size": -10, "margin": 20},
    ]
    done = LiquidationCascade(impact=liquidation.Linear(depth=20)).run(
        MarginBook({"X": 100.0}, rows), {}
    )
    assert done.outcome.price[0] == 100 and done.ledger["buyers"] == 0


def test_constant_product():
    """25 sold to 100 X and 1,000: they bring 200 and the price falls from 10 to 6.4."""
    rows = [{"venue": "v", "holder": "h", "instrument": "X", "size": 25, "margin": 0}]
    pool = liquidation.ConstantProduct(asset=100, money=1_000)
    cascade = LiquidationCascade(impact=pool)
    done = cascade.run(MarginBook({"X": 10.0}, rows), {})
    assert done.outcome.price[0] == pytest.approx(6.4)
    assert done.deficits["v"] == pytest.approx(250 - 200)
    assert done.ledger["buyers"] == pytest.approx(50)
    balanced(done)


def test_a_fee_goes_to_the_venue_and_never_makes_a_deficit():
    """1 % on the 880 sold: 8.8; with equity of 4 only 4."""
    done = LiquidationCascade(partial=False).run(
        longs((10, 200), (10, 124), fee=0.01), {"X": -0.12}
    )
    assert done.outcome.fees.tolist() == pytest.approx([8.8, 4.0])
    assert done.fees["v"] == pytest.approx(12.8) and done.deficits["v"] == 0
    balanced(done)


def test_the_fee_is_that_of_each_instrument():
    """One account, X at 0 % and Y at 1 %: 970 of Y is charged, whatever row comes first."""
    rows = [
        {"venue": "v", "holder": "h", "instrument": "X", "size": 10, "margin": 50, "fee": 0.0},
        {"venue": "v", "holder": "h", "instrument": "Y", "size": 10, "margin": 50, "fee": 0.01},
    ]
    for table in (rows, rows[::-1]):
        book = MarginBook({"X": 100.0, "Y": 100.0}, table)
        done = LiquidationCascade(partial=False).run(book, {"X": -0.01, "Y": -0.03})
        assert done.fees["v"] == pytest.approx(9.7)


# -- liquidation and bankruptcy prices ----------------------------------------------------------


@pytest.mark.parametrize("size", [10.0, -10.0])
def test_liquidation_and_bankruptcy_prices_are_where_it_happens(size):
    book = longs((size, 200))
    leg = book.legs.iloc[0]
    sign = np.sign(size)
    assert leg["bankruptcy_price"] == pytest.approx(100 - sign * 20)
    assert leg["liquidation_price"] == pytest.approx((1000 - sign * 200) / (10 - sign))

    def at(price, **options):
        return LiquidationCascade(**options).run(book, {"X": price / 100 - 1})

    call = leg["liquidation_price"]
    assert at(call + sign * 1e-6).table["liquidated"][0] == 0
    assert at(call - sign * 1e-3).table["liquidated"][0] > 0
    ruin = leg["bankruptcy_price"]
    assert at(ruin + sign * 1e-6).deficits["v"] == 0
    assert at(ruin - sign * 1).deficits["v"] == pytest.approx(10)


def test_dydx_portfolio():
    """Long 1 at an oracle of 900, quote −1000: 100 short. Two legs (1 × 900 and 10 × 50, quote
    −1450): 50 short; closed at the bankruptcy prices nobody else would be."""
    one = MarginBook(
        {"B": 900.0},
        [{"venue": "d", "holder": "h", "instrument": "B", "size": 1, "entry_price": 1000}],
    )
    assert LiquidationCascade().run(one, {}).deficits["d"] == pytest.approx(100)
    assert one.legs["bankruptcy_price"][0] == pytest.approx(
        venues.dydx.bankruptcy([1.0], [900.0], [0.05], -1000.0).price[0]
    )
    rows = [
        {"instrument": "B", "size": 1, "entry_price": 950, "maintenance": 0.05},
        {"instrument": "E", "size": 10, "entry_price": 50, "maintenance": 0.10},
    ]
    two = MarginBook(
        {"B": 900.0, "E": 50.0}, [{"venue": "d", "holder": "h", **row} for row in rows]
    )
    assert two.accounts["equity"].tolist() == pytest.approx([-50])
    assert two.accounts["maintenance"].tolist() == pytest.approx([45 + 50])
    assert LiquidationCascade().run(two, {}).deficits["d"] == pytest.approx(50)
    fair = venues.dydx.bankruptcy([1.0, 10.0], [900.0, 50.0], [0.05, 0.10], -1450.0)
    assert fair.price[0] == pytest.approx(923.68, abs=0.005)
    assert (fair.price - [900, 50]) @ [1, 10] == pytest.approx(50)


# -- calls --------------------------------------------------------------------------------------


def test_calls_are_met_together_or_not():
    """Two accounts of one holder need 8 each at 88: 16 is enough, 15 is for neither."""
    rows = [
        {"venue": v, "holder": "h", "instrument": "X", "size": 10, "margin": 200,
         "maintenance": 0.1} for v in "uv"
    ]  # fmt: skip
    book = MarginBook({"X": 100.0}, rows)
    met = LiquidationCascade().run(book, {"X": -0.12}, {"h": 16.0})
    assert met.outcome.topped.tolist() == pytest.approx([8, 8])
    assert met.outcome.free.tolist() == pytest.approx([0]) and met.outcome.units.tolist() == [
        10,
        10,
    ]
    not_ = LiquidationCascade().run(book, {"X": -0.12}, {"h": 15.0})
    assert not not_.outcome.topped.any() and not_.outcome.free.tolist() == [15]
    assert (not_.outcome.units < 10).all()
    balanced(met)
    assert met.holder_losses["h"] == pytest.approx(240)  # 120 each; what was paid in is in equity


def test_a_call_that_is_met_saves_the_second():
    """A pays 8 and holds, so that B, which A's sale would have broken, holds too."""
    cascade = LiquidationCascade(impact=liquidation.Linear(depth=100), partial=False)
    book = longs((10, 200), (10, 280))
    assert cascade.run(book, {"X": -0.12}, {"a": 8.0}).outcome.units.tolist() == [10, 10]
    assert cascade.run(book, {"X": -0.12}, {"a": 7.9}).outcome.units.tolist() == [0, 0]


# -- oracles ------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [1, 2, 3, 7])
def test_a_late_oracle_is_waited_for(delay):
    """Nothing moves for `delay` rounds, and then the fall is told."""
    done = LiquidationCascade(oracle=liquidation.Stale(delay)).run(longs((10, 100)), {"X": -0.12})
    assert done.deficits["v"] == pytest.approx(20)
    assert done.history.query("liquidated > 0")["round"].tolist() == [delay + 1]


def test_a_hard_coded_oracle_hides_bad_debt():
    """xUSD at par and worth 0.25: no liquidation, and 900 − 250 of debt that nobody will pay."""
    book = loan(1_000, 900, threshold=0.92)
    seen = LiquidationCascade().run(book, {"C": -0.75})
    blind = LiquidationCascade(oracle=liquidation.HardCoded((1.0, np.nan))).run(book, {"C": -0.75})
    assert blind.table["liquidated"][0] == 0 and blind.deficits["p"] == 0
    assert blind.latent["p"] == pytest.approx(650)
    assert seen.latent["p"] == 0 and seen.deficits["p"] == pytest.approx(900 - 250 / 1.05)
    balanced(blind)
    balanced(seen)


# -- without impact, and with more of it --------------------------------------------------------


def test_without_impact_one_round_and_the_static_stress():
    """Every account is liquidated at most once, and ends where its equity at the shocked prices
    says: deficits are the negative equities of positions."""
    rng = np.random.default_rng(3)
    sizes = rng.normal(0, 10, 200)
    rows = [
        {
            "venue": "v",
            "holder": str(k),
            "instrument": "XY"[k % 2],
            "size": s,
            "margin": abs(s) * 100 * rng.uniform(0.05, 0.4),
        }
        for k, s in enumerate(sizes)
    ]
    book = MarginBook({"X": 100.0, "Y": 100.0}, rows)
    shock = {"X": -0.2, "Y": 0.1}
    done = LiquidationCascade().run(book, shock)
    assert done.rounds == 2
    assert done.history.query("liquidated > 0")["round"].unique().tolist() == [1]
    static = book.at({"X": 80.0, "Y": 110.0}).accounts["equity"]
    assert_allclose(done.outcome.deficit, np.maximum(-static, 0), atol=1e-9)
    assert_allclose(done.table["equity_after"], np.maximum(static, 0), atol=1e-9)
    assert done.ledger["buyers"] == 0


def test_losses_rise_with_impact_and_tip():
    """Each loss is at least that of less impact. A sale of 10 lowers the price by 94 × 10 / D, and
    the health of the next by 0.95 × 9,400 / D; the next has 10 more. So the ladder falls for D
    below 893: a depth of 1.5 times that takes less than a tenth of it, one of 1/1.5 everything."""
    book, tip = ladder(), 0.95 * 9_400 / 10
    sold, lost, deficits = {}, [], []
    for depth in [np.inf, 2.25 * tip, 1.5 * tip, *np.geomspace(1.4, 0.7, 12) * tip, tip / 1.5]:
        done = LiquidationCascade(liquidation.Exponential(depth), partial=False).run(
            book, {"X": -0.06}
        )
        sold[depth] = float(done.outcome.sold[0]) / 400
        lost.append(float(done.holder_losses.sum()))
        deficits.append(float(done.deficits.sum()))
        balanced(done)
    for figure in (list(sold.values()), lost, deficits):
        assert (np.diff(figure) >= -1e-9 * max(figure)).all()
    assert sold[np.inf] == 1 / 40  # a margin of 100 leaves 40 < 47 at 94, one of 110 leaves 50
    assert sold[2.25 * tip] <= sold[1.5 * tip] < 0.1 and sold[tip / 1.5] == 1


# -- errors -------------------------------------------------------------------------------------

ROW = {"venue": "v", "holder": "h", "instrument": "X", "size": 1.0}
LOAN = {"protocol": "p", "borrower": "b", "collateral_asset": "X", "collateral": 1.0,
        "debt_asset": "money", "debt": 1.0, "threshold": 0.8}  # fmt: skip


@pytest.mark.parametrize(
    ("positions", "loans", "message"),
    [
        (None, None, "no positions and no loans"),
        ([{"venue": "v"}], None, "no column 'holder'"),
        ([ROW, ROW | {"size": None}], None, r"size .*row 2"),
        ([ROW, ROW | {"size": "a lot"}], None, r"size: .*row 2.*a lot"),
        ([ROW | {"size": float("inf")}], None, "size"),
        ([ROW, ROW, ROW | {"maintenance": 1.0}], None, r"maintenance is not below 1 .*row 3: .1.0"),
        ([ROW | {"close_factor": 1.5}], None, "column close_factor: .* from 0 to 1"),
        ([ROW | {"fee": -0.1}], None, r"column fee: .* from 0 to 1"),
        ([ROW | {"mode": "crossed"}], None, "column mode: .* not one of isolated, cross"),
        ([ROW | {"venue": None}], None, "venue is empty"),
        ([ROW | {"instrument": "Xx"}], None, "Did you mean 'X'"),
        ([ROW, ROW | {"close_factor": 0.5}], None,
         r"Rows 1, 2 of the positions .*'h' at 'v' .*close_factor \(.*1.*0.5"),
        (None, [LOAN | {"threshold": 1.2}], "column threshold: .* from 0 to 1"),
        (None, [LOAN | {"debt": -1.0}], r"column debt: .*not a number ≥ 0"),
        (None, [LOAN | {"account": "x"}, LOAN | {"account": "x", "full_below": 0.1}],
         r"Rows 1, 2 of the loans .*'b' at 'p' .*full_below"),
    ],
)  # fmt: skip
def test_errors_of_tables(positions, loans, message):
    with pytest.raises(MarginError, match=message):
        MarginBook({"X": 100.0}, positions, loans)


def test_errors_of_the_book():
    for prices, message in (
        ({"X": -1.0}, "price of .X"),
        ({"X": float("nan")}, "price of .X"),
        ({"X": 1.0, "money": 2.0}, "'money' is 2; it is the unit of account"),
    ):
        with pytest.raises(MarginError, match=message):
            MarginBook(prices, [ROW])
    book = MarginBook({"X": 1.0}, [ROW])
    with pytest.raises(UnknownNameError, match="Did you mean 'X'"):
        book.at({"x": 2.0})
    with pytest.raises(MarginError, match=r"price of .X"):
        book.at({"X": -2.0})
    with pytest.raises(MarginError, match="maintenance=1"):
        MarginBook({"X": 1.0}, [ROW], maintenance=1.0)
    with pytest.raises(AttributeError, match="immutable"):
        book.prices = {}


def test_loans_without_an_account_never_share_one():
    """An account called as the second row would be by number is not that row's."""
    rows = [LOAN | {"account": "1"}, LOAN, LOAN | {"account": "row 1"}]
    assert len(MarginBook({"X": 100.0}, loans=rows)) == 3


def test_errors_of_the_cascade():
    book = longs((10, 100))
    run = LiquidationCascade().run
    for shock, free, message in (
        ({"Y": -0.1}, None, "asset of the book"),
        ({"X": -1.1}, None, "it has to be >= -1"),
        ({"X": float("nan")}, None, "it has to be >= -1"),
        ({"money": -0.1}, None, "unit of account"),
        ({}, {"z": 1.0}, "holder"),
        ({}, {"a": -1.0}, "free= gives 'a' -1"),
        ({}, {"a": float("nan")}, "money >= 0"),
    ):
        with pytest.raises((MarginError, UnknownNameError), match=message):
            run(book, shock, free)
    for prices, free, message in (
        (np.ones(2), None, "one entry per asset: X"),
        (np.array([np.nan]), None, "finite"),
        (np.ones(1), -np.ones(1), "free money"),
    ):
        with pytest.raises(MarginError, match=message):
            LiquidationCascade().solve(book, prices, free)
    for wrong, message in (
        ({"backstop": 2.0}, "backstop=2"),
        ({"vault_capacity": -1.0}, "vault_capacity=-1"),
        ({"max_rounds": 0}, "at least one round"),
    ):
        with pytest.raises(MarginError, match=message):
            LiquidationCascade(**wrong)
    with pytest.raises(UnknownNameError, match="venue"):
        LiquidationCascade(backstop=0.5, vault_capacity={"w": 1.0}).run(book, {})
    with pytest.raises(ConvergenceError, match="Raise max_rounds") as caught:
        LiquidationCascade(max_rounds=1).run(book, {"X": -0.12})
    assert caught.value.partial.deficits["v"] == pytest.approx(20)


def test_errors_of_breakers_and_limits():
    for make, message in (
        (lambda: liquidation.Halt(0.0, 1), "a fall in"),
        (lambda: liquidation.Throttle(0.0), "a limit is > 0"),
        (lambda: liquidation.PriceBand(0.1, "market"), "'start' or 'oracle'"),
        (lambda: liquidation.WithdrawalGate(0), "rounds >= 1"),
        (lambda: liquidation.WithdrawalGate(behind=1.5), "a part 0 to 1"),
        (lambda: liquidation.PositionLimit(0.0), "a share of the depth"),
        (lambda: liquidation.PositionLimit(0.1, by="venue"), "'holder' or 'account'"),
        (lambda: liquidation.MarginAddOn(slope=-1.0), "all >= 0"),
        (lambda: liquidation.MarginAddOn(cap=1.0), "between 0 and 1"),
        (
            lambda: liquidation.PositionLimit(0.1).apply(longs((1, 1)), {"Y": 1.0}),
            "asset of the book",
        ),
        (
            lambda: liquidation.PositionLimit(0.1).apply(longs((1, 1)), {"X": 0.0}),
            "depth of 'X' is 0",
        ),
        (
            lambda: liquidation.MarginAddOn(multiple=1.0).apply(
                longs((1, 1)), volatility={"X": -1.0}
            ),
            "volatility of 'X' is -1",
        ),
    ):
        with pytest.raises((MarginError, UnknownNameError), match=message):
            make()
