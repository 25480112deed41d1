"""Results as tables of plain columns, for CSV files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..experiments.policy import ShockComparison
from ..experiments.reverse import Smallest
from ..experiments.rule_comparison import RuleComparison
from ..experiments.stress import StressTest
from ..liquidation import CascadeResult
from ..liquidation.coupling import CoupledResult
from ..measures import EveryDefault
from ..results.explain import Explanation
from ..results.propagation_result import PropagationResult


def tables(output: str, result: Any) -> dict[str, pd.DataFrame]:
    """The tables of a result of a study by name.

    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> list(tables("run", ct.EisenbergNoe().propagate(net, ct.Shock.default("A", 0.5))))[:3]
    ['table', 'flows', 'path']
    """
    return TABLES[output](result)


def of_run(result: PropagationResult) -> dict[str, pd.DataFrame]:
    """Nodes, claims, rounds; for models that settle claims also bearers, layers and calls."""
    frames = {"table": result.table.reset_index(), "flows": result.flows, "path": result.path}
    if result.model.settles:
        frames |= {"bearers": result.bearers, "layers": result.layers}
        frames |= {} if result.calls.empty else {"calls": result.calls}
    return frames


def of_comparison(done: RuleComparison) -> dict[str, pd.DataFrame]:
    """Fairness, nodes, differences, kinds and hops under each set of rules."""
    return {
        "fairness": done.fairness.rename_axis("rules").reset_index(),
        "table": done.table.rename_axis("node").reset_index(),
        "differences": done.differences.rename_axis("node").reset_index(),
        "by_kind": done.by_kind.reset_index(),
        "by_hop": done.by_hop.reset_index(),
    }


def accounts(done: CascadeResult) -> pd.DataFrame:
    """`done.table` with the loss of every account, largest first.

    loss: the fall of max(equity, 0) plus calls met; the sum by holder is `holder_losses`.
    """
    table = done.table
    left = np.where(table["vault"], 0.0, np.maximum(table["equity_after"], 0.0))
    lost = np.maximum(table["equity_before"], 0.0) - left + table["called"]
    return table.assign(loss=lost).sort_values("loss", ascending=False, kind="stable")


def of_cascade(result: CascadeResult | CoupledResult) -> dict[str, pd.DataFrame]:
    """Rounds, venues and accounts; on a network also nodes and bearers."""
    joint = result if isinstance(result, CoupledResult) else None
    done = result if isinstance(result, CascadeResult) else result.cascade
    table = done.table
    hit = table["liquidated"].gt(1e-12).groupby(table["venue"], sort=False).sum()
    venues = pd.DataFrame(
        {"accounts": table.groupby("venue", sort=False).size(), "liquidated": hit,
         "deficit": done.deficits, "latent": done.latent, "fees": done.fees,
         "vault": done.vaults}
    ).loc[list(done.before.venues)].rename_axis("venue").reset_index()  # fmt: skip
    frames = {"path": done.history, "venues": venues, "accounts": accounts(done)}
    if joint is not None:
        frames["nodes"] = joint.table.rename_axis("node").reset_index()
        frames["bearers"] = joint.bearers
    return frames


def _stress(test: StressTest) -> dict[str, pd.DataFrame]:
    """Nodes, every scenario, and for a sample the estimates with their intervals."""
    nodes = test.default_probability().add_prefix("default_").join(test.nodes)
    frames = {"nodes": nodes.reset_index(), "scenarios": test.scenarios.reset_index()}
    if not test.sampled:
        return frames
    rows = []
    for of in [name for name in ("loss", "socialized") if name in test.columns]:
        found = {"mean": test.mean(of)}
        for level in test.spec["options"]["levels"]:
            found[f"value_at_risk_{level:g}"] = test.value_at_risk(level, of)
            found[f"expected_shortfall_{level:g}"] = test.expected_shortfall(level, of)
        rows += [[of, key, x.value, x.low, x.high, x.standard_error] for key, x in found.items()]
    head = ["of", "measure", "value", "low", "high", "standard_error"]
    return {"losses": pd.DataFrame(rows, columns=head), **frames}


def _explained(found: Mapping[str, Explanation]) -> dict[str, pd.DataFrame]:
    parts = [why.table.assign(node=node) for node, why in found.items()]
    return {"paths": pd.concat(parts, ignore_index=True)}


def _policy(done: Any) -> dict[str, pd.DataFrame]:
    frame = done.table.table if hasattr(done.table, "definitions") else done.table
    keep = isinstance(done, ShockComparison) or frame.index.names != [None]
    return {"table": frame.reset_index() if keep else frame}


def _answer(found: Any) -> dict[str, pd.DataFrame]:
    """The answer of a search as one row; the losses of a smallest shock by node."""
    plain = {
        key: value
        for key, value in vars(found).items()
        if isinstance(value, str | bool | int | float) or value is None
    }
    frames = {"answer": pd.DataFrame([plain])}
    if isinstance(found, Smallest):
        frames["losses"] = found.losses.rename_axis("node").rename("loss").reset_index()
    elif hasattr(found, "nodes"):
        frames["nodes"] = pd.DataFrame({"node": list(map(str, found.nodes))})
    return frames


def _every(done: EveryDefault) -> dict[str, pd.DataFrame]:
    """Triggers, victims, and the loss of each pair with a loss."""
    pairs: Any = done.losses.stack()
    return {
        "triggers": done.triggers.reset_index(),
        "victims": done.victims.reset_index(),
        "losses": pairs[pairs > 0].rename_axis(["trigger", "victim"]).reset_index(name="loss"),
    }


TABLES: dict[str, Callable[[Any], dict[str, pd.DataFrame]]] = {
    "run": of_run,
    "explain": _explained,
    "rank": lambda ranking: {"ranking": ranking.table.reset_index()},
    "defaults": _every,
    "ensemble": lambda found: {
        "networks": found.table.reset_index(),
        "nodes": found.nodes.rename_axis("node").reset_index(),
    },
    "stability": lambda found: {"ranks": found.table.reset_index()},
    "compare": of_comparison,
    "stress": _stress,
    "sweep": lambda done: {"cells": done.table},
    "reverse": _answer,
    "triggers": _answer,
    "fund": _answer,
    "policy": _policy,
    "cascade": of_cascade,
    "layers": lambda done: {"table": done.table.reset_index()},
}
