"""Networks with the same nodes in several periods."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ArgumentTypeError, NetworkError, UnknownNameError, expect
from ..media import notebook, shown
from ..models.base import NO_SHOCK, Model
from ..network import formats, intake
from ..network.balance_sheet import with_assumptions
from ..network.exposure_network import ExposureNetwork
from ..network.formats import Tables
from ..network.periods import Periods
from ..network.provenance import record
from ..network.tables import reading
from ..network.tables.snapshots import label
from ..network.transforms import rebuilt
from ..results.run_arrays import Baseline
from ..shocks import Shock
from ..text import choice, did_you_mean, listing, plural, same_scale
from .change import naming
from .panel_run import PanelRun


class Panel:
    """Networks with the same nodes in several periods; amounts are never added over periods.

    Iteration gives pairs (period, network) in order of time, `panel["2023-Q4"]` is one network,
    `len(panel)` the number of periods.

    Parameters
    ----------
    nodes, exposures, **options : tables with a column `period` and the keywords of
        :class:`~contagion.ExposureNetwork`. A row without a period, or a table without the
        column, applies to every period. Or, as `nodes` alone, a mapping {period: network}, whose
        order is kept.
    missing_nodes : treatment of nodes without a row in a period: "error" names them, "empty" gives
        them an empty balance sheet (no assets, no debts), which is listed as an assumption.

    Attributes
    ----------
    periods : the labels.
    names : (n,) the nodes, in the order of every network.
    unit : unit of all amounts.

    Raises
    ------
    NetworkError
        For nodes that differ between periods, for tables without periods, and for errors in the
        network of one period, with the name of the period.
    ArgumentError
        For networks in different units.

    Example
    -------
    >>> import pandas as pd
    >>> owed = pd.DataFrame({"creditor": "a", "debtor": "b", "amount": [2.0, 4.0],
    ...                      "period": ["2022-Q4", "2023-Q4"]})
    >>> nodes = pd.DataFrame({"node": ["a", "b"], "equity": [3.0, 1.0]})
    >>> panel = Panel(nodes, owed, unit="EUR m")
    >>> [(period, network.amount.sum()) for period, network in panel]
    [('2022-Q4', np.float64(2.0)), ('2023-Q4', np.float64(4.0))]
    """

    periods: tuple[str, ...]
    names: pd.Index
    unit: str
    _networks: dict[str, ExposureNetwork]

    def __init__(
        self,
        nodes: Any,
        exposures: Any = None,
        *,
        missing_nodes: Literal["error", "empty"] = "error",
        **options: Any,
    ):
        _every(missing_nodes, options)
        if exposures is None:
            found = _given(nodes, options)
        else:
            settings = intake.settings(
                {k: v for k, v in options.items() if k not in ("orientation", "columns")}
            )
            unit, origin = (str(options.get(key, "")) for key in ("unit", "origin"))
            how, orientation = reading(options, unit), options.get("orientation")
            tables = formats.tables(nodes, exposures, how, orientation, origin)
            found = _by_period(tables, {k: v for k, v in settings.items() if k != "origin"})
        self._fill(found, missing_nodes)

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        *,
        missing_nodes: Literal["error", "empty"] = "error",
        **options: Any,
    ) -> Self:
        """Every period of a file or folder; keywords as in :func:`contagion.read`.

        Raises
        ------
        NetworkError, MissingFileError
            As for :class:`Panel` and :func:`contagion.read`.

        Example
        -------
        >>> import contagion as ct
        >>> panel = Panel.read(ct.datasets.path("usdc_svb_2023"))
        >>> panel.periods, len(panel.names)
        (('2023-01', '2023-03-10'), 4)
        """
        _every(missing_nodes, options)
        tables = formats.read_tables(path, options)
        settings = intake.settings({k: v for k, v in tables.settings.items() if k != "period"})
        panel = cls.__new__(cls)
        panel._fill(_by_period(tables, settings), missing_nodes)
        return panel

    def _fill(self, networks: dict[str, ExposureNetwork], missing_nodes: str) -> None:
        put = self.__dict__
        units = {network.unit for network in networks.values()}
        if len(units) > 1:
            raise ArgumentError(
                f"The networks are in {listing(sorted(units))}: read all of them with one unit=, "
                "and amounts in it."
            )
        names = list(dict.fromkeys(name for net in networks.values() for name in net.names))
        put["names"] = pd.Index(names, name="node")
        if missing_nodes == "error":
            _same_nodes(networks, self.names)
        put["_networks"] = {
            period: _aligned(network, self.names, period) for period, network in networks.items()
        }
        put["periods"], put["unit"] = tuple(networks), units.pop()

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"a Panel is immutable; {key!r} cannot be set")

    def __len__(self) -> int:
        return len(self.periods)

    def __iter__(self) -> Iterator[tuple[str, ExposureNetwork]]:
        return iter(self._networks.items())

    def __contains__(self, period: object) -> bool:
        return label(period) in self._networks

    def __getitem__(self, period: Any) -> ExposureNetwork:
        wanted = label(period)
        if wanted not in self._networks:
            raise UnknownNameError(did_you_mean(wanted, self.periods, "period"))
        return self._networks[wanted]

    def propagate(
        self, model: Model, shock: Shock = NO_SHOCK, *, baseline: Baseline = "cleared"
    ) -> PanelRun:
        """Run the model with one shock on the network of every period.

        Parameters
        ----------
        model, shock, baseline : as for `model.propagate`. Relative shocks (`Shock.relative`,
            `Shock.default`) refer to the balance sheets of each period.

        Raises
        ------
        ContagionError
            As for `model.propagate`, with a note that names the period.

        Example
        -------
        a has equity of 3 and lends b 2, later 4. When b defaults, the owners of a lose 2, later 3.

        >>> import contagion as ct
        >>> net = ct.ExposureNetwork.from_matrix([[0, 2], [0, 0]], ["a", "b"],
        ...     orientation="creditor->debtor", equity=[3, 1])
        >>> panel = Panel({"2022": net, "2023": net.with_amounts([4], keep="equity")})
        >>> run = panel.propagate(ct.models.Furfine(), ct.Shock.default("b"))
        >>> run.table.query("node == 'a'")[["period", "loss"]].values.tolist()
        [['2022', 2.0], ['2023', 3.0]]
        """
        expect(model=model, shock=shock)
        results = {}
        for period, network in self:
            with naming(f"Period {period}."):
                results[period] = model.propagate(network, shock, baseline=baseline)
        return PanelRun(self.unit, results)

    @property
    def table(self) -> pd.DataFrame:
        """One row a period: exposures, debts in the graph (owed), equity (sum where known)."""
        rows = {
            period: {
                "exposures": len(net.amount),
                "owed": float(net.amount.sum()),
                "equity": float(np.nansum(net.book.equity)),
                "equity_unknown": int((~net.book.known).sum()),
            }
            for period, net in self
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("period")

    @shown
    def __repr__(self) -> str:
        table = self.table
        say = same_scale([*table["owed"], *table["equity"]], self.unit)
        lines = [f"Panel: {plural(len(self), 'period')}, {plural(len(self.names), 'node')}"]
        for period, net in self:
            missing = int((~net.book.known).sum())
            unknown = f", unknown for {plural(missing, 'node')}" if missing else ""
            equity = say(float(np.nansum(net.book.equity)))
            lines.append(
                f"  {period}: {plural(len(net.amount), 'exposure')}, "
                f"{say(float(net.amount.sum()))} owed, equity {equity}{unknown}"
            )
        said = dict.fromkeys(text for _, net in self for text in net.assumptions)
        lines += [f"  assumed: {text}" for text in said]
        return "\n".join(textwrap.fill(line, 79, subsequent_indent="    ") for line in lines)

    def _repr_html_(self) -> str:
        return notebook(repr(self), self.table)


def _every(missing_nodes: str, options: Mapping[str, Any]) -> None:
    choice(missing_nodes, ("error", "empty"), "missing_nodes")
    if "period" in options:
        raise ArgumentTypeError("A Panel takes every period; period= is of ct.ExposureNetwork.")


def _given(networks: Any, options: Mapping[str, Any]) -> dict[str, ExposureNetwork]:
    """A mapping {period: network}, checked."""
    if not isinstance(networks, Mapping) or not networks:
        raise ArgumentTypeError(
            "A Panel takes tables, Panel(nodes, exposures), or networks by period, "
            'Panel({"2022-Q4": network, "2023-Q4": network}).'
        )
    if options:
        raise ArgumentTypeError(
            f"{listing(options)}: the networks are made already; these keywords go with tables."
        )
    for network in networks.values():
        expect(network=network)
    found = {label(period): network for period, network in networks.items()}
    if len(found) < len(networks):
        raise ArgumentError(f"Two of the periods are written alike: {listing(networks, 9)}.")
    return found


def _by_period(tables: Tables, settings: dict[str, Any]) -> dict[str, ExposureNetwork]:
    """The network of every period of the tables."""
    beside = intake.beside(tables, {name: settings.get(name) for name in intake.TABLES})
    settings = {**settings, **beside}
    periods = Periods({"nodes": tables.nodes, "exposures": tables.exposures, **beside}, True).found
    if not periods:
        raise NetworkError(
            "The tables have no column 'period' and none whose cells are dates or quarters. Say "
            'columns={"…": "period"}, or Panel({"2022-Q4": network, …}) with networks.'
        )
    found = {}
    for period in periods:
        one = replace(tables, settings={}, findings=list(tables.findings))
        with naming(f"Period {period}."):
            found[period] = ExposureNetwork._from(one, {**settings, "period": period})
    return found


def _same_nodes(networks: Mapping[str, ExposureNetwork], names: pd.Index) -> None:
    said = [
        f"{period} has no {listing(lost, 6)}"
        for period, network in networks.items()
        if len(lost := names.difference(network.names, sort=False))
    ]
    if said:
        raise NetworkError(
            f"The nodes differ between periods: {'; '.join(said)}. Add their rows, or "
            'missing_nodes="empty" gives them an empty balance sheet there (no assets, no debts).'
        )


def _aligned(network: ExposureNetwork, names: pd.Index, period: str) -> ExposureNetwork:
    """The network with nodes in this order, with empty balance sheets for missing nodes."""
    if network.names.equals(names):
        return network
    lost = names.difference(network.names, sort=False)
    table = network._completed().set_index("node").reindex(names)
    table.loc[lost, ["external_assets", "external_liabilities"]] = 0.0
    table["can_fail"] = table["can_fail"].astype("boolean").fillna(True)
    done = record("changed", "nodes of all periods", {"period": period})
    new = rebuilt(network, done, network.exposures, table.reset_index())
    if len(lost):
        text = f"{listing(lost, 9)} without a row in {period}: no assets and no debts"
        new.__dict__["book"] = with_assumptions(new.book, (text,)).frozen()
    return new
