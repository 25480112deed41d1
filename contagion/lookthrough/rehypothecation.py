"""Rehypothecation: the number of times that base assets are reused, and the depth of chains."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ..kernels.linear import Solver
from ..network.exposure_network import ExposureNetwork
from ..text import choice
from . import loops
from .look_through import LookThrough, alphabet, look_through

By = Literal["asset", "token", "component"]


def rehypothecation(
    network: ExposureNetwork, by: By = "asset", *, other: str = "other"
) -> pd.DataFrame:
    """Number of balance sheets in which base assets count, and average length of the chains.

    With the shares `W` and the base assets `H` of :func:`look_through`:

        gross = 1ᵀ (I − W)^-1 H       reuse = gross / base, 1 in a network without wrappers
        depth = Σ_k k 1ᵀ W^k H / Σ_k 1ᵀ W^k H, computed as (I − W)^-1 W (I − W)^-1 H

    `longest_chain` is a number of claims; a loop, which has no longest chain, counts as one node.

    Parameters
    ----------
    by : the meaning of a row.

        - "asset": a base asset. base (amount), gross, reuse, depth, longest_chain above it.
        - "token": a node with claims on it. claims (face value), gross: the claims and all claims
          that wrap them, `Σ_i claims_i [(I − Wᵀ)^-1 1]_i`; reuse = gross / claims; depth: average
          number of wrappers between the node and base assets (nan without base assets);
          longest_chain below it; in_loop.
        - "component": nodes that are connected by claims in any direction. first (name), nodes,
          base, claims (gross, face value), claims_per_base, gross, reuse, depth, longest_chain.
    other : name of the base asset for external assets not listed in the holdings.

    Returns
    -------
    DataFrame
        Largest gross first; ratios without a denominator are nan.

    Raises
    ------
    ArgumentError
        For another value of `by`, or if the holdings have an asset named as in `other`.

    Source: sums of the Leontief series of :func:`look_through`. The ratio of all uses to the
    source is the velocity of collateral of Singh (2011), Velocity of Pledged Collateral, IMF
    Working Paper 11/256 (all collateral = source collateral × velocity); the depth is our own.

    Example
    -------
    A vault has assets of 100, and 60 of its token are wrapped again. The 100 count as 100 + 60 +
    100 in the balance sheets of vault, wrapper and user.

    >>> nodes = pd.DataFrame({"node": ["vault", "wrapper", "user"],
    ...                       "external_assets": [100.0, 0.0, 0.0]})
    >>> owed = pd.DataFrame({"creditor": ["wrapper", "user", "user"],
    ...                      "debtor": ["vault", "vault", "wrapper"], "amount": [60.0, 40.0, 60.0]})
    >>> net = ExposureNetwork(nodes, owed)
    >>> row = rehypothecation(net).loc["other"]
    >>> row["reuse"], row["longest_chain"], round(row["depth"], 3)     # (60 + 40 + 2 × 60) / 260
    (np.float64(2.6), np.float64(2.0), np.float64(0.846))
    """
    choice(by, ("asset", "token", "component"), "by")
    found = look_through(network, other=other)
    flow = found.shares.flow
    solver = Solver(flow)
    # base assets of each node, weighted by the number of claims in between
    steps = solver.answer(flow @ found.exposure)
    creditor, debtor = network.creditor[network.amount > 0], network.debtor[network.amount > 0]
    label = loops.components(len(network), creditor, debtor)
    below, above = loops.chains(len(network), label, creditor, debtor)
    if by == "asset":
        return _assets(found, steps, above)
    if by == "token":
        return _tokens(found, solver, steps, label, below)
    return _components(found, steps, below)


def _assets(found: LookThrough, steps: np.ndarray, above: np.ndarray) -> pd.DataFrame:
    chain = np.where(found.direct > 0, above[:, None], 0).max(axis=0, initial=0)
    frame = pd.DataFrame(
        _ratios(found.direct.sum(axis=0), found.exposure.sum(axis=0), steps.sum(axis=0))
        | {"longest_chain": chain},
        index=pd.Index(found.assets, name="asset"),
    )
    return frame.iloc[np.argsort(-frame["gross"].to_numpy(), kind="stable")]


def _tokens(
    found: LookThrough, solver: Solver, steps: np.ndarray, label: np.ndarray, below: np.ndarray
) -> pd.DataFrame:
    net = found.network
    books = solver.answer(np.ones(len(net)), transposed=True)
    claims = net.book.debts
    gross = np.bincount(net.debtor, net.amount * books[net.creditor], len(net))
    frame = pd.DataFrame(
        {
            "claims": claims,
            "gross": gross,
            "reuse": _over(gross, claims),
            "depth": _over(steps.sum(axis=1), found.exposure.sum(axis=1)),
            "longest_chain": below,
            "in_loop": np.bincount(label)[label] > 1 if len(net) else np.zeros(0, bool),
        },
        index=net.names,
    )
    order = np.lexsort((alphabet(net), -gross))
    return frame.iloc[order[claims[order] > 0]]


def _components(found: LookThrough, steps: np.ndarray, below: np.ndarray) -> pd.DataFrame:
    net = found.network
    n = len(net)
    graph = csr_array((np.ones(len(net.amount)), (net.creditor, net.debtor)), shape=(n, n))
    many, label = connected_components(graph, directed=True, connection="weak")

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(label, values, many)

    order = np.argsort(alphabet(net))
    _, where = np.unique(label[order], return_index=True)
    base, claims = sums(found.direct.sum(axis=1)), sums(net.book.debts)
    chain = np.zeros(many, np.int64)
    np.maximum.at(chain, label, below)
    frame = pd.DataFrame(
        {
            "first": net.names.take(order[where]),
            "nodes": np.bincount(label, minlength=many),
            "claims": claims,
            "claims_per_base": _over(claims, base),
        }
        | _ratios(base, sums(found.exposure.sum(axis=1)), sums(steps.sum(axis=1)))
        | {"longest_chain": chain}
    )
    frame = frame[
        [
            "first",
            "nodes",
            "base",
            "claims",
            "claims_per_base",
            "gross",
            "reuse",
            "depth",
            "longest_chain",
        ]
    ]
    names = frame["first"].astype(str).to_numpy(object)
    return frame.iloc[np.lexsort((names, -frame["gross"].to_numpy()))].reset_index(drop=True)


def _ratios(base: np.ndarray, gross: np.ndarray, steps: np.ndarray) -> dict[str, Any]:
    return {
        "base": base,
        "gross": gross,
        "reuse": _over(gross, base),
        "depth": _over(steps, gross),
    }


def _over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0))
