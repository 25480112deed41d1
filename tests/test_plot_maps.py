"""Maps from 2 to 100,000 nodes: nothing is lost, clipped or hidden, and the words are true."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib import pyplot as plt

import contagion as ct
from contagion.plot.maps.choice import ALL, BOXES, LINKS, choose
from contagion.plot.maps.scene import outcome, scene, sentences
from contagion.results.rounds import rounds

MODEL = ct.EisenbergNoe()
make = ct.synthetic.generate


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def shocked(net: ct.ExposureNetwork, recovery: float = 0.3):
    trigger = net.names[int(np.argmax(net.book.debts))]
    return MODEL.propagate(net, ct.Shock.default(trigger, recovery=recovery))


def tiered(n: int, rng: int = 1):
    core = max(n // 15, 1)
    sheets = make.Sheets(capital=0.05)
    return shocked(make.tiered(n, core, sheets=sheets, rng=rng))


@pytest.fixture(scope="module")
def chain():
    net = ct.datasets.load("cefi_credit_2022")
    return MODEL.propagate(net, ct.Shock.default("three_arrows"))


@pytest.fixture(scope="module", params=[3, 30, 100, 500])
def any_size(request):
    return tiered(request.param)


def boxes(drawn):
    """Extents of all marks but the rings, and of all labels."""
    where = drawn.places
    marks = np.column_stack([where.at - where.half, where.at + where.half])
    return marks, np.array([label.box for label in drawn.labels]).reshape(-1, 4)


@pytest.mark.parametrize("width, height", [(860, 560), (380, 620)])
def test_nothing_leaves_the_canvas_and_nothing_lies_on_what_is_hit(any_size, width, height):
    drawn = scene(any_size.network, any_size, width=width, height=height)
    marks, texts = boxes(drawn)
    heads = np.concatenate([c.head for c in drawn.curves])
    for found in (marks, texts, np.column_stack([heads, heads])):
        assert found[:, :2].min() >= -1 and found[:, 2].max() <= width + 1
        assert found[:, 3].max() <= height + 1
    for hit in np.flatnonzero(drawn.chosen.state == "hit"):
        own = marks[hit]
        others = np.delete(marks, hit, axis=0)
        across = np.minimum(own[2], others[:, 2]) - np.maximum(own[0], others[:, 0])
        up = np.minimum(own[3], others[:, 3]) - np.maximum(own[1], others[:, 1])
        assert not ((across > 0) & (up > 0)).any()
        assert any(label.mark == hit for label in drawn.labels)


def test_labels_cover_at_most_a_hair_of_each_other(any_size):
    _, texts = boxes(scene(any_size.network, any_size))
    for k, (x0, y0, x1, y1) in enumerate(texts):
        across = np.minimum(x1, texts[:k, 2]) - np.maximum(x0, texts[:k, 0])
        up = np.minimum(y1, texts[:k, 3]) - np.maximum(y0, texts[:k, 1])
        shared = np.maximum(across, 0) * np.maximum(up, 0)
        assert (shared <= 0.1 * (x1 - x0) * (y1 - y0)).all()


def test_every_node_and_every_loss_is_in_one_mark(any_size):
    net, chosen = any_size.network, choose(any_size.network, any_size)
    assert (~chosen.boxed & ~chosen.outside).sum() <= ALL and chosen.boxed.sum() <= BOXES
    assert chosen.count[~chosen.outside].sum() + (~chosen.boxed & ~chosen.outside).sum() == len(net)
    owners, outside = any_size.borne
    assert chosen.loss[~chosen.outside].sum() == pytest.approx(owners.sum())
    assert chosen.loss[chosen.outside].sum() == pytest.approx(outside.sum())
    assert (chosen.state[chosen.of[any_size.triggers]] == "hit").all()


def test_the_words_below_a_map_are_true(chain, any_size):
    drawn = scene(any_size.network, any_size)
    assert len(drawn.curves) <= LINKS
    lost = any_size.added_losses.sum() + any_size.borne[1].sum()
    carried = sum(curve.loss for curve in drawn.curves)
    assert drawn.flows.of_loss == pytest.approx(carried / lost)
    assert f"{len(any_size.network):,} nodes" in sentences(drawn)[0]
    said = outcome(scene(chain.network, chain))
    assert "Three Arrows Capital hit" in said and "1.637 bn USD (71%)" in said
    assert "2 further defaults" in said


def test_rings_are_the_steps_of_the_loss(chain):
    drawn = scene(chain.network, chain)
    middle, reach = drawn.places.rings[0, :2], drawn.places.rings[:, 2:]
    for k, (step, node) in enumerate(zip(drawn.chosen.step, drawn.chosen.node, strict=True)):
        if step > 0 and node >= 0:
            away = (drawn.places.at[k] - middle) / reach[step - 1]
            assert np.hypot(*away) == pytest.approx(1.0)
    hit = int(np.flatnonzero(drawn.chosen.state == "hit")[0])
    assert np.allclose(drawn.places.at[hit], middle)


def test_a_map_is_the_same_each_time(any_size):
    one, two = (scene(any_size.network, any_size) for _ in range(2))
    assert np.array_equal(one.places.at, two.places.at) and one.labels == two.labels


def test_a_network_of_100_000_nodes_is_drawn_in_a_few_links():
    net = make.erdos_renyi(100_000, 5, sheets=make.Sheets(capital=0.04, interbank=0.5), rng=1)
    result = shocked(net)
    drawn = scene(net, result)
    assert drawn.chosen.count.sum() > 99_000 and len(drawn.curves) <= LINKS


def test_the_rounds_end_with_the_result_and_only_grow(any_size):
    done = rounds(any_size)
    assert np.array_equal(done.owners[-1], any_size.loss)
    assert (np.diff(done.owners.sum(axis=1)) >= -1e-9 * any_size.loss.sum()).all()
    if len(done.number) > 2:  # the round before the last has the defaults of the last
        tight = {"rtol": 1e-6, "atol": 1e-9 * max(any_size.loss.sum(), 1.0)}
        again = rounds(any_size, most=len(done.number) + 1)
        assert np.allclose(again.claims[-1], any_size.added_losses, **tight)
        assert np.array_equal(again.defaulted[-1], any_size.outcome.defaulted)


def test_the_rounds_of_the_crypto_credit_chain(chain):
    """Genesis and Voyager default in round 1; only then their depositors lose (by hand)."""
    done = rounds(chain)
    at = chain.network.names.get_indexer(["genesis", "voyager", "alameda"])
    assert done.number.tolist() == [0, 1, 2]
    assert np.allclose(done.owners[1, at], [200e6, 258e6, 0.0])
    assert np.allclose(done.external[1, at], 0.0) and done.external[2, at[0]] == 1e9
