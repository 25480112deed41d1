"""Look-through of every node to base assets."""

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
    """What every node holds, wrappers unrolled down to base assets; money in the unit of `network`.

    Attributes
    ----------
    network : the network that was looked through.
    mode : "solve" or "cut", what was done about loops.
    assets : the A base assets; the last is external assets that no holding explains.
    direct : `H` (n, A), base assets held outright.
    exposure : `(I − W)^-1 H` (n, A), base assets held outright and behind claims. It is gross: a
        unit counts at its holder and at every node in the chain above, see :attr:`ends`.
    shares : :class:`~contagion.lookthrough.backing.Backing`, who has which part of every node.
    cut : bool (m,), the exposures that were left out; all false for "solve".
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
        """Rows node, asset, direct, look_through (money), where there is any."""
        return self._tidy({"direct": self.direct, "look_through": self.exposure})

    @cached_property
    def ends(self) -> pd.DataFrame:
        """Rows node, asset, owners, external_creditors: where the base assets end up, in money.

        Nothing is counted twice: for every asset, owners + external creditors of all nodes sum to
        what all nodes hold outright.
        """
        parts = {"owners": self.shares.owners, "external_creditors": self.shares.external}
        return self._tidy({name: part[:, None] * self.exposure for name, part in parts.items()})

    @cached_property
    def totals(self) -> pd.DataFrame:
        """One row a base asset: base, owners, external_creditors, gap (money); the gap is rounding.

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
        """Sets of nodes that back each other, most claims inside first; also those that were cut.

        Columns: members (a tuple, in the order of their names), size, claims (money inside the
        loop), gain (spectral radius of `W` among the members) and multiplier = 1 / (1 − gain): how
        often a unit of outside backing counts on the books of the loop in the long run; exact
        where the members' books stand in the proportions of the loop. Gain 1: nothing from
        outside backs it.
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
        """The exposures that were left out to open the loops: creditor, debtor, amount, ..."""
        return self.network.exposures[self.cut].reset_index(drop=True)

    @property
    def unknown(self) -> tuple[Any, ...]:
        """Nodes with an unknown side of the balance sheet, taken as zero."""
        return tuple(self.network.names[~self.network.book.known])

    def of(self, node: Any) -> pd.Series:
        """Base assets (money) behind one node. Raises `UnknownNameError` with the closest name."""
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
    """Unroll all wrappers: which base assets stand behind every node, in money.

        exposure = H + W exposure = (I − W)^-1 H
        W[i, j] = claims of i on j / max(assets_j, liabilities_j)

    `H` (n, A) is what the nodes hold of base assets: the assets of `net.holdings`, and `other`
    for external assets that no holding explains. Every claim is backed pro rata by the assets
    of its debtor; assets beyond the liabilities back the owners. So for every base asset the
    parts that end with owners and with external creditors sum to what is held
    (:attr:`LookThrough.totals`): money is neither made nor lost, whatever the loops.

    The result is the content of a claim, not its loss: seniority, rules and guarantees are not
    used, book values count. For losses see :func:`who_holds_the_bag` or a model.

    Parameters
    ----------
    network : the network. Unknown sides of balance sheets count as zero (`unknown` lists them).
    loops : "solve" sums each loop to the end: with gain g it counts a unit 1 / (1 − g) times.
        "cut" leaves out the claims that close loops, from both balance sheets: in each loop those
        of the member with the largest part of base assets on the other members, until none is
        left; `cut_claims` lists them.
    other : name of the base asset for the rest.

    Returns
    -------
    LookThrough
        `table` (node, asset, direct, look_through), `ends`, `totals`, `loops`, `cut_claims`.
        Arrays take n × A numbers.

    Raises
    ------
    ArgumentError
        For another word for loops, or when a holding is called like `other`.

    Source: Elliott, Golub and Jackson (2014), Financial Networks and Contagion, American Economic
    Review 104(10), values of cross-holdings `V = (I − C)^-1 D p` and what outsiders get
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
    """(m,) bool: the exposures that "cut" leaves out; `direct` is `H` (n, A)."""
    base = direct.sum(axis=1)
    total = base + network.book.claims
    part = np.divide(base, total, out=np.zeros(len(network)), where=total > 0)
    rank = np.empty(len(network), np.int64)
    rank[np.lexsort((alphabet(network), -part))] = np.arange(len(network))
    return cycles.back_claims(
        len(network), network.creditor, network.debtor, network.amount > 0, rank
    )


def alphabet(network: ExposureNetwork) -> np.ndarray:
    """(n,) place of every node in the order of the names, so that ties ignore the order of rows."""
    place = np.empty(len(network), np.int64)
    place[np.argsort(network.names.astype(str).to_numpy(object), kind="stable")] = np.arange(
        len(network)
    )
    return place


def _live(network: ExposureNetwork) -> tuple[np.ndarray, np.ndarray]:
    live = network.amount > 0
    return network.creditor[live], network.debtor[live]
