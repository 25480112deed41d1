"""The paths of the impact of a default, and the exposures that transmit it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import expect, several
from ...media import shown
from ...models.base import Model
from ...network.exposure_network import ExposureNetwork
from ...parallel import each
from ...results.propagation_result import PropagationResult
from ...shocks import Shock
from ...text import same_scale
from ...vocabulary import MOST

VICTIMS = 8  # nodes with the largest losses, whose paths are traced


@dataclass(frozen=True, eq=False, repr=False)
class ImpactPaths:
    """Explanation of the impact of one node: neighbours and paths of its losses.

    Attributes
    ----------
    node, unit : its name, and the unit of money.
    impact : loss of the owners of other nodes when it defaults.
    rule : the rule by which its creditors share the loss.
    neighbours : DataFrame, one row for each creditor with a direct loss: creditor, lost (money),
        share of the losses of all its creditors, own (borne by the owners of the creditor), passed
        (borne by the creditors of the creditor), defaulted.
    paths : DataFrame path, amount (money), share (of the losses on claims of the last node), the
        largest first.
    """

    node: Any
    unit: str
    impact: float
    rule: str
    neighbours: pd.DataFrame
    paths: pd.DataFrame

    @shown
    def __repr__(self) -> str:
        amounts = [*self.neighbours["lost"], *self.neighbours["passed"], *self.paths["amount"]]
        say = same_scale([self.impact, *amounts], self.unit)
        lines = [
            f"{self.node}: others lose {say(self.impact)} when it defaults; its "
            f"creditors share by {self.rule}"
        ]
        for row in self.neighbours.head(5).to_dict("records"):
            end = "fails" if row["defaulted"] else "survives"
            lines.append(
                f"  {row['creditor']} loses {say(row['lost'])} ({row['share']:.0%}), {end}, "
                f"passes on {say(row['passed'])}"
            )
        for row in self.paths.head(5).to_dict("records"):
            lines.append(f"  {say(row['amount']):>14}  {row['path']}")
        return "\n".join(lines)


def explain_impact(
    network: ExposureNetwork,
    model: Model,
    node: Any,
    *,
    recovery: float = 0.0,
    most: int = MOST,
) -> ImpactPaths:
    """The neighbours, rules and paths by which the default of a node causes losses to others.

    Parameters
    ----------
    network, model, recovery : as in `ct.rank`.
    node : the trigger.
    most : largest number of neighbours and of paths.

    Raises
    ------
    UnknownNameError : for an unknown node, with the closest name.

    Example
    -------
    a owes b 10, b (equity 3) owes c 10: of the 10 that b loses, 7 reach c.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 3, 20])
    >>> explain_impact(net, ct.EisenbergNoe(), "a")
    a: others lose 10 when it defaults; its creditors share by priority
      b loses 10 (100%), fails, passes on 7
             10  a → b
              7  a → b → c
    """
    expect(network=network, model=model)
    at = network.position(node)
    result = model.propagate(network, Shock.default(node, recovery), baseline="cleared")
    rules, of = network.distinct_rules()
    others = np.where(np.arange(len(network)) == at, 0.0, result.loss)
    return ImpactPaths(
        network.names[at],
        network.unit,
        float(others.sum()),
        rules[of[at]].word.replace("_", " "),
        _neighbours(result, at).head(most),
        _paths(result, others, most),
    )


def _neighbours(result: PropagationResult, at: int) -> pd.DataFrame:
    net, added = result.network, result.added_losses
    mine = net.debtor == at
    lost = np.bincount(net.creditor[mine], added[mine], len(net))
    passed = np.bincount(net.debtor, added, len(net))
    if result.model.settles:
        passed = passed + result.outside_losses
    rows = np.flatnonzero(lost > 1e-9 * net.book.claims)
    frame = pd.DataFrame(
        {
            "creditor": net.names[rows],
            "lost": lost[rows],
            "share": lost[rows] / lost.sum() if len(rows) else lost[rows],
            "own": result.loss[rows],
            "passed": passed[rows],
            "defaulted": result.outcome.defaulted[rows],
        }
    )
    return frame.sort_values("lost", ascending=False, kind="stable", ignore_index=True)


def _paths(result: PropagationResult, others: np.ndarray, most: int) -> pd.DataFrame:
    """The largest paths that end at the nodes with the largest losses on claims."""
    weight = np.where(others > 0, np.nan_to_num(result.outcome.claims_lost), 0.0)
    ends = np.argsort(-weight, kind="stable")[:VICTIMS]
    found = [
        result.explain(result.network.names[end], most=most).table[["path", "amount", "share"]]
        for end in ends
        if weight[end] > 0
    ]
    if not found:
        return pd.DataFrame(columns=["path", "amount", "share"])
    table = pd.concat(found, ignore_index=True)
    table = table[table["path"] != "other paths"]
    return table.sort_values("amount", ascending=False, kind="stable", ignore_index=True).head(most)


def critical_exposures(
    network: ExposureNetwork,
    model: Model,
    shocks: Shock | Sequence[Shock],
    *,
    candidates: Iterable[int] | None = None,
    most: int = MOST,
    n_jobs: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """The exposures whose removal would reduce losses most.

    An exposure is removed by repayment: the creditor then holds the amount as external assets, the
    debtor has fewer external assets or owes the amount outside (`with_amounts(…, keep="equity")`),
    so that all equities are as before. The gain is the reduction of the loss of all owners, summed
    over the shocks; it can be negative if the exposure had diversified the loss.

    Parameters
    ----------
    network, model : the run.
    shocks : one, or several, each with its own run: `[Shock.default(x) for x in …]`.
    candidates : rows of `exposures` to test; by default the `most` with the largest losses in these
        runs. Each needs one run for each shock.
    most : number of candidates.
    n_jobs, progress : processes (-1 for all cores; does not change results), progress bar.

    Returns
    -------
    DataFrame creditor, debtor, amount, lost (on the exposure, money, summed over shocks), gain
    (money) and gain_share (of the loss of all owners), the largest gain first; the index is the row
    of the exposure.

    Example
    -------
    Without the claim of b on a, only the equity of a, 1, is lost.

    >>> import contagion as ct
    >>> net = ct.ExposureNetwork.from_matrix([[0, 10, 0], [0, 0, 10], [0, 0, 0]], ["a", "b", "c"],
    ...     orientation="debtor->creditor", equity=[1, 3, 20])
    >>> found = critical_exposures(net, ct.EisenbergNoe(), ct.Shock.default("a"))
    >>> found[["creditor", "debtor", "gain"]].values.tolist()
    [['b', 'a', 10.0], ['c', 'b', 7.0]]
    """
    expect(network=network, model=model)
    every = several(shocks, "Shock", "shocks", one=True)
    results = [model.propagate(network, shock, baseline="cleared") for shock in every]
    lost = np.sum([result.added_losses for result in results], axis=0)
    before = sum(float(result.loss.sum()) for result in results)
    if candidates is None:
        order = np.argsort(-lost, kind="stable")[:most]
        rows = [int(k) for k in order if lost[k] > 0]
    else:
        rows = [int(k) for k in candidates]
    tasks = [(network, model, every, row) for row in rows]
    said = {"label": "critical exposures", "unit": "exposure"}
    after = each(_without, tasks, n_jobs=n_jobs, progress=progress, **said)
    gain = before - np.array(list(after), float)
    frame = network.exposures[["creditor", "debtor", "amount"]].iloc[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        frame = frame.assign(lost=lost[rows], gain=gain, gain_share=gain / np.float64(before))
    return frame.sort_values("gain", ascending=False, kind="stable")


def _without(network: ExposureNetwork, model: Model, shocks: list[Shock], row: int) -> float:
    """Loss of all owners, summed over the shocks, if one exposure is repaid before."""
    amounts = np.array(network.amount)
    amounts[row] = 0.0
    other = network.with_amounts(amounts, keep="equity")
    return float(
        sum(model.propagate(other, shock, baseline="cleared").loss.sum() for shock in shocks)
    )
