"""Price impact: closed forms, integrals against quadrature, pools and books against plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad

from contagion import liquidation
from contagion.liquidation import (
    ConcentratedLiquidity,
    ConstantProduct,
    Exponential,
    Linear,
    NoImpact,
    OrderBook,
    PriceImpact,
    SquareRoot,
)

INF, NAN = np.inf, np.nan
RANGES = [(81, 100, 120), (64, 81, 300), (90, 150, 50), (30, 49, 200), (180, 200, 70)]
BIDS, ASKS = [(0.99, 10), (0.95, 20), (0.9, 5)], [(1.01, 8), (1.1, 30)]
# Each form with volumes around which it bends or jumps.
FORMS: dict[str, tuple[PriceImpact, list[float]]] = {
    "none": (NoImpact(), []),
    "linear": (Linear(depth=50), [50]),
    "linear, floor": (Linear(depth=50, floor=0.4), [30]),
    "square root": (SquareRoot(scale=0.3, daily_volume=10), [10 / 0.09]),
    "square root, floor": (SquareRoot(scale=0.3, daily_volume=10, floor=0.5), [10 / 0.36]),
    "exponential": (Exponential(depth=50), []),
    "constant product": (ConstantProduct(asset=150, money=3_000), []),
    "concentrated": (
        ConcentratedLiquidity(RANGES, price=95, floor=0.2, ceiling=3),
        [],  # the volumes at the bounds, below
    ),
    "book": (
        OrderBook(BIDS, ASKS, floor=0.5, ceiling=2),
        [-38, -8, 10, 30, 35],
    ),
    "book, mirror": (OrderBook(BIDS, floor=0.5, ceiling=2), [-35, -30, -10, 10, 30, 35]),
}
_pool = FORMS["concentrated"][0]
FORMS["concentrated"][1].extend(_pool.inverse(b / 95) for row in RANGES for b in row[:2])
GRID = np.unique(np.r_[np.linspace(-130, 130, 521), np.linspace(-2, 2, 81)])
every = pytest.mark.parametrize(("form", "kinks"), FORMS.values(), ids=FORMS.keys())


@every
def test_nothing_sold_moves_nothing(form, kinks):
    assert form.factor(0) == 1
    assert form.integral(0) == 0
    assert form.inverse(1) == 0
    assert form.proceeds(7, 12, 12) == 0


@every
def test_factor_never_rises_and_is_never_negative(form, kinks):
    factor = form.factor(GRID)
    assert (np.diff(factor) <= 1e-12).all()
    assert (factor >= 0).all()
    assert (factor[GRID < 0] >= 1).all()
    assert (factor[GRID > 0] <= 1).all()


@every
@pytest.mark.parametrize("volume", [0.5, 7.0, 29.0, 44.0, 125.0, -0.5, -7.0, -37.0, -100.0])
def test_integral_is_the_area_under_the_factor(form, kinks, volume):
    inside = [k for k in kinks if min(0, volume) < k < max(0, volume)]
    edges = sorted({0.0, volume, *inside}, key=abs)
    pieces = [
        quad(form.factor, a, b, epsabs=1e-11, epsrel=1e-11)[0] for a, b in itertools.pairwise(edges)
    ]
    assert_allclose(form.integral(volume), sum(pieces), rtol=1e-9)


@every
def test_inverse_is_where_the_price_is_reached(form, kinks):
    for to in (0.25, 0.45, 0.55, 0.7, 0.8, 0.92, 0.97, 0.995, 1.005, 1.05, 1.3, 1.8, 2.5):
        volume = form.inverse(to)
        if np.isinf(volume):
            reached = form.factor(np.sign(volume) * (1e4 if volume > 0 else 149.0))
            assert reached > to if volume > 0 else reached < to
            continue
        step = 1e-7 * np.sign(1 - to)
        if to < 1:
            assert form.factor(volume + step) <= to * (1 + 1e-9)
            assert volume <= 0 or form.factor(volume - step) >= to * (1 - 1e-9)
        else:
            assert form.factor(volume + step) >= to * (1 - 1e-9)
            assert volume >= 0 or form.factor(volume - step) <= to * (1 + 1e-9)


def test_inverse_of_the_smooth_forms_comes_back():
    to = np.array([0.6, 0.9, 0.999, 1.001, 1.2])
    for name in ("linear", "square root", "exponential", "constant product"):
        assert_allclose(FORMS[name][0].factor(FORMS[name][0].inverse(to)), to, rtol=1e-12)


def test_prices_that_no_volume_reaches():
    assert_array_equal(NoImpact().inverse([0.9, 1.1]), [INF, -INF])
    assert_array_equal(Linear(50, floor=0.4).inverse([0.4, 0.39]), [30, INF])
    assert Exponential(50).inverse(0) == ConstantProduct(1, 1).inverse(0) == INF
    assert Linear(50).inverse(0) == 50
    assert SquareRoot(0, 10).inverse(0.9) == INF
    assert_allclose(SquareRoot(0.25, 10, floor=0.5).inverse([0.5, 0.49]), [40, INF])
    pool = ConcentratedLiquidity([(81, 100, 120)], price=100, floor=0.5)
    assert_allclose(pool.inverse([0.7, 0.5, 0.4]), [4 / 3, 4 / 3, INF])
    assert pool.inverse(1.1) == -INF
    strict = OrderBook(BIDS, floor=None)
    assert_array_equal(strict.inverse([0.9, 0.89, 1.1, 1.2]), [30, INF, -30, -INF])
    assert OrderBook(BIDS, ceiling=2).inverse(1.5) == -35


@every
def test_selling_in_parts_brings_the_same(form, kinks):
    stops = np.array([0.0, 3, 11, 40, 22, -9, -30, 0])
    parts = form.proceeds(7, stops[:-1], stops[1:])
    whole = form.proceeds(7, stops[0], stops[3])
    assert_allclose(parts[:3].sum(), whole, rtol=1e-12)
    assert abs(parts.sum()) < 1e-9


@every
def test_scenarios_and_scalars_agree(form, kinks):
    volumes = GRID[:592].reshape(-1, 2)
    one = [[form.factor(float(v)) for v in row] for row in volumes]
    assert_allclose(form.factor(volumes), one, rtol=1e-14)
    one = [[form.integral(float(v)) for v in row] for row in volumes]
    assert_allclose(form.integral(volumes), one, rtol=1e-12, atol=1e-13)
    assert isinstance(form.factor(3), float)
    assert np.isnan(form.factor([NAN, 1.0])).tolist() == [True, False]
    assert np.isnan(form.integral([NAN, 1.0])).tolist() == [True, False]


MANY: dict[str, tuple[PriceImpact, list[PriceImpact]]] = {
    "linear": (
        Linear([50, INF], floor=[0, 0.1], recovery=[0, 1]),
        [Linear(50), Linear(INF, floor=0.1, recovery=1)],
    ),
    "square root": (
        SquareRoot([0.1, 0], [40, 10]),
        [SquareRoot(0.1, 40), SquareRoot(0, 10)],
    ),
    "exponential": (Exponential([50, 9]), [Exponential(50), Exponential(9)]),
    "constant product": (
        ConstantProduct([50, 90], [1, 2], fee=[0, 0.003]),
        [ConstantProduct(50, 1), ConstantProduct(90, 2, fee=0.003)],
    ),
    "concentrated": (
        ConcentratedLiquidity([RANGES, RANGES[:1]], [95, 90], ceiling=[3, 2], fee=[0.1, 0.2]),
        [
            ConcentratedLiquidity(RANGES, 95, ceiling=3, fee=0.1),
            ConcentratedLiquidity(RANGES[:1], 90, ceiling=2, fee=0.2),
        ],
    ),
    "one pool, two prices": (
        ConcentratedLiquidity(RANGES, [95, 170], ceiling=4),
        [ConcentratedLiquidity(RANGES, price, ceiling=4) for price in (95, 170)],
    ),
    "book": (
        OrderBook([BIDS, BIDS[:1]], [ASKS[:1], ASKS], floor=[0.1, 0], ceiling=2),
        [OrderBook(BIDS, ASKS[:1], floor=0.1, ceiling=2), OrderBook(BIDS[:1], ASKS, ceiling=2)],
    ),
}


@pytest.mark.parametrize(("both", "single"), MANY.values(), ids=MANY.keys())
def test_each_asset_has_its_own_parameters(both, single):
    rng = np.random.default_rng(5)
    volumes = rng.uniform(-40, 60, (3, 40, 2))
    to = rng.uniform(0, 2, (3, 40, 2))
    for a, form in enumerate(single):
        mine = volumes[..., a]
        assert_allclose(both.factor(volumes)[..., a], form.factor(mine), rtol=1e-14)
        assert_allclose(both.integral(volumes)[..., a], form.integral(mine), rtol=1e-12)
        assert_allclose(both.inverse(to)[..., a], form.inverse(to[..., a]), rtol=1e-12)
        assert_array_equal(both.recovered(volumes)[..., a], form.recovered(mine))
        assert_array_equal(both.reaching(volumes)[..., a], form.reaching(mine))
        assert_allclose(
            both.fees([3, 4], 0, volumes)[..., a], form.fees(3 + a, 0, mine), rtol=1e-12
        )


def test_other_units_and_other_money():
    """1,000 times the units at a thousandth of the price: the same factor, the same money."""
    c = 1_000.0
    pairs = [
        (Linear(50), Linear(50 * c)),
        (SquareRoot(0.1, 40), SquareRoot(0.1, 40 * c)),
        (Exponential(50), Exponential(50 * c)),
        (ConstantProduct(150, 3_000), ConstantProduct(150 * c, 3_000)),
        # L is √(units × money).
        (
            ConcentratedLiquidity(RANGES, 95, ceiling=3),
            ConcentratedLiquidity(
                [(a / c, b / c, size * math.sqrt(c)) for a, b, size in RANGES], 95 / c, ceiling=3
            ),
        ),
        (
            OrderBook(BIDS, ceiling=2),
            OrderBook([(price, size * c) for price, size in BIDS], ceiling=2),
        ),
    ]
    volume = np.linspace(-40, 60, 41)
    for small, large in pairs:
        assert_allclose(large.factor(volume * c), small.factor(volume), rtol=1e-12)
        assert_allclose(
            large.proceeds(20 / c, 0, volume * c), small.proceeds(20, 0, volume), rtol=1e-11
        )
        assert_allclose(small.proceeds(40, 0, volume), 2 * small.proceeds(20, 0, volume))


def test_closed_forms_by_hand():
    assert_allclose(Linear(200).proceeds(5, 50, 100), 5 * (50 - (100**2 - 50**2) / 400))
    assert_allclose(Linear(200).integral([200, 1_000]), [100, 100])
    assert_allclose(Linear(200, floor=0.25).integral(250), 150 - 150**2 / 400 + 0.25 * 100)
    law = SquareRoot(0.2, 100)
    assert_allclose(law.factor([25, -25, 100]), [0.9, 1.1, 0.8])
    assert_allclose(law.integral([25, -25]), [25 - 25 * 0.1 * 2 / 3, -25 - 25 * 0.1 * 2 / 3])
    # Price 0 after 2,500 units, which bring a third of their value.
    assert_allclose(law.integral([2_500, 9_000]), [2_500 / 3, 2_500 / 3])
    assert_allclose(Exponential(40).integral([40, 1e9]), [40 * (1 - 1 / math.e), 40])


def test_no_impact_is_the_limit():
    volume = np.array([-1e6, -3.0, 0.0, 5.0, 1e6])
    for form in (Linear(INF), Exponential(INF), SquareRoot(0, 1), SquareRoot(0, 1, floor=1)):
        assert_array_equal(form.factor(volume), np.ones(5))
        assert_array_equal(form.integral(volume), volume)
    assert_allclose(Exponential(1e12).integral(volume), volume, rtol=1e-5)
    assert_allclose(ConstantProduct(1e15, 1).factor(volume), np.ones(5), rtol=1e-8)


def test_recovery_of_depth():
    assert_allclose(Linear(9, recovery=math.log(2)).recovered([8, -8]), [4, -4])
    assert_array_equal(NoImpact().recovered([8, -8]), [8, -8])
    assert_array_equal(Exponential(9, recovery=INF).recovered([8, -8]), [0, 0])


# Pools


def test_constant_product_keeps_k():
    x, y = 150.0, 3_000.0
    pool = ConstantProduct(x, y)
    for volume in (-149.0, -10.0, 1e-6, 25.0, 1e5):
        out = pool.proceeds(pool.price, 0, volume)
        assert_allclose((x + volume) * (y - out), x * y, rtol=1e-9)
        assert_allclose((y - out) / (x + volume), pool.price * pool.factor(volume), rtol=1e-9)


def test_fee_of_uniswap_v2():
    """10,000 in: 27,328 out, the example of stableex/sx.uniswap, uniswap.hpp (getAmountOut)."""
    x, y = 45_851_931_234, 125_682_033_533
    pool = ConstantProduct(x, y, fee=0.003)
    assert math.floor(pool.proceeds(pool.price, 0, pool.reaching(10_000))) == 27_328
    # Larger trades against the formulas of UniswapV2Library, both ways.
    for units in (10**6, 10**9, 10**10):
        sold = pool.reaching(units)
        out = units * 997 * y / (x * 1_000 + units * 997)
        assert_allclose(pool.proceeds(pool.price, 0, sold), out, rtol=1e-12)
        paid = y * units * 1_000 / ((x - units) * 997)
        cost = -pool.proceeds(pool.price, 0, -units) + pool.fees(pool.price, 0, -units)
        assert_allclose(cost, paid, rtol=1e-12)
        # In kind the fee is 0.3 % of what was brought, worth the mean price of the trade.
        assert_allclose(pool.fees(pool.price, 0, sold), 0.003 * units * out / sold, rtol=1e-12)
    assert ConstantProduct(x, y).fees(1, 0, 100) == Linear(9).fees(1, 0, 3) == 0


def test_one_huge_range_is_a_constant_product():
    x, y = 150.0, 3_000.0
    wide = ConcentratedLiquidity([(1e-14, 1e14, math.sqrt(x * y))], price=y / x)
    volume = np.r_[-149:3_000:50j, 1e-3]
    assert_allclose(wide.factor(volume), ConstantProduct(x, y).factor(volume), rtol=1e-10)
    assert_allclose(wide.integral(volume), ConstantProduct(x, y).integral(volume), rtol=1e-10)
    assert_allclose(wide.inverse([0.5, 1.5]), ConstantProduct(x, y).inverse([0.5, 1.5]))
    assert_allclose(wide.reserves, (x, y), rtol=1e-5)


def test_reserves_of_a_range():
    """(x + L/√b)(y + L√a) = L², equation 2.2 of the Uniswap v3 whitepaper."""
    pool = ConcentratedLiquidity([(81, 121, 60)], price=100)
    x, y = pool.reserves
    assert_allclose((x + 60 / 11) * (y + 60 * 9), 60**2, rtol=1e-14)
    assert_allclose(-pool.proceeds(100, 0, -x), 60 * (11 - 10))
    assert_allclose(pool.proceeds(100, 0, pool.capacity[0]), y)


def walk(ranges, price, volume):
    """A swap range by range: the price after it and the money out, as a plain loop."""
    bounds = sorted({b for low, high, _ in ranges for b in (low, high)})
    p, left, money = price, abs(volume), 0.0
    selling = volume > 0
    stops = [b for b in bounds if b < p][::-1] if selling else [b for b in bounds if b > p]
    for stop in stops:
        depth = sum(
            size for low, high, size in ranges if low <= min(p, stop) and high >= max(p, stop)
        )
        units = depth * abs(1 / math.sqrt(stop) - 1 / math.sqrt(p))
        if left <= units:
            root = 1 / (1 / math.sqrt(p) + (left if selling else -left) / depth)
            return root**2, money + depth * (math.sqrt(p) - root)
        left -= units
        money += depth * (math.sqrt(p) - math.sqrt(stop))
        p = stop
    raise AssertionError("liquidity ran out")


def test_concentrated_liquidity_against_a_loop():
    rng = np.random.default_rng(11)
    for _ in range(60):
        low = rng.uniform(20, 150, 6)
        table = np.stack([low, low * rng.uniform(1.01, 2, 6), rng.uniform(1, 500, 6)], 1)
        ranges = [tuple(map(float, row)) for row in table]
        price = float(rng.uniform(30, 200))
        pool = ConcentratedLiquidity(ranges, price)
        for share in (*rng.uniform(0.001, 0.999, 5), 1e-6):
            for volume in (share * pool.capacity[0], -share * pool.capacity[1]):
                if volume:
                    after, money = walk(ranges, price, volume)
                    assert_allclose(price * pool.factor(volume), after, rtol=1e-9)
                    assert_allclose(pool.proceeds(price, 0, volume), money, rtol=1e-7)


def test_a_gap_is_jumped_over():
    pool = ConcentratedLiquidity([(81, 100, 120), (49, 64, 100)], price=100)
    at = pool.inverse(0.81)
    assert_allclose(pool.factor([at - 1e-9, at + 1e-9]), [0.81, 0.64], rtol=1e-8)
    assert_allclose(pool.inverse([0.8, 0.7, 0.64]), at)
    # At the bound itself the price is the last one that traded; binary fractions are exact.
    halves = ConcentratedLiquidity([(0.25, 1, 4), (1 / 64, 1 / 16, 4)], price=1)
    assert_array_equal(halves.factor([4, 20]), [0.25, 1 / 64])
    back = halves.at(1 / 64)
    assert_array_equal(back.factor([-16, -20]), [4, 64])
    inside = ConcentratedLiquidity([(81, 100, 120), (49, 64, 100)], price=70)
    assert inside.factor(0) == 1
    assert_allclose(inside.factor([1e-9, -1e-9]) * 70, [64, 81], rtol=1e-6)


def test_where_liquidity_runs_out():
    ranges = [(81, 100, 120)]
    pool = ConcentratedLiquidity(ranges, price=90)
    sell, buy = pool.capacity
    assert_allclose(pool.factor([sell * 0.999999999, sell + 1]), [0.9, 0], atol=1e-8)
    assert_allclose(pool.integral(sell + 1), pool.integral(sell), rtol=1e-14)
    backed = ConcentratedLiquidity(ranges, price=90, floor=0.5, ceiling=2)
    assert_allclose(backed.integral(sell + 3) - pool.integral(sell), 3 * 0.5)
    assert_allclose(backed.integral(-buy - 3) - pool.integral(-buy), -3 * 2)
    assert_array_equal(backed.factor([sell + 3, -buy - 3]), [0.5, 2])
    with pytest.raises(ValueError, match=r"3 units are bought at position 1.*Give `ceiling`"):
        pool.factor([0, -3])
    with pytest.raises(ValueError, match=r"3 units are sold at position 0.*Give `floor`"):
        ConcentratedLiquidity(ranges, price=90, floor=None).integral(3)


def test_news_moves_a_pool_along_its_curve():
    """Sales and arbitrage to the same price leave the same pool."""
    for pool in (ConstantProduct(150, 3_000), ConcentratedLiquidity(RANGES, 20 * 4.5)):
        price = np.asarray(pool.price)
        lower = price * pool.factor(2)
        moved = pool.at(lower)
        assert_allclose(moved.price, lower)
        assert_allclose(pool.factor(2) * moved.factor(1.5), pool.factor(3.5), rtol=1e-12)
        later = moved.proceeds(lower, 0, 1.5)
        assert_allclose(later, pool.proceeds(price, 2, 3.5), rtol=1e-10)
    many = ConstantProduct([150, 10], [3_000, 90]).at([[20.0, 9], [5, 36]])
    assert_allclose(many.asset, [[150, 10], [300, 5]])
    assert many.factor([[1, 1], [1, 1]]).shape == (2, 2)
    ranged = ConcentratedLiquidity(RANGES, 95).at([[95], [85.0]])
    assert_allclose(ranged.factor([[1.0], [1.0]])[1, 0], ranged.at(85).factor(1), rtol=1e-14)
    assert Linear(5).at([1, 2]) == Linear(5)


# Order book


def fill(levels, units, beyond):
    """Price of the last unit and Σ price × units, walking level by level."""
    last, total = 1.0, 0.0
    for price, size in levels:
        if units <= 0:
            break
        took = min(units, size)
        last, total, units = price, total + took * price, units - took
    return (beyond, total + units * beyond) if units > 0 else (last, total)


def test_order_book_against_a_loop():
    rng = np.random.default_rng(3)
    for _ in range(40):
        tables = [
            (
                np.stack([rng.uniform(0.5, 1, n), rng.integers(1, 30, n)], 1),
                np.stack([rng.uniform(1, 1.5, m), rng.integers(1, 30, m)], 1),
            )
            for n, m in rng.integers(1, 9, (3, 2))
        ]
        book = OrderBook(
            [bids.tolist() for bids, _ in tables],
            [asks.tolist() for _, asks in tables],
            floor=0.4,
            ceiling=1.6,
        )
        volumes = rng.integers(-150, 150, (10, 3)).astype(float)
        factor, integral = book.factor(volumes), book.integral(volumes)
        for (s, a), units in np.ndenumerate(volumes):
            bids, asks = tables[a]
            if units >= 0:
                price, total = fill(sorted(bids.tolist(), reverse=True), units, 0.4)
            else:
                price, total = fill(sorted(asks.tolist()), -units, 1.6)
                total = -total
            assert factor[s, a] == price
            assert_allclose(integral[s, a], total, rtol=1e-13)


def test_order_book_mirrors_the_bids():
    book = OrderBook(BIDS, ceiling=2)
    volume = np.array([5.0, 12, 33])
    assert_allclose(book.factor(-volume), 2 - book.factor(volume))
    assert_allclose(-book.integral(-volume), 2 * volume - book.integral(volume))
    assert book.capacity == (35, 35)
    assert OrderBook(BIDS, ASKS).capacity == (35, 38)
    with pytest.raises(ValueError, match=r"40 units are sold.*depth for 35 \(1 of 2 volumes\)"):
        OrderBook(BIDS, floor=None).factor([3, 40])


# Errors


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Linear(0), "depth must be .*above 0"),
        (lambda: Linear([10, NAN]), "depth must be known"),
        (lambda: Linear(10, floor=1.1), "floor"),
        (lambda: Linear(10, recovery=-1), "recovery"),
        (lambda: SquareRoot(-0.1, 10), "scale"),
        (lambda: SquareRoot(0.1, 0), "daily_volume"),
        (lambda: Exponential(-3), "depth"),
        (lambda: ConstantProduct(0, 10), "asset"),
        (lambda: ConstantProduct(10, 0), "money"),
        (lambda: ConstantProduct(10, 10, fee=1), "fee"),
        (lambda: ConcentratedLiquidity([(100, 81, 5)], 90), "row 0: lower 100 is not below"),
        (lambda: ConcentratedLiquidity([(81, 100)], 90), "lower, upper, liquidity"),
        (lambda: ConcentratedLiquidity([(81, 100, 0)], 90), "ranges, table 0"),
        (lambda: ConcentratedLiquidity([], 90), "ranges must be rows"),
        (lambda: ConcentratedLiquidity([(81, 100, 5)], 0), "price"),
        (lambda: ConcentratedLiquidity([(81, 100, 5)], 90, floor=0.95), "floor is 0.95, above"),
        (lambda: ConcentratedLiquidity([(81, 100, 5)], 90, ceiling=1.05), "ceiling is 1.05"),
        (lambda: OrderBook([(1.01, 5)]), "price of the bids"),
        (lambda: OrderBook([(0.9, 5)], [(0.99, 5)]), "price of the asks"),
        (lambda: OrderBook([(0.9, -5)]), "bids, table 0"),
        (lambda: OrderBook([(0.9, NAN)]), "holds nan"),
        (lambda: OrderBook([[(0.9, 5)]], [(1.1, 5)]), "both be one table"),
        (lambda: OrderBook([(0.9, 5)], floor=0.95), "floor is 0.95"),
        (lambda: OrderBook("book"), "bids must be rows"),
        (lambda: Linear(10).factor(INF), "volume must be finite"),
        (lambda: Linear(10).inverse(-1), "factor"),
        (lambda: Linear(10).proceeds(-1, 0, 1), "price"),
        (lambda: Linear(10).at(0), "price"),
        (lambda: Exponential(10).factor([0, -8_000]), "800 times the depth"),
        (lambda: ConstantProduct(10, 1).factor([-3, -10]), "10 units are bought at position 1"),
    ],
)
def test_impossible_input_is_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_forms_compare_and_are_keys():
    assert Linear([1, 2]) == Linear(np.array([1.0, 2.0])) != Linear([1, 3])
    assert Linear(5) != Exponential(5)
    book = OrderBook(np.array(BIDS))
    assert book == OrderBook(BIDS) != OrderBook(BIDS[:2])
    assert len({book, OrderBook(BIDS), ConcentratedLiquidity(RANGES, 95), Linear([1, 2])}) == 3
    assert all(isinstance(form, liquidation.PriceImpact) for form, _ in FORMS.values())
