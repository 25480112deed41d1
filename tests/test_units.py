"""Units of money: read, converted, refused; one scale for each list."""

from __future__ import annotations

import pandas as pd
import pytest
from numpy.testing import assert_allclose

import contagion as ct
from contagion.text import money, same_scale
from contagion.units import Unit, conversion, parse, scale

READ = {
    "USD": ("USD", 1.0),
    "USD m": ("USD", 1e6),
    "USD mn": ("USD", 1e6),
    "USD million": ("USD", 1e6),
    "m USD": ("USD", 1e6),
    "USDm": ("USD", 1e6),
    "EUR bn": ("EUR", 1e9),
    "EUR Mio": ("EUR", 1e6),
    "JPY tn": ("JPY", 1e12),
    "EUR k": ("EUR", 1e3),
    "BTC": ("BTC", 1.0),
    "US dollars": ("US dollars", 1.0),
    "money": ("money", 1.0),
    "": ("", 1.0),
}


@pytest.mark.parametrize("text", READ)
def test_units_as_people_write_them(text):
    assert parse(text) == Unit(*READ[text])


@pytest.mark.parametrize(
    "unit, text",
    [
        ("USD mn", "1.825 tn USD"),
        ("USD", "1.825 m USD"),
        ("EUR bn", "1825 tn EUR"),
        ("", "1.825 m"),
    ],
)
def test_the_scale_of_the_data_is_part_of_the_amount(unit, text):
    amount = 1_825_000
    assert money(amount, unit) == text


def test_a_list_has_one_scale():
    """Claims on Japan beside those on the United States, in the unit of the BIS."""
    say = same_scale([4_927_000, 246_362, 0, float("nan")], "USD mn")
    assert [say(x) for x in (4_927_000, 246_362, 0, float("nan"))] == [
        "4.927 tn USD", "0.2464 tn USD", "0 USD", "unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("amounts", [[3e-7, 2.5], [12.0, 4e5], [7e8, 1e6], [9e13, 1.0]])
@pytest.mark.parametrize("thousand", ["USD k", "thousand USD"])
def test_texts_do_not_depend_on_the_scale_of_the_data(amounts, thousand):
    same = [x / 1e3 for x in amounts]
    one, other = scale(amounts, "USD"), scale(same, thousand)
    assert one.label == other.label and one.spoken == other.spoken
    say, tell = same_scale(amounts, "USD"), same_scale(same, thousand)
    for x, y in zip(amounts, same, strict=True):
        assert one(x) == other(y) and one.money(x) == other.money(y) and say(x) == tell(y)


def test_conversion():
    assert_allclose(conversion("USD", "USD m"), 1e-6)
    assert_allclose(conversion("EUR bn", "eur mn"), 1e3)
    for source, target in (("USD", "EUR"), ("", "USD"), ("USD m", "")):
        with pytest.raises(ct.errors.ArgumentError, match="is in"):
            conversion(source, target)


def test_amounts_in_scales_of_one_currency_are_converted():
    owed = {"creditor": ["a", "b", "c"], "debtor": ["b", "c", "a"], "amount": [3.0, 40.0, 5.0],
            "currency": ["USD bn", "USD m", "USD"]}  # fmt: skip
    net = ct.ExposureNetwork(None, pd.DataFrame(owed), unit="USD m", missing_equity="external")
    assert net.amount.tolist() == [3000.0, 40.0, 5.0]  # a bare code names the currency alone
    said = [f.message for f in net.findings if f.code == "C007"]
    assert said and "converted to USD m" in said[0] and "fx=" not in said[0]


def test_a_sweep_over_networks_in_two_scales():
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [10.0]})
    nodes = pd.DataFrame({"node": ["a", "b"], "equity": [1.0, 40.0]})
    big = ct.ExposureNetwork(nodes, owed, unit="USD bn")
    small = ct.ExposureNetwork(
        nodes.assign(equity=nodes["equity"] * 1e3), owed.assign(amount=1e4), unit="USD m"
    )
    case = ct.experiments.Case(big, ct.models.Furfine(), ct.Shock.default("a"))
    found = ct.sweep(case, {"network": [big, small]})
    assert found.mean("contagion_loss")["mean"].tolist() == pytest.approx([10.0, 10.0])
    assert found.unit == "USD bn" and "contagion_loss: 10 bn USD to 10 bn USD" in repr(found)


def test_a_share_that_rests_on_assumed_capital_says_so():
    """Three Arrows: its capital of 0 is an assumption, and all of the loss socialized with it."""
    net = ct.datasets.load("cefi_credit_2022")
    said = "he share rests on an assumed capital: equity of three_arrows assumed 0 USD"
    result = ct.EisenbergNoe().propagate(net, ct.Shock.default("three_arrows"))
    assert result.socialization.socialized_share == pytest.approx(1.0)
    assert said in " ".join(repr(result).split())
    found = ct.report.page_one.sentences(ct.report.given.given(net, [result]))
    assert said.replace("three_arrows", "Three Arrows Capital") in str(found[1])
    known = ct.EisenbergNoe().propagate(net, ct.Shock.default("voyager"))
    assert "assumed capital" not in repr(known)
