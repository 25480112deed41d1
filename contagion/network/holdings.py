"""Holdings: the part of external assets whose value changes with the price of an asset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import NetworkError, UnknownNameError
from ..text import did_you_mean, known_name, listing


def checked(
    table: pd.DataFrame | None, names: pd.Index, external_assets: np.ndarray
) -> pd.DataFrame | None:
    """The table node, asset, value; values are a part of external assets.

    Raises
    ------
    NetworkError
        For unknown nodes, and nodes that hold more than their external assets.
    """
    if table is None:
        return None
    unknown = table["node"][~table["node"].isin(names)]
    if len(unknown):
        raise NetworkError(did_you_mean(unknown.iloc[0], list(names), "node in holdings"))
    value = table["value"].to_numpy(np.float64)
    held = np.bincount(names.get_indexer(pd.Index(table["node"])), value, len(names))
    over = held > external_assets * (1 + 1e-9)
    if over.any():
        raise NetworkError(
            f"{listing(names[over])} {'holds' if over.sum() == 1 else 'hold'} more than external "
            "assets; holdings are a part of them."
        )
    return table


def matrix(table: pd.DataFrame | None, names: pd.Index) -> tuple[pd.Index, csr_array]:
    """Assets (A,) of the holdings, sorted by name, and the value of the holdings (n, A).

    Without a table there are no assets. A row with value 0 adds an asset but no entry to the
    matrix, because the entries define the sellers of an asset and the nodes that lose by its price.
    """
    if table is None:
        return pd.Index([], dtype=object, name="asset"), csr_array((len(names), 0))
    assets = pd.Index(sorted(table["asset"].unique(), key=str), name="asset")
    table = table[table["value"] > 0]
    at = names.get_indexer(pd.Index(table["node"])), assets.get_indexer(pd.Index(table["asset"]))
    money = table["value"].to_numpy(float)
    return assets, csr_array((money, at), shape=(len(names), len(assets)))


def place(assets: pd.Index, asset: Any) -> int:
    """Position of an asset in `assets`; `UnknownNameError` if no node holds it."""
    if not len(assets):
        raise UnknownNameError(
            f"No node holds {str(asset)!r}: the network has no table of holdings "
            "(holdings= with columns node, asset, value)."
        )
    if asset not in assets:
        known_name(asset, list(assets), "asset")
    return int(assets.get_indexer_for(pd.Index([asset], dtype=object))[0])
