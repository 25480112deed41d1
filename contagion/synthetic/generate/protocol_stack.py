"""A synthetic stack of protocols: deposits on deposits, down to the assets at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import NetworkError
from ...network.exposure_network import ExposureNetwork
from ...vocabulary import Rng
from .sheets import count, generated, names_of

KINDS = ("vault", "lending_protocol", "stablecoin", "staking", "bridge")
ASSETS = ("ETH", "BTC", "USD")


@generated
def defi_stack(
    users: int = 100,
    protocols: Sequence[int] = (12, 8, 4),
    *,
    wealth: float = 1.0,
    reinvest: float = 0.6,
    composability: int = 3,
    treasury: float = 0.02,
    circular: float = 0.0,
    assets: Sequence[str] = ASSETS,
    rng: Rng = None,
) -> ExposureNetwork:
    """Users deposit with the first layer of protocols, which deposit with the next one, and so on.

    A protocol with deposits D holds `reinvest · D` as deposits with `composability` protocols of
    the next layer. It holds the remainder in assets with a price (`holdings`), together with a
    treasury of `treasury · D`, which is its equity. Without loops the deposits sum to

        W (1 + r + r² + … + r^(K−1))        W users · wealth, r reinvest, K layers

    This sum is the "total value locked", while users have deposited only W.

    Parameters
    ----------
    users : number of users, wealth lognormal with mean `wealth` (an amount).
    protocols : number of protocols in each layer, from the users down; kinds in the order vault,
        lending_protocol, stablecoin, staking, bridge, the last one for all further layers.
    reinvest : share of its deposits that a protocol deposits in the next layer, 0 to below 1.
    composability : number of protocols over which a depositor spreads, at most those of the layer.
    treasury : equity over deposits, >= 0.
    circular : share of its deposits that a protocol of the last layer deposits with the first
        layer, in place of assets: a loop of reinvestment, 0 to 1.
    assets : names of the assets at the bottom; every holder has its own mix.
    rng : seed or generator.

    Returns
    -------
    ExposureNetwork of users (they owe nothing) and protocols, with holdings.

    Raises
    ------
    NetworkError : for shares outside their range, or a layer without protocols.

    Example
    -------
    Users deposit 100; half is deposited further, twice: deposits of 100 + 50 + 25.

    >>> net = defi_stack(50, (4, 3, 2), wealth=2.0, reinvest=0.5, rng=1)
    >>> deposits = net.balance_sheet["debts"].to_numpy()
    >>> round(deposits.sum() / net.balance_sheet["claims"].to_numpy()[:50].sum(), 9)
    np.float64(1.75)

    Source: own; the double counting of total value locked is that of the literature on
    composability.
    """
    draw, layers = np.random.default_rng(rng), [count(size, 1) for size in protocols]
    users, composability = count(users, 1), count(composability, 1)
    _check(layers, reinvest, treasury, circular, assets)
    sizes = [users, *layers]
    offset = np.concatenate([[0], np.cumsum(sizes)])
    n = int(offset[-1])
    deposits = np.zeros(n)
    deposits[:users] = wealth * draw.lognormal(-0.5, 1.0, users)
    rows: list[pd.DataFrame] = []
    for layer in range(len(layers)):
        above = np.arange(offset[layer], offset[layer + 1])
        below = np.arange(offset[layer + 1], offset[layer + 2])
        share = 1.0 if layer == 0 else reinvest
        rows.append(_spread(above, share * deposits[above], below, composability, draw))
        deposits[below] = np.bincount(rows[-1]["debtor"], rows[-1]["amount"], n)[below]
    if circular > 0:
        last, first = np.arange(offset[-2], n), np.arange(offset[1], offset[2])
        rows.append(_spread(last, circular * deposits[last], first, composability, draw))
    owed = pd.concat(rows, ignore_index=True)
    return _network(owed, sizes, treasury, list(assets), draw)


def _spread(
    above: np.ndarray, money: np.ndarray, below: np.ndarray, most: int, draw: np.random.Generator
) -> pd.DataFrame:
    """Each node above spreads its amount over up to `most` different nodes below, at random."""
    most = min(most, len(below))
    chosen = np.argsort(draw.random((len(above), len(below))), axis=1)[:, :most]
    parts = draw.dirichlet(np.ones(most), len(above))
    found = {
        "creditor": np.repeat(above, most),
        "debtor": below[chosen].ravel(),
        "amount": (parts * money[:, None]).ravel(),
    }
    table = pd.DataFrame(found)
    return table[table["amount"] > 0]


def _network(
    owed: pd.DataFrame,
    sizes: list[int],
    treasury: float,
    assets: list[str],
    draw: np.random.Generator,
) -> ExposureNetwork:
    """Balance sheets, names, kinds and holdings around the deposits."""
    kinds = [KINDS[min(k, len(KINDS) - 1)] for k in range(len(sizes) - 1)]
    names = np.concatenate(
        [names_of(sizes[0], "user_")]
        + [
            names_of(size, f"{kind}_{k + 1}_")
            for k, (size, kind) in enumerate(zip(sizes[1:], kinds, strict=True))
        ]
    )
    kind = np.repeat(["users", *kinds], sizes).astype(object)
    n = len(names)
    claims = np.bincount(owed["creditor"], owed["amount"], n)
    debts = np.bincount(owed["debtor"], owed["amount"], n)
    external = np.maximum(debts * (1.0 + treasury) - claims, 0.0)
    external[: sizes[0]] = 0.0
    mix = draw.dirichlet(np.ones(len(assets)), n) * external[:, None]
    node, asset = np.nonzero(mix > 0)
    holdings = {
        "node": names[node],
        "asset": np.array(assets, object)[asset],
        "value": mix[node, asset],
    }
    nodes = {"node": names, "kind": kind, "external_assets": external, "external_liabilities": 0.0}
    claims_table = owed.assign(creditor=names[owed["creditor"]], debtor=names[owed["debtor"]])
    return ExposureNetwork(
        pd.DataFrame(nodes),
        claims_table,
        holdings=pd.DataFrame(holdings),
        name=f"Synthetic stack of {n - sizes[0]:,} protocols",
    )


def _check(
    layers: list[int], reinvest: float, treasury: float, circular: float, assets: Sequence[str]
) -> None:
    if not layers:
        raise NetworkError("A stack needs one layer of protocols or more: protocols=(12, 8, 4).")
    if not 0 <= reinvest < 1:
        raise NetworkError(f"reinvest = {reinvest}; a part of the deposits, 0 to below 1.")
    if not treasury >= 0:
        raise NetworkError(f"treasury = {treasury}; equity over deposits, 0 or more.")
    if not 0 <= circular <= 1:
        raise NetworkError(f"circular = {circular}; a part of the deposits, 0 to 1.")
    if not assets or len(set(assets)) < len(assets):
        raise NetworkError("assets need one name or more, each once.")
