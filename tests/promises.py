"""Networks with contingent claims written in a line or two, for tests by hand."""

from __future__ import annotations

import pandas as pd

import contagion as ct


def build(assets, owed, guarantees=None, **options):
    """Nodes with external assets, claims "debtor creditor amount", guarantees as dicts."""
    nodes = pd.DataFrame({"node": list(assets), "external_assets": list(assets.values())})
    rows = [row.split() for row in owed]
    columns = ["debtor", "creditor", "amount", "layer"][: max(map(len, rows))]
    table = pd.DataFrame(rows, columns=columns)
    table["amount"] = table["amount"].astype(float)
    return ct.ExposureNetwork(nodes, table, guarantees=guarantees, **options)


def promise(guarantor, debtor, amount, creditor=None, **more):
    return {"guarantor": guarantor, "debtor": debtor, "amount": amount, "creditor": creditor} | more


def run(net, shock=None, **options):
    options = {"baseline": "book", **options}  # many a promise is called before any shock
    result = ct.EisenbergNoe().propagate(net, shock or ct.Shock(), **options)
    assert result.audit()["ok"].all(), result.audit()
    return result


def calls(result):
    return result.calls[["called", "paid"]].round(9).to_numpy().tolist()


def losses(result):
    return result.table["loss"].round(9).to_dict()
