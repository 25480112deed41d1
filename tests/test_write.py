"""A network written into a folder is the same network when it is read back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import VENUES_TOO, random_network

import contagion as ct


def same(one: ct.ExposureNetwork, other: ct.ExposureNetwork) -> None:
    assert one.names.tolist() == other.names.tolist()
    assert (one.unit, one.name) == (other.unit, other.name)
    for name in ("external_assets", "external_liabilities", "claims", "debts", "can_fail"):
        assert np.array_equal(
            getattr(one.book, name), getattr(other.book, name), equal_nan=name != "can_fail"
        ), name
    assert one.assumptions == other.assumptions and one.rules == other.rules
    losses = 0.3 * np.nan_to_num(one.book.external_assets)
    pins = np.full(len(one), np.nan)
    pins[0] = 0.0
    model = ct.models.CrossHoldings() if one.shareholdings is not None else ct.EisenbergNoe()
    before, after = (model.solve(net, losses, pins) for net in (one, other))
    np.testing.assert_array_equal(before.equity, after.equity)


@pytest.mark.parametrize("name", ct.datasets.names())
def test_every_dataset_comes_back(name, tmp_path):
    net = ct.datasets.load(name)
    net.write(tmp_path)
    same(net, ct.read(tmp_path))


@pytest.mark.parametrize("feature", [*VENUES_TOO, "all"])
def test_every_feature_comes_back(feature, tmp_path):
    features = set(VENUES_TOO) - {"pari_passu"} if feature == "all" else {feature}
    net = random_network(3, 9, 2.5, features)
    net.write(tmp_path)
    same(net, ct.read(tmp_path))


def test_guarantees_holdings_and_shareholdings_come_back(tmp_path):
    nodes = pd.DataFrame({"node": ["a", "b", "c"], "external_assets": [9.0, 5.0, 5.0]})
    owed = pd.DataFrame({"creditor": ["b"], "debtor": ["a"], "amount": [6.0]})
    tables = {
        "guarantees": {"guarantor": ["c"], "debtor": ["a"], "creditor": ["b"], "amount": [2.0]},
        "holdings": {"node": ["b"], "asset": ["ETH"], "value": [3.0]},
        "shareholdings": {"owner": ["c"], "company": ["b"], "fraction": [0.4]},
    }
    for name, table in tables.items():
        net = ct.ExposureNetwork(nodes, owed, **{name: pd.DataFrame(table)})
        files = net.write(tmp_path)
        assert f"{name}.csv" in [file.name for file in files]
        back = ct.read(tmp_path)
        same(net, back)
        assert (
            getattr(back, name) is not None if name != "guarantees" else back.guarantees is not None
        )


def test_a_table_that_is_gone_leaves_no_file(tmp_path, chain):
    (tmp_path / "holdings.csv").write_text("node,asset,value\na,ETH,1\n")
    (tmp_path / "notes.txt").write_text("mine")
    chain.write(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "dataset.toml",
        "exposures.csv",
        "nodes.csv",
        "notes.txt",
    ]
