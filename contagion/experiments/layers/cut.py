"""The claims of some layers as a separate network, with the full capital of each node."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ...errors import ArgumentError, NetworkError, RuleError, expect
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import record
from ...network.transforms import rebuilt
from ...rules import Waterfall
from ...text import known_name, listing, plural

NO_LAYER = "no layer"
NONE_OF = ("liquid_assets", "sellable_assets", "secured_funding")


def layer_names(network: ExposureNetwork) -> tuple[str, ...]:
    """The layers of the claims, in the order of their first occurrence in the exposures.

    Claims with an empty `layer` form the last layer, "no layer"; without a column `layer` it is the
    only one. A network without claims has no layers.

    Example
    -------
    >>> owed = {"creditor": ["b", "c"], "debtor": ["a", "a"], "amount": [3, 4],
    ...         "layer": ["loans", None]}
    >>> net = ExposureNetwork({"node": ["a", "b", "c"], "equity": [1, 1, 1]}, owed)
    >>> layer_names(net)
    ('loans', 'no layer')
    """
    found = list(pd.unique(_of_claims(network)))
    return tuple(sorted(found, key=lambda name: name == NO_LAYER))


def one_layer(
    network: ExposureNetwork, layers: str | Iterable[str], *, holder: str | None = None
) -> ExposureNetwork:
    """The network with the claims of one layer (or of several); the others become external.

    Let `M_ij` be the claims of i on j in the other layers, which are moved. The external assets of
    node i rise by `Σ_j M_ij`, which no longer depends on other nodes. Its moved debts `Σ_j M_ji`
    are owed outside in full. So total assets, total debts and equity of every node are unchanged:
    each layer is run with the full capital, not with a part of it.

    Parameters
    ----------
    layers : names of :func:`layer_names`; an empty list moves every claim.
    holder : None: moved debts become external liabilities with the rank of those (external
        creditors are senior by default). A name: a new node with that name, the last, holds the
        moved claims with their tier, rank and waterfall layer, so that the order of creditors is
        unchanged at every node. It cannot fail, and its external liabilities equal its claims, so
        that its equity is 0.

    Raises
    ------
    ArgumentError : for a layer that the network does not have, or a holder that is already a node.
    RuleError : without holder, if a node with a waterfall owes moved claims: its layers would
        lose their claims.
    NetworkError : if a guarantee covers moved claims of a creditor.

    Example
    -------
    b has claims of 3 (loans) and 4 (derivatives) on a and capital of 1: it owes 6 outside.

    >>> owed = {"creditor": ["b", "b"], "debtor": ["a", "a"], "amount": [3, 4],
    ...         "layer": ["loans", "derivatives"]}
    >>> net = ExposureNetwork({"node": ["a", "b"], "equity": [1, 1]}, owed)
    >>> alone = one_layer(net, "loans")
    >>> alone.balance_sheet.loc["b"].tolist()   # external assets, claims, owed outside, debts
    [4.0, 3.0, 6.0, 0.0, 1.0]
    >>> one_layer(net, "loans", holder="others").exposures["creditor"].tolist()
    ['b', 'others']
    """
    expect(network=network)
    wanted = [layers] if isinstance(layers, str) else list(layers)
    of, names = _of_claims(network), layer_names(network)
    for name in wanted:
        known_name(name, names, "layer")
    if holder is not None and holder in network.names:
        raise ArgumentError(f"The holder {holder!r} is a node already; choose another name.")
    moved = ~np.isin(of, np.asarray(wanted, object))
    if not moved.any():
        return network
    _refuse_covers(network, moved)
    amount, n = np.where(moved, network.amount, 0.0), len(network)
    claims, debts = np.bincount(network.creditor, amount, n), np.bincount(network.debtor, amount, n)
    table, nodes = network.exposures, network._completed()
    done = record("layer cut", "one_layer", {"layers": wanted, "holder": holder})
    nodes = nodes.assign(external_assets=network.book.external_assets + claims)
    if holder is None:
        _refuse_waterfalls(network, debts)
        nodes = nodes.assign(external_liabilities=network.book.external_liabilities + debts)
        return rebuilt(network, done, table[~moved].reset_index(drop=True), nodes)
    table["creditor"] = table["creditor"].astype(object).mask(moved, holder)
    nodes = _with_holder(network, nodes, holder, float(debts.sum()))
    return rebuilt(network, done, table, nodes)


def _of_claims(network: ExposureNetwork) -> np.ndarray:
    """(m,) the layer of every claim, as text."""
    expect(network=network)
    if "layer" not in network._columns:
        return np.full(len(network.amount), NO_LAYER, object)
    cells = network._columns["layer"].astype(object)
    blank = cells.isna() | (cells == "")
    return cells.where(~blank, NO_LAYER).map(str).to_numpy(object)


def _with_holder(
    network: ExposureNetwork, nodes: pd.DataFrame, holder: str, owes: float
) -> pd.DataFrame:
    """The node table with the holder of moved claims as its last row."""
    longer = nodes.reindex(range(len(nodes) + 1))
    new = {"node": holder, "external_assets": 0.0, "external_liabilities": owes, "can_fail": False}
    new |= {column: 0.0 for column in NONE_OF if column in nodes}
    cells = {
        column: pd.Series([*nodes[column], value], dtype=object).infer_objects()
        for column, value in new.items()
    }
    return longer.assign(**cells)


def _refuse_waterfalls(network: ExposureNetwork, debts: np.ndarray) -> None:
    """Raise if moved claims are debts of a waterfall, which finds its claims by their layer."""
    broken = [
        name
        for name, rule in network._rules.items()
        if isinstance(rule, Waterfall) and debts[network.position(name)] > 0
    ]
    if broken:
        raise RuleError(
            f"{plural(len(broken), 'node')} with a waterfall ({listing(broken)}) would lose the "
            "claims that fill its layers: there the column layer means the order of losses. Fix: "
            'one_layer(..., holder="others") keeps them as claims of a node outside, or '
            'net.with_rules({node: "pro_rata"}).'
        )


def _refuse_covers(network: ExposureNetwork, moved: np.ndarray) -> None:
    """Raise if a guarantee covers moved claims: it does not specify a layer."""
    table = network._guarantees
    if table is None:
        return
    covers = table[table["creditor"].notna()]
    n = len(network)
    pair = network.names.get_indexer_for(pd.Index(covers["debtor"])) * np.int64(n)
    pair += network.names.get_indexer_for(pd.Index(covers["creditor"]))
    hit = np.isin(pair, (network.debtor * np.int64(n) + network.creditor)[moved])
    if hit.any():
        first = covers[hit].iloc[0]
        raise NetworkError(
            f"{plural(int(hit.sum()), 'guarantee')} covers claims of other layers, e.g. those of "
            f"{str(first['creditor'])!r} on {str(first['debtor'])!r}, and names no layer. "
            "Fix: net.with_guarantees(None), or a layer= filter when reading."
        )
