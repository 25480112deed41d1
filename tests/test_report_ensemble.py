"""Ensembles of networks: one shock on each, ranks over all, the report about a folder of them."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from test_report import Page

import contagion as ct
from contagion.cli import run
from contagion.experiments import over_networks
from contagion.measures.ranking import perturbed

MODEL = ct.EisenbergNoe()


@pytest.fixture(scope="module")
def nets():
    base = ct.synthetic.generate.erdos_renyi(14, 0.3, rng=5)
    return list(perturbed(base, noise=0.6, samples=7, rng=1))


@pytest.fixture(scope="module")
def shock(nets):
    return ct.Shock.default(nets[0].names[int(nets[0].book.debts.argmax())])


@pytest.fixture(scope="module")
def folder(nets, tmp_path_factory):
    place = tmp_path_factory.mktemp("ensemble")
    for number, net in enumerate(nets):
        net.write(place / f"{number:02d}")
    return place


def test_every_network_is_run_alone(nets, shock):
    found = over_networks(nets, MODEL, shock)
    for number, net in enumerate(nets):
        result = MODEL.propagate(net, shock)
        row = found.table.loc[number]
        assert row["socialized"] == pytest.approx(result.socialization.socialized)
        assert row["owners_loss"] == pytest.approx(result.loss.sum())
        assert row["defaults"] == result.outcome.defaulted.sum()
    together = [MODEL.propagate(net, shock).outcome.defaulted for net in nets]
    assert found.nodes["default_probability"].tolist() == pytest.approx(np.mean(together, axis=0))


def test_networks_with_other_nodes_are_refused(nets, shock):
    other = ct.datasets.load("neva_ring3")
    with pytest.raises(ct.errors.NetworkError, match="ensemble is empty"):
        over_networks([], MODEL, shock)
    with pytest.raises(ct.ContagionError):
        over_networks([nets[0], other], MODEL, shock)


def test_the_report_about_a_folder_of_networks(folder, nets, shock, tmp_path):
    node = str(shock.defaults[0][0])
    file = tmp_path / "r.html"
    assert run(["report", str(folder), "--default", node, "--out", str(file)]) == 0
    page = Page(file.read_text("utf-8"))
    table = over_networks(nets, MODEL, shock).table
    head, *rows = page.tables["T13E"]
    said = {row[0]: row[1:] for row in rows}
    for title, column in (("socialized loss", "socialized"), ("of owners", "owners_loss")):
        ends = [float(said[title][head.index(x) - 1]) for x in ("smallest", "largest")]
        assert ends == pytest.approx([table[column].min(), table[column].max()], abs=6e-4)
    assert "in nine of ten of 7 networks that fit the same data" in page.text
    ranks = ct.measures.ranking.stability(nets, [MODEL]).table
    measure = ranks.index[0][0]
    head, *rows = page.tables["T11S"]
    for row in rows:
        mine = ranks.loc[(measure, row[0])]
        assert row[1] == f"{mine['median']:.0f}"
        assert (
            row[head.index("P(rank ≤ 3)")].rstrip("%").lstrip("<") == f"{100 * mine['top_3']:.0f}"
        )


def test_one_network_is_no_ensemble():
    study = ct.Study("neva_ring3", outputs=["run", "ensemble"])
    with pytest.raises(ct.ArgumentError, match="there is one network"):
        study.run()
    found = ct.Study("neva_ring3", outputs={"stability": {"samples": 5, "noise": 0.1}}).run()
    assert found["stability"].networks == 5
