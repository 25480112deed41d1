"""One shock on every network of an ensemble: how much the result depends on what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import NetworkError, expect, several
from ..media import notebook, shown
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..parallel import each
from ..results.propagation_result import PropagationResult
from ..results.run_arrays import Baseline
from ..shocks import Shock
from ..text import plural, same_scale

WANTED = "ExposureNetwork", "networks"
MONEY = ("initial_loss", "deadweight", "socialized", "owners_loss", "external_loss")


@dataclass(frozen=True, eq=False, repr=False)
class OverNetworks:
    """The outcomes of one shock over networks with the same nodes.

    Attributes
    ----------
    model, shock, unit : what was run, and the unit of money.
    table : one row a network: initial_loss, deadweight, socialized, owners_loss, external_loss
        (money, of models that settle claims; owners_loss of all models), defaults (nodes in
        default).
    nodes : one row a node: default_probability (share of the networks in which it is in default
        after the shock) and mean_loss (of owners, money).
    """

    model: Model
    shock: Shock
    unit: str
    table: pd.DataFrame
    nodes: pd.DataFrame

    @shown
    def __repr__(self) -> str:
        lost = self.table["owners_loss"]
        say = same_scale(lost, self.unit)
        return (
            f"{self.shock!r} through {self.model!r} on {plural(len(self.table), 'network')}: "
            f"owners lose {say(lost.min())} to {say(lost.max())}, {say(lost.median())} in half"
        )

    def _repr_html_(self) -> str:
        return notebook(repr(self), self.table.describe(), self.unit, MONEY)


def over_networks(
    networks: Iterable[ExposureNetwork],
    model: Model,
    shock: Shock,
    *,
    baseline: Baseline = "cleared",
    n_jobs: int = 1,
    progress: bool = False,
) -> OverNetworks:
    """Run one shock on every network of an ensemble.

    Parameters
    ----------
    networks : with the same nodes in the same order, such as an ensemble of
        :mod:`contagion.synthetic.reconstruct`.
    model, shock, baseline : as in `model.propagate`.
    n_jobs, progress : processes and a bar; no number depends on them.

    Raises
    ------
    NetworkError : for no network, or for one with other nodes.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> nets = ct.measures.ranking.perturbed(net, samples=5, rng=1)
    >>> len(over_networks(nets, ct.EisenbergNoe(), ct.Shock.default("A", 0.5)).table)
    5
    """
    expect(model=model, shock=shock)
    rows, names = list[dict[str, float]](), None
    unit = ""
    tasks = ((model, network, shock, baseline) for network in _checked(networks))
    for result in each(_run, tasks, n_jobs=n_jobs, progress=progress, label="ensemble",
                       unit="network"):  # fmt: skip
        found = result.outcome.defaulted
        if names is None:
            names, unit = result.network.names, result.network.unit
            defaults, lost = np.zeros((2, len(names)))
        elif not names.equals(result.network.names):
            raise NetworkError(f"Network {len(rows) + 1} has other nodes than the first.")
        row = {"owners_loss": float(result.loss.sum()), "defaults": float(found.sum())}
        if result.model.settles:
            told = result.socialization.to_dict()
            row |= {name: told[name] for name in MONEY if name in told}
            row["external_loss"] = float(result.entries.outside.sum())
        rows.append(row)
        defaults += found
        lost += result.loss
    if names is None:
        raise NetworkError("The ensemble is empty: there is no network to run.")
    table = pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="network"))
    order = [name for name in (*MONEY, "defaults") if name in table]
    nodes = pd.DataFrame(
        {"default_probability": defaults / len(rows), "mean_loss": lost / len(rows)}, names
    )
    return OverNetworks(model, shock, unit, table[order], nodes)


def _checked(networks: Iterable[ExposureNetwork]) -> Iterator[ExposureNetwork]:
    """The networks one by one, each looked at when it comes: an ensemble makes them as it goes."""
    for network in networks if isinstance(networks, Iterable) else several(networks, *WANTED):
        expect("ExposureNetwork", networks=network)
        yield network


def _run(
    model: Model, network: ExposureNetwork, shock: Shock, baseline: Baseline
) -> PropagationResult:
    return model.propagate(network, shock, baseline=baseline)
