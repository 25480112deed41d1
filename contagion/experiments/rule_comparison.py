"""The same shock under other loss-sharing rules: the nodes that gain and the nodes that pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ArgumentTypeError, expect
from ..media import notebook, shown
from ..models import EisenbergNoe
from ..results.propagation_result import PropagationResult
from ..results.run_arrays import Baseline
from ..text import same_scale

if TYPE_CHECKING:
    from ..models.base import Model
    from ..network.exposure_network import ExposureNetwork
    from ..shocks import Shock

AS_GIVEN = "as given"


@dataclass(frozen=True, eq=False, repr=False)
class RuleComparison:
    """One shock through one network under several sets of rules.

    Attributes
    ----------
    results : {name: result}; the first is the unchanged network, "as given".
    nodes : the nodes whose rules differ in at least one set.
    """

    results: Mapping[str, PropagationResult]
    nodes: tuple[Any, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """All losses at each node, in money: one row a node, one column a set of rules.

        The loss at a node is that of its owners (or holders) and of its external creditors. The
        columns sum to `borne`; columns "kind" and "hop" (from the triggers, as given) come first.
        """
        first = next(iter(self.results.values()))
        head = pd.DataFrame(
            {"kind": first.network.kinds, "hop": first.hops}, index=first.network.names
        )
        borne = {name: sum(result.borne) for name, result in self.results.items()}
        return pd.concat([head, pd.DataFrame(borne, index=head.index)], axis=1)

    @property
    def differences(self) -> pd.DataFrame:
        """`table` minus its column "as given", in money: above 0 a larger loss, below 0 a gain."""
        names = list(self.results)
        frame = self.table.copy()
        frame[names] = frame[names].sub(frame[AS_GIVEN], axis=0)
        return frame.drop(columns=AS_GIVEN)

    @property
    def by_kind(self) -> pd.DataFrame:
        """The loss at each kind of node under each set of rules, money."""
        return self.table.groupby("kind", sort=True)[list(self.results)].sum()

    @property
    def by_hop(self) -> pd.DataFrame:
        """The loss at each distance from the triggers (-1: no path), money.

        Hops are counted in each run, because another rule can create other paths.
        """
        columns = {}
        for name, result in self.results.items():
            borne = sum(result.borne)
            columns[name] = pd.Series(borne).groupby(result.hops).sum()
        frame = pd.DataFrame(columns).fillna(0.0)
        return frame.rename_axis("hop")

    @property
    def fairness(self) -> pd.DataFrame:
        """One row a set of rules: how the loss is spread.

        Columns: socialized (money), socialized_share and bystander_share (see
        :class:`~contagion.results.Socialization`); share_of_claims_taken = loss on the claims on
        the nodes whose rules differ, over their amount; share_of_weight_taken = the same over the
        column `weight` of those claims, such as profits, nan without it; largest_haircut = the
        largest loss over amount of one of those claims; concentration = Herfindahl–Hirschman
        index of the losses of named bearers.
        """
        rows = {}
        for name, result in self.results.items():
            net, s = result.network, result.socialization
            mine = np.isin(net.debtor, [net.position(node) for node in self.nodes])
            mine &= net.amount > 0
            lost, amount = result.added_losses[mine], net.amount[mine]
            rows[name] = {
                "socialized": s.socialized,
                "socialized_share": s.socialized_share,
                "bystander_share": s.bystander_share,
                "share_of_claims_taken": _over(lost.sum(), amount.sum()),
                "share_of_weight_taken": _weight_taken(net, mine, lost),
                "largest_haircut": float((lost / amount).max(initial=0.0)),
                "concentration": s.hhi,
            }
        return pd.DataFrame(rows).T

    @shown
    def __repr__(self) -> str:
        first = next(iter(self.results.values()))
        unit = first.network.unit
        lines = [f"{first.shock!r} on {first.network.name or 'network'}, rules compared:"]
        say = same_scale([one.socialization.borne for one in self.results.values()], unit)
        for name, result in self.results.items():
            s = result.socialization
            text = f"  {name}: {say(s.borne)} borne, {say(s.socialized)} socialized"
            text += "" if np.isnan(s.socialized_share) else f" ({s.socialized_share:.0%})"
            moved = (self.table[name] - self.table[AS_GIVEN]).to_numpy(float)
            if name != AS_GIVEN and np.abs(moved).max() > 1e-9 * s.borne:
                up, down = int(moved.argmax()), int(moved.argmin())
                names = first.network.names
                text += f"; {names[up]} bears {say(moved[up])} more"
                text += f", {names[down]} {say(-moved[down])} less"
            elif name != AS_GIVEN:
                text += "; no node bears more or less"
            lines.append(text)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook(repr(self), self.table)


def compare_rules(
    network: ExposureNetwork,
    shock: Shock,
    rules: Mapping[str, Mapping[Any, Any]],
    *,
    model: Model | None = None,
    baseline: Baseline = "cleared",
) -> RuleComparison:
    """Run one shock on a network under several sets of rules.

    Parameters
    ----------
    network, shock : the network and the shock.
    rules : {name: {node: rule}}; a rule of :mod:`contagion.rules`, a word or a dict. The unchanged
        network comes first, under the name "as given".
    model : a model that settles claims, by default :class:`~contagion.EisenbergNoe`.
    baseline : reference for losses, computed for each set with its own rules.

    Raises
    ------
    ArgumentError : for an empty `rules`, or a set called "as given".
    UnknownNameError, RuleError : for a node that does not exist, and for a rule that does not fit
        its claims.
    ModelError : for a model that does not settle claims.

    Example
    -------
    a owes 6 to b and 2 to c and has 4. Pro rata they lose 3 and 1, by equal losses 2 each:

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 6, 2], [0, 0, 0], [0, 0, 0]],
    ...     ["a", "b", "c"], orientation="debtor->creditor", external_assets=[8, 1, 1])
    >>> done = ct.compare_rules(net, ct.Shock.loss({"a": 4}), {"equal": {"a": "equal_losses"}})
    >>> done.table[["as given", "equal"]].values.tolist()
    [[0.0, 0.0], [3.0, 2.0], [1.0, 2.0]]
    """
    model = EisenbergNoe() if model is None else model
    expect(network=network, model=model, shock=shock)
    if not isinstance(rules, Mapping):
        raise ArgumentTypeError(f'rules={rules!r}: give {{"name": {{node: rule}}}}.')
    if not rules:
        raise ArgumentError('Nothing to compare: rules={"name": {node: rule}}.')
    if AS_GIVEN in rules:
        raise ArgumentError(
            f"{AS_GIVEN!r} is the unchanged network; choose another name for the set."
        )
    results = {AS_GIVEN: model.propagate(network, shock, baseline=baseline)}
    assert results[AS_GIVEN].socialization is not None
    for name, of_nodes in rules.items():
        results[name] = model.propagate(network.with_rules(of_nodes), shock, baseline=baseline)
    nodes = tuple(dict.fromkeys(node for of_nodes in rules.values() for node in of_nodes))
    return RuleComparison(results, nodes)


def _weight_taken(network: ExposureNetwork, mine: np.ndarray, lost: np.ndarray) -> float:
    table = network.exposures
    if "weight" not in table:
        return float("nan")
    weight = pd.to_numeric(table["weight"]).to_numpy(float)[mine]
    given = ~np.isnan(weight)
    return _over(lost[given].sum(), weight[given].sum())


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
