"""The losses of a default at a clearing house, by layer and member."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..kernels.default_waterfall import ASSESSMENTS, CONTRIBUTION, MARGIN, OWN, Settled
from ..media import notebook, shown
from ..records import Table
from ..text import listing, percent, same_scale


@dataclass(frozen=True, eq=False, repr=False)
class DefaultRun:
    """The losses of one default, shared by :meth:`contagion.venues.ccp.DefaultManager.run`.

    Attributes
    ----------
    members : names of the members, n.
    defaulters : members in default at the start of the run.
    settled : the arrays behind the tables, (n,) each and scalars for own capital.
    house : name of the bearer of own capital.
    unit : of all amounts.
    """

    members: tuple[object, ...]
    defaulters: tuple[object, ...]
    settled: Settled
    house: str = "clearing house"
    unit: str = ""

    @property
    def loss(self) -> float:
        """The loss to be allocated: the losses of all members in default, an amount."""
        return float(self.settled.loss)

    @property
    def uncovered(self) -> float:
        """The loss that no layer bears, an amount."""
        return float(self.settled.uncovered)

    @property
    def failed(self) -> list[object]:
        """Survivors that default because they were assessed for more than they can pay."""
        return [self.members[k] for k in np.flatnonzero(self.settled.failed)]

    @property
    def table(self) -> Table:
        """One row per layer and bearer with a capacity above 0: layer, member, capacity, amount."""
        parts = []
        for layer, taken in self.settled.absorbed.items():
            room = np.atleast_1d(self.settled.capacity[layer])
            who = [self.house] if layer in OWN else self.members
            at = np.flatnonzero(room > 0)
            columns = {"member": [who[k] for k in at], "capacity": room[at]}
            amount = np.atleast_1d(taken)[at]
            parts.append(pd.DataFrame({"layer": layer, **columns, "amount": amount}))
        frame = pd.concat(parts, ignore_index=True)
        return Table(
            frame,
            {
                "layer": "layer of the waterfall, the first loses first",
                "member": "bearer of the loss",
                "capacity": f"largest loss of the member in the layer{self._in_unit}",
                "amount": f"loss of the member in the layer{self._in_unit}",
            },
        )

    @property
    def layers(self) -> Table:
        """One row per layer with a capacity above 0: capacity and absorbed."""
        found = self.settled
        rows = {
            layer: (float(found.capacity[layer].sum()), float(taken.sum()))
            for layer, taken in found.absorbed.items()
        }
        frame = pd.DataFrame(rows, index=pd.Index(["capacity", "absorbed"])).T
        frame.index.name = "layer"
        return Table(
            frame[frame["capacity"] > 0],
            {
                "capacity": f"largest amount that the layer can absorb{self._in_unit}",
                "absorbed": f"amount absorbed by the layer{self._in_unit}",
            },
        )

    @property
    def estates(self) -> Table:
        """One row per member in default: its used margin and contribution, and returned amounts.

        For a member that defaulted on its assessment, `assessed` is its payment, from its means or
        its margin; its contribution was used as that of a survivor.
        """
        found, named = self.settled, np.isin(np.arange(len(self.members)), self._named)
        at = np.flatnonzero(named | found.failed)
        columns = {
            "margin_used": found.absorbed[MARGIN][at],
            "contribution_used": found.absorbed[CONTRIBUTION][at],
            "assessed": found.absorbed[ASSESSMENTS][at],
            "returned": found.returned[at],
        }
        frame = pd.DataFrame(columns, index=pd.Index([self.members[k] for k in at], name="member"))
        return Table(
            frame,
            {
                "margin_used": f"margin used for its own loss{self._in_unit}",
                "contribution_used": f"contribution used for its own loss{self._in_unit}",
                "assessed": f"amount paid on its assessment{self._in_unit}",
                "returned": f"margin and contribution returned to it{self._in_unit}",
            },
        )

    @property
    def _named(self) -> list[int]:
        return [self.members.index(name) for name in self.defaulters]

    @property
    def _in_unit(self) -> str:
        return f", {self.unit}" if self.unit else ", money"

    @shown
    def __repr__(self) -> str:
        layers = self.layers.table
        say = same_scale([self.loss, *layers["capacity"]], self.unit)
        lines = [
            f"Default of {listing(self.defaulters)}: loss {say(self.loss)}, "
            f"uncovered {say(self.uncovered)}"
        ]
        for name, capacity, absorbed in layers.itertuples():
            part = percent(absorbed / capacity)
            lines.append(f"  {name}: {say(absorbed)} of {say(capacity)} ({part})")
        back = float(self.settled.returned.sum())
        lines += [f"  goes back to estates: {say(back)}"] * (back > 0)
        lines += [f"  failed on assessments: {listing(self.failed)}"] * bool(self.failed)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook(repr(self))
