"""Default managers of clearing houses: hand checks, conservation, order, failing payers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from contagion import venues
from contagion.errors import RuleError, UnknownNameError
from contagion.venues.ccp import DefaultManager

HAND = {
    "member": ["d1", "d2", "a", "b"],
    "loss": [100.0, 200.0, 0.0, 0.0],
    "margin": [150.0, 60.0, 90.0, 80.0],
    "contribution": [20.0, 20.0, 25.0, 20.0],
    "gain": [0.0, 0.0, 200.0, 100.0],
}


def absorbed(run: Any) -> dict[str, float]:
    return {name: float(x.sum()) for name, x in run.settled.absorbed.items() if x.sum()}


def test_margins_of_defaulters_are_not_pooled():
    """d1 has 70 to spare, d2 leaves 120: own capital 10, fund 45, assessments 45, gains 20."""
    manager = DefaultManager(before=10, per_event=1, per_period=1)
    run = manager.run(HAND, ["d1", "d2"], unit="USD m")
    assert absorbed(run) == {
        "defaulter margin": 160,  # 100 of d1, 60 of d2
        "defaulter contribution": 20,
        "own capital before the fund": 10,
        "default fund": 45,
        "assessments": 45,
        "gains haircut": 20,
    }
    assert run.loss == 300 and run.uncovered == 0
    assert run.estates["returned"].to_dict() == {"d1": 70, "d2": 0}
    gains = run.table.table.query("layer == 'gains haircut'").set_index("member")["amount"]
    assert gains.to_dict() == pytest.approx({"a": 40 / 3, "b": 20 / 3}, rel=1e-12)  # of 200 and 100
    assert "USD m" in run.table.definitions["amount"] and "m USD" in repr(run)
    assert run.table["amount"].sum() + run.uncovered == pytest.approx(run.loss)


def test_caps_of_assessments_per_event_and_per_period():
    """CME: 400 beyond the defaulter, capital 10, fund 100, 275 % and 550 % of the fund."""
    cme = venues.clearing_houses.manager("cme", before=10, haircut=0, tear_up=False)
    members = {"member": ["d", "e", "a"], "loss": [400, 0, 0], "contribution": [0, 0, 100]}
    assert cme.run(members, "d").uncovered == 15
    assert cme.run(members, "d", events=2).uncovered == 0
    both = {**members, "loss": [200, 200, 0]}
    assert cme.run(both, ["d", "e"]).uncovered == 0
    three = {**members, "loss": [800, 0, 0]}
    assert cme.run(three, "d", events=3).uncovered == 800 - 10 - 100 - 550
    before = {**members, "called": [0, 0, 275]}  # in the same period
    assert cme.run(before, "d").uncovered == 290
    assert cme.run(before, "d", events=2).uncovered == 15


def test_own_capital_before_beside_after_and_at_the_end():
    """Loss 100 on a fund of 40: 10 before; then 40 and 10 pro rata; 8 after; 20 and 5; last."""
    own = {"before": 10, "beside": 10, "after": 8, "beside_assessments": 5, "last": 4}
    manager = DefaultManager(**own, per_event=0.5, haircut=0)
    members = {"member": ["d", "a"], "loss": [100, 0], "contribution": [0, 40]}
    assert list(absorbed(manager.run(members, "d")).values()) == [10, 40, 10, 8, 20, 5, 4]
    assert manager.run(members, "d").uncovered == 3
    part = manager.run({**members, "loss": [35, 0]}, "d")  # 25 of 50 in the second layer
    assert list(absorbed(part).values()) == [10, 20, 5]
    part = manager.run({**members, "loss": [78, 0]}, "d")  # 10 of 25 in the assessments
    assert list(absorbed(part).values()) == [10, 40, 10, 8, 8, 2]


def test_a_survivor_that_fails_on_its_assessment_brings_its_own_loss():
    """30 to assess: a and b are due 15 each, a has 6. Its position loses 12 on a margin of 10:
    32 to assess, 6 from a, 26 from b. With a margin of 20, 8 are left and pay: 14 from a."""
    manager = DefaultManager(per_event=3, haircut=0)
    members = {
        "member": ["d", "a", "b"],
        "loss": [50.0, 12.0, 7.0],
        "margin": [0.0, 10.0, 9.0],
        "contribution": [0.0, 10.0, 10.0],
        "means": [0.0, 6.0, 100.0],
    }
    run = manager.run(members, "d")
    assert run.failed == ["a"] and run.loss == 62 and run.uncovered == 0
    paid = run.settled.absorbed["assessments"].tolist()
    assert paid == pytest.approx([0, 6, 26], rel=1e-12)
    richer = manager.run({**members, "margin": [0.0, 20.0, 9.0]}, "d")
    assert richer.settled.absorbed["assessments"].tolist() == pytest.approx([0, 14, 16], rel=1e-12)
    assert richer.estates["returned"]["a"] == 0
    # b can no longer pay what a leaves: it fails too, and the rest has no bearer
    poor = manager.run({**members, "means": [0.0, 6.0, 20.0]}, "d")
    assert poor.failed == ["a", "b"]
    assert poor.uncovered == pytest.approx(62 + 7 - 10 - 7 - 20 - 6 - 22, rel=1e-12)


def test_no_gains_column_is_needed_where_gains_are_not_cut():
    members = {k: v for k, v in HAND.items() if k != "gain"}
    with pytest.raises(RuleError, match=r"'gain'.*haircut=0"):
        DefaultManager().run(members, "d2")
    assert DefaultManager(before=10, haircut=0).run(members, ["d1", "d2"]).uncovered == 0
    with pytest.raises(RuleError, match="tear_up"):
        DefaultManager(haircut=0, tear_up=True).run(members, "d2")
    torn = DefaultManager(haircut=0.1, tear_up=True, per_event=0)
    run = torn.run({**HAND, "tear_up": [0, 0, 30, 50]}, "d2")  # 120 − 65 − 30 − 25 of 80
    assert absorbed(run)["gains haircut"] == 30
    assert run.settled.absorbed["tear-up"].tolist() == [0, 0, 9.375, 15.625]


@pytest.mark.parametrize(
    ("change", "defaulter", "says"),
    [
        ({"contribution": None}, "d", "contribution"),
        ({"loss": None}, "d", "loss"),
        ({"contribution": [1, -2]}, "d", "negative for 'a'"),
        ({"margin": [1, "x"]}, "d", "margin.*'a'"),
        ({"gain": [1, None]}, "d", "gain"),
        ({"member": ["d", "d"]}, "d", "twice"),
        ({}, "dd", "Did you mean 'd'"),
        ({}, ["d", "z"], "'z'"),
    ],
)
def test_members_that_do_not_fit_are_refused(change: dict, defaulter: object, says: str):
    members = {"member": ["d", "a"], "loss": [9, 0], "contribution": [5.0, 6.0], "gain": [0, 1]}
    members = {name: values for name, values in (members | change).items() if values is not None}
    with pytest.raises((RuleError, UnknownNameError), match=says):
        DefaultManager().run(members, defaulter)


@pytest.mark.parametrize("word", ["before", "beside", "per_event", "per_period", "haircut"])
def test_parameters_out_of_range_are_refused(word: str):
    for bad in (-1, float("nan"), "x"):
        with pytest.raises(RuleError, match=word):
            DefaultManager(**{word: bad})


# -- properties -------------------------------------------------------------------------------

MONEY = st.one_of(st.just(0.0), st.floats(1e-3, 1e3))


@st.composite
def systems(draw: Any) -> tuple[DefaultManager, dict[str, np.ndarray]]:
    """Two scenarios, 2 to 6 members, all features on."""
    n = draw(st.integers(2, 6))

    def column(values: Any = MONEY) -> np.ndarray:
        return draw(arrays.arrays(float, (2, n), elements=values))

    manager = DefaultManager(
        *(draw(MONEY) for _ in range(5)),
        per_event=draw(st.floats(0, 3)),
        per_period=draw(st.none() | st.floats(0, 3)),
        haircut=draw(st.floats(0, 1)),
        tear_up=draw(st.booleans()),
    )
    names = ("loss", "margin", "contribution", "gain", "tear_up", "means", "called")
    members = {name: column() for name in names}
    members["means"] = draw(st.sampled_from([members["means"], np.full((2, n), np.inf)]))
    members["defaulted"] = draw(arrays.arrays(bool, (2, n)))
    return manager, members


@given(systems())
def test_every_unit_of_loss_is_borne_once_in_order_and_within_capacity(
    system: tuple[DefaultManager, dict[str, np.ndarray]],
):
    manager, members = system
    done = manager.settle(**members)
    size = max(float(done.loss.max()), 1.0)
    tol = 1e-9 * size
    borne = sum(x.sum(-1) if x.ndim == 2 else x for x in done.absorbed.values())
    np.testing.assert_allclose(borne + done.uncovered, done.loss, atol=tol)
    out = members["defaulted"] | done.failed
    np.testing.assert_allclose(done.loss, np.where(out, members["loss"], 0).sum(-1), atol=tol)
    names = list(done.absorbed)
    left = done.loss.copy()
    total, room = {}, {}
    for name in names:
        taken, most = done.absorbed[name], done.capacity[name]
        assert (taken >= 0).all() and (taken <= most + tol).all()
        total[name] = taken.sum(-1) if taken.ndim == 2 else taken
        room[name] = most.sum(-1) if most.ndim == 2 else most
        left -= total[name]
    # order: a layer is touched only where those before it are used up (who cannot pay apart)
    used = lambda *layers: sum(room[x] - total[x] for x in layers)  # noqa: E731
    fund, beside = "default fund", "own capital beside the fund"
    order = [("own capital before the fund",), (fund, beside), ("own capital after the fund",)]
    for k, layers in enumerate(order[1:], 1):
        later = sum(total[x] for group in order[k:] for x in group) + total["assessments"]
        assert (np.minimum(later, used(*order[k - 1])) <= tol).all(), layers
    paying = np.minimum(
        done.capacity["assessments"],
        members["means"] + np.maximum(members["margin"] - members["loss"], 0),
    )
    unpaid = (paying - done.absorbed["assessments"]).sum(-1)
    after = total["own capital at the end"] + total["gains haircut"] + done.uncovered
    assert (np.minimum(after, unpaid) <= tol).all()
    assert (np.minimum(total["gains haircut"], used("own capital at the end")) <= tol).all()
    assert (np.minimum(done.uncovered, used("gains haircut", "tear-up")) <= tol).all()
    # a surplus goes back: what a defaulter brought is used for its own loss, or returned
    named = members["defaulted"]
    brought = members["margin"] + members["contribution"]
    own = np.minimum(members["loss"], brought)
    np.testing.assert_allclose((done.returned + own - brought)[named], 0, atol=tol)
    assert (done.returned >= -tol).all() and not done.returned[~out].any()
    # failing: called for more than it has
    assert (done.called[done.failed] > members["means"][done.failed]).all()
    assert (done.called[~done.failed] <= members["means"][~done.failed] * (1 + 1e-9)).all()


@given(systems())
def test_a_batch_is_its_scenarios_and_the_order_of_members_does_not_matter(
    system: tuple[DefaultManager, dict[str, np.ndarray]],
):
    manager, members = system
    done = manager.settle(**members)
    tol = 1e-9 * max(float(done.loss.max()), 1.0)
    for s in range(2):
        one = manager.settle(**{name: values[s, ::-1] for name, values in members.items()})
        assert (one.failed[::-1] == done.failed[s]).all()
        np.testing.assert_allclose(one.uncovered, done.uncovered[s], atol=tol)
        for name, taken in one.absorbed.items():
            got = taken[::-1] if taken.ndim else taken
            np.testing.assert_allclose(got, done.absorbed[name][s], atol=tol)


@given(systems(), st.floats(1e-6, 1e6))
def test_the_unit_of_money_does_not_matter(
    system: tuple[DefaultManager, dict[str, np.ndarray]], factor: float
):
    manager, members = system
    scaled = DefaultManager(
        *(factor * getattr(manager, w) for w in ("before", "beside", "after")),
        factor * manager.beside_assessments,
        factor * manager.last,
        manager.per_event,
        manager.per_period,
        manager.haircut,
        manager.tear_up,
    )
    done = manager.settle(**members)
    other = {k: v if v.dtype == bool else factor * v for k, v in members.items()}
    size = max(float(done.loss.max()), 1.0)
    np.testing.assert_allclose(
        scaled.settle(**other).uncovered / factor, done.uncovered, atol=1e-9 * size
    )


def test_thousands_of_members_and_scenarios_at_once():
    rng = np.random.default_rng(3)
    gone = np.zeros((200, 3_000), bool)
    gone[np.arange(200), rng.integers(0, 3_000, 200)] = True
    margin, put = rng.lognormal(3, 1, 3_000), rng.lognormal(1, 1, 3_000)
    loss = np.where(gone, rng.lognormal(9, 1, (200, 1)), rng.lognormal(2, 1, 3_000))
    done = DefaultManager(before=50, per_event=2).settle(
        loss, margin, put, gone, gain=rng.lognormal(0, 1, 3_000), means=3 * put
    )
    borne = sum(x.sum(-1) if x.ndim == 2 else x for x in done.absorbed.values())
    np.testing.assert_allclose(borne + done.uncovered, done.loss, rtol=1e-9)


# -- the rule of the same order -----------------------------------------------------------------


@pytest.mark.parametrize("size", [30, 90, 200, 500])
@pytest.mark.parametrize("seed", range(3))
def test_claims_and_rule_share_as_the_manager_does(seed: int, size: float):
    rng = np.random.default_rng(seed)
    own = dict(zip(("before", "beside", "after", "last"), rng.uniform(0, 9, 4), strict=True))
    manager = DefaultManager(**own, per_event=1, haircut=0.5, tear_up=True)
    members = pd.DataFrame(
        {
            "member": list("abcdef"),
            **{c: rng.uniform(1, 20, 6) for c in ("margin", "contribution", "gain", "tear_up")},
            "loss": [*rng.uniform(0.2, 1, 2) * size, 0, 0, 0, 0],
        }
    )
    run = manager.run(members, ["a", "b"])
    claims = manager.claims(members, ["a", "b"])
    done = manager.rule().allocate(run.loss, claims)
    assert done.uncovered == pytest.approx(run.uncovered, abs=1e-9)
    by = done.table.groupby(["claimant", "layer"])["loss"].sum()
    mine = run.table.table.replace(
        {"layer": {"own capital beside the fund": "default fund"}}
    ).set_index(["member", "layer"])["amount"]
    for key, amount in mine.items():
        assert by[key] == pytest.approx(amount, abs=1e-9), key
    back = done.table.query("layer == 'no layer'").set_index("claimant")["paid"]
    returned = run.estates["returned"]
    assert back.to_dict() == pytest.approx(returned[returned > 0].to_dict())


# -- houses by name ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(venues.clearing_houses.HOUSES))
def test_every_house_says_for_each_figure_where_it_is_from(name: str):
    found = venues.clearing_houses.figures(name).table
    assert set(found["evidence"]) <= {"read", "notes", "assumed", "not found"}
    assert (found["note"] != "").all()
    assert (found["source"][found["evidence"] == "read"] != "").all()
    assert (found["value"].isna() == (found["evidence"] == "not found")).all()
    missing = found.index[found["value"].isna()].get_level_values("parameter").tolist()
    record = venues.entry(name)
    assert list(record.required) == missing and record.status != "verified"
    for word in missing[:1]:
        with pytest.raises(RuleError, match=f"{name} needs {word}"):
            venues.clearing_houses.manager(name)
    given = dict.fromkeys(missing, 1.0)
    manager = venues.clearing_houses.manager(name, **given)
    assert record(**given) == manager.rule()


def test_an_unknown_house_or_parameter_is_asked_back():
    with pytest.raises(UnknownNameError, match="'eurex'"):
        venues.clearing_houses.manager("eurx")
    with pytest.raises(UnknownNameError, match="'before'"):
        venues.clearing_houses.manager("eurex", befor=1)


def test_cme_by_hand():
    """400 beyond the defaulter, own capital 10, fund 100: 275 % leave 15, 550 % nothing."""
    cme = venues.clearing_houses.manager("cme", before=10, haircut=0, tear_up=False)
    assert (cme.per_event, cme.per_period) == (2.75, 5.5)
    left = [
        float(cme.settle([400, 0], 0, [0, 100], [True, False], events=events).uncovered)
        for events in (1, 2, 5)
    ]
    assert left == [15.0, 0.0, 0.0]
    assert float(cme.settle([800, 0], 0, [0, 100], [True, False], events=5).uncovered) == 140.0
