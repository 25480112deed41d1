"""Look-through of every node to its base assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..errors import expect
from ..kernels.linear import Solver
from ..media import shown
from ..network.exposure_network import ExposureNetwork
from ..text import choice, money, plural
from . import loops as cycles
from .backing import Backing, backing, base_assets

Loops = Literal["solve", "cut"]


@dataclass(frozen=True, eq=False, repr=False)
class LookThrough:
    """The base assets of every node, directly and through wrappers, in the unit of `network`.

    Attributes
    ----------
    network : the network of the claims.
    mode : "solve" or "cut", the treatment of loops.
    assets : the A base assets; the last is external assets that are not listed in the holdings.
    direct : `H` (n, A), base assets held directly.
    exposure : `(I − W)^-1 H` (n, A), base assets held directly and through claims. It is gross: a
        unit counts at its holder and at every node in the chain above, see :attr:`ends`.
    shares : :class:`~contagion.lookthrough.backing.Backing`, shares of every node by claimant.
    cut : bool (m,), the exposures that were removed; all false for "solve".
    """

    network: ExposureNetwork
    mode: Loops
    assets: tuple[Any, ...]
    direct: np.ndarray
    exposure: np.ndarray
    shares: Backing
    cut: np.ndarray

    @cached_property
    def table(self) -> pd.DataFrame:
        """Columns node, asset, direct, look_through; one row for each amount that is not 0."""
        return self._tidy({"direct": self.direct, "look_through": self.exposure})

    @cached_property
    def ends(self) -> pd.DataFrame:
        """Columns node, asset, owners, external_creditors: the ultimate claimants on base assets.

        No amount is counted twice: for every asset, owners + external creditors of all nodes sum
        to the direct holdings of all nodes.
        """
        parts = {"owners": self.shares.owners, "external_creditors": self.shares.external}
        return self._tidy({name: part[:, None] * self.exposure for name, part in parts.items()})

    @cached_property
    def totals(self) -> pd.DataFrame:
        """One row a base asset: base, owners, external_creditors, gap (the rounding error).

        base = owners + external_creditors + gap, because the shares of every node sum to 1:
        `(owners + external)ᵀ (I − W)^-1 H = 1ᵀ H`.
        """
        base = self.direct.sum(axis=0)
        owners, outside = self.shares.owners @ self.exposure, self.shares.external @ self.exposure
        return pd.DataFrame(
            {
                "base": base,
                "owners": owners,
                "external_creditors": outside,
                "gap": base - owners - outside,
            },
            index=pd.Index(self.assets, name="asset"),
        )

    @cached_property
    def loops(self) -> pd.DataFrame:
        """Closed cycles of nodes that back each other, largest claims first, including cut loops.

        Columns: members (a tuple, in the order of their names), size, claims (amount inside the
        loop), gain (spectral radius of `W` among the members) and multiplier = 1 / (1 − gain): the
        number of times that a unit of outside backing counts in the balance sheets of the loop.
        The multiplier is exact if the balance sheets are proportional to the eigenvector of the
        loop. Gain 1: the loop has no outside backing.
        """
        net = self.network
        whole = backing(net) if self.cut.any() else self.shares
        label = cycles.components(len(net), *_live(net))
        found = cycles.gains(whole.shares, label)
        inside = label[net.creditor] == label[net.debtor]
        claims = np.bincount(label[net.creditor[inside]], net.amount[inside], label.max() + 1)
        order = np.argsort(label, kind="stable")
        start = np.searchsorted(label[order], np.arange(label.max() + 2))
        rows = []
        for number, gain in found.items():
            gain = 1.0 if gain > 1 - 1e-12 else gain
            names = net.names[order[start[number] : start[number + 1]]]
            rows.append(
                {
                    "members": tuple(sorted(names, key=str)),
                    "size": len(names),
                    "claims": claims[number],
                    "gain": gain,
                    "multiplier": 1 / (1 - gain) if gain < 1 else np.inf,
                }
            )
        rows.sort(key=lambda row: (-row["claims"], str(row["members"])))
        columns = ["members", "size", "claims", "gain", "multiplier"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def cut_claims(self) -> pd.DataFrame:
        """The exposures that were removed to open the loops: creditor, debtor, amount, ..."""
        return self.network.exposures[self.cut].reset_index(drop=True)

    @property
    def unknown(self) -> tuple[Any, ...]:
        """Nodes with an unknown side of the balance sheet, taken as zero."""
        return tuple(self.network.names[~self.network.book.known])

    def of(self, node: Any) -> pd.Series:
        """Base assets that back one node. Raises `UnknownNameError` with the closest name."""
        row = self.exposure[self.network.position(node)]
        return pd.Series(row, index=pd.Index(self.assets, name="asset"), name=node)

    def _tidy(self, values: Mapping[str, np.ndarray]) -> pd.DataFrame:
        node, asset = np.nonzero(np.add.reduce(list(values.values())))
        frame = {
            "node": self.network.names.take(node),
            "asset": pd.Index(self.assets).take(asset),
        }
        return pd.DataFrame(frame | {name: array[node, asset] for name, array in values.items()})

    @shown
    def __repr__(self) -> str:
        net, base = self.network, float(self.direct.sum())
        gross = float(self.exposure.sum())
        often = f", {gross / base:.3g} times on some book" if base > 0 else ""
        lines = [
            f"LookThrough of {net.name or 'network'}: {plural(len(net), 'node')}, "
            f"{plural(len(self.assets), 'base asset')}",
            f"  base assets {money(base, net.unit)}{often}",
        ]
        if len(self.loops):
            lines.append(
                f"  {plural(len(self.loops), 'loop')}, largest gain {self.loops['gain'].max():.3g}"
            )
        if self.cut.any():
            lines.append(
                f"  cut: {plural(int(self.cut.sum()), 'claim')}, "
                f"{money(float(net.amount[self.cut].sum()), net.unit)}"
            )
        if self.unknown:
            lines.append(f"  unknown sides taken as 0: {plural(len(self.unknown), 'node')}")
        return "\n".join(lines)


def look_through(
    network: ExposureNetwork, *, loops: Loops = "solve", other: str = "other"
) -> LookThrough:
    """The base assets that back every node, through all wrappers, in the unit of the network.

        exposure = H + W exposure = (I − W)^-1 H
        W[i, j] = claims of i on j / max(assets_j, liabilities_j)

    `H` (n, A) are the direct holdings of base assets: the assets of `net.holdings`, and `other`
    for external assets that are not listed there. Every claim is backed pro rata by the assets
    of its debtor; assets above the liabilities back the owners. So for every base asset the
    amounts that belong to owners and to external creditors sum to the direct holdings
    (:attr:`LookThrough.totals`), also in networks with loops.

    The result is the backing of a claim, not its loss: it uses book values and ignores seniority,
    rules and guarantees. For losses see :func:`who_holds_the_bag` or a model.

    Parameters
    ----------
    network : the network. Unknown sides of balance sheets count as zero (`unknown` lists them).
    loops : "solve" computes the infinite sum over each loop: with gain g a unit counts
        1 / (1 − g) times. "cut" removes the claims that close loops from both balance sheets: in
        each loop the claims on other members of the member with the largest share of base assets,
        until no loop remains; `cut_claims` lists them.
    other : name of the base asset for external assets not listed in the holdings.

    Returns
    -------
    LookThrough
        `table` (node, asset, direct, look_through), `ends`, `totals`, `loops`, `cut_claims`.
        Arrays have n × A entries.

    Raises
    ------
    ArgumentError
        For another value of `loops`, or if the holdings have an asset named as in `other`.

    Source: Elliott, Golub and Jackson (2014), Financial Networks and Contagion, American Economic
    Review 104(10), values of cross-holdings `V = (I − C)^-1 D p` and the part of outsiders
    `Ĉ (I − C)^-1 D p`; before them Brioschi, Buzzacchi and Colombo (1989), Journal of Banking and
    Finance 13, on business groups. Equity as the residual claim, and cutting, are our own.

    Example
    -------
    A vault holds 100 of ETH and issues 100; a second vault holds 60 of the first and issues 60.

    >>> import pandas as pd
    >>> nodes = pd.DataFrame({"node": ["vault", "wrapper", "user"],
    ...                       "external_assets": [100.0, 0.0, 0.0]})
    >>> owed = pd.DataFrame({"creditor": ["wrapper", "user", "user"],
    ...                      "debtor": ["vault", "vault", "wrapper"], "amount": [60.0, 40.0, 60.0]})
    >>> eth = pd.DataFrame({"node": ["vault"], "asset": ["ETH"], "value": [100.0]})
    >>> found = look_through(ExposureNetwork(nodes, owed, holdings=eth))
    >>> found.table
          node asset  direct  look_through
    0    vault   ETH   100.0         100.0
    1  wrapper   ETH     0.0          60.0
    2     user   ETH     0.0         100.0
    >>> found.ends
       node asset  owners  external_creditors
    0  user   ETH   100.0                 0.0
    """
    expect(network=network)
    choice(loops, ("solve", "cut"), "loops")
    assets, direct = base_assets(network, other)
    cut = np.zeros(len(network.amount), bool)
    if loops == "cut":
        cut = back_claims(network, direct)
    shares = backing(network, ~cut if cut.any() else None)
    exposure = Solver(shares.flow).answer(direct)
    for array in (direct, exposure, cut):
        array.flags.writeable = False
    return LookThrough(network, loops, assets, direct, exposure, shares, cut)


def back_claims(network: ExposureNetwork, direct: np.ndarray) -> np.ndarray:
    """(m,) bool: the exposures that "cut" removes; `direct` is `H` (n, A)."""
    base = direct.sum(axis=1)
    total = base + network.book.claims
    part = np.divide(base, total, out=np.zeros(len(network)), where=total > 0)
    rank = np.empty(len(network), np.int64)
    rank[np.lexsort((alphabet(network), -part))] = np.arange(len(network))
    return cycles.back_claims(
        len(network), network.creditor, network.debtor, network.amount > 0, rank
    )


def alphabet(network: ExposureNetwork) -> np.ndarray:
    """(n,) rank of every node by name, so that ties do not depend on the order of the rows."""
    place = np.empty(len(network), np.int64)
    place[np.argsort(network.names.astype(str).to_numpy(object), kind="stable")] = np.arange(
        len(network)
    )
    return place


def _live(network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray]:
    live = network.amount > 0
    return network.creditor[live], network.debtor[live]
