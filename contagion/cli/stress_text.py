"""A stress test on a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..experiments.stress import StressTest
from ..network.exposure_network import ExposureNetwork
from ..scenarios import KINDS, Scenarios
from ..scenarios.files import keys_of
from ..statistics import Estimate
from ..text import plural
from ..units import Scale, scale
from .terminal import paragraph, put, say, table

MOST = 12


def record(test: StressTest, drawn: Scenarios, place: Path | None) -> dict[str, Any]:
    """The numbers of the text, not rounded; for listed scenarios, those of each scenario."""
    listed = not test.sampled
    measured = {} if listed else {
        key: [asdict(one) for one in each] for _, key, each in _measured(test)
    }  # fmt: skip
    nodes = (
        test.default_probability().add_prefix("default_").join(test.nodes[["kind", "mean_loss"]])
    )
    return {
        "model": test.spec["model"],
        "networks": {k: v for k, v in test.spec["networks"].items() if k != "digests"},
        "scenarios": {k: v for k, v in test.spec["scenarios"].items() if k != "digest"},
        "options": {k: v for k, v in test.spec["options"].items() if k != "joint"},
        "assumptions": test.spec["assumptions"],
        "run": len(test),
        "target": test.run.get("target"),
        "unconverged": test.unconverged,
        "loss": {key: each[0] for key, each in measured.items()} or None,
        "socialized": {key: each[1] for key, each in measured.items() if len(each) > 1} or None,
        "defaults": None if listed else asdict(test.mean("defaults")),
        "each": _each(test, drawn).reset_index().to_dict("records") if listed else None,
        "nodes": nodes.reset_index().to_dict("records"),
        "digest": test.digest(),
        "folder": None if place is None else str(place),
    }


def show(test: StressTest, network: ExposureNetwork, drawn: Scenarios, place: Path | None) -> None:
    """Print the settings, the estimates, the nodes, and the place of the files."""
    spec, on = test.spec, network.name or "a network"
    many = int(spec["networks"]["count"])
    if many > 1:
        on += f" ({many:,} networks, {spec['options']['design']})"
    lines = [f"{spec['model']['name']} on {on}, {plural(len(network), 'node')}.", _ran(test)]
    lines += [f"{test.run['target']}."] if "target" in test.run else []
    say(*lines, *(f"assumption: {sentence}" for sentence in spec["assumptions"]))
    listed = not test.sampled
    put(f"\n{_worst(test, drawn) if listed else _estimates(test)}\n\n{_nodes(test)}\n")
    mean = test.mean("defaults").value
    said = f"Nodes in default, mean: {mean:.4g}. {_converged(test)}"
    intervals = "The scenarios are a list, not a sample: no intervals." if listed else (
        "Intervals: 95 %."
    )  # fmt: skip
    say(f"{said} {intervals}")
    if place is not None:
        put(f"\n{paragraph(_where(test, place), '', '  ')}")


def _ran(test: StressTest) -> str:
    told = test.spec["scenarios"]
    values = {k: v for k, v in told.items() if k not in ("digest", "kind", "sampled", "scenarios")}
    given = [f"{k}={v}" for k, v in values.items() if isinstance(v, int | float | str)]
    said = ", ".join([told["kind"].replace("_", "-"), *given])
    return f"{plural(len(test), 'scenario')}: {said}; baseline {test.spec['options']['baseline']}."


def _measured(test: StressTest) -> list[tuple[str, str, list[Estimate]]]:
    """Word, key, and the estimates of loss and socialized loss."""
    columns = [of for of in ("loss", "socialized") if of in test.columns]
    found = [("mean", "mean", [test.mean(of) for of in columns])]
    for level in test.spec["options"]["levels"]:
        for word, name in (("VaR", "value_at_risk"), ("ES", "expected_shortfall")):
            each = [getattr(test, name)(level, of) for of in columns]
            found.append((f"{word} {100 * level:g}%", f"{name}_{level:g}", each))
    return found


def _each(test: StressTest, drawn: Scenarios) -> pd.DataFrame:
    """One row for each scenario, with its label and means over the networks."""
    columns = [of for of in ("loss", "socialized", "defaults", "converged") if of in test.columns]
    frame = test.scenarios[columns].groupby(level="scenario").mean()
    return frame.set_index(drawn.labels.map(str).rename("scenario"))


def _worst(test: StressTest, drawn: Scenarios) -> str:
    """The scenarios with the largest losses."""
    frame = _each(test, drawn)
    money = [of for of in ("loss", "socialized") if of in frame]
    to = scale(frame[money].to_numpy().ravel(), test.unit)
    order = frame.sort_values(money, ascending=False, kind="stable").head(MOST)
    rows = [
        [str(name), *(to(row[of]) for of in money), f"{row['defaults']:g}"]
        for name, row in order.iterrows()
    ]
    head = ["scenario", *(f"{of} {to.label}".rstrip() for of in money), "in default"]
    more = len(frame) - MOST
    text = table(head, rows)
    return (
        text if more <= 0 else f"{text}\n({plural(more, 'more scenario')}: --json lists them all)"
    )


def _converged(test: StressTest) -> str:
    if not test.unconverged:
        return "All scenarios converged."
    return (
        f"{plural(test.unconverged, 'scenario')} did not converge: the intervals allow for all "
        "their possible outcomes."
    )


def _where(test: StressTest, place: Path) -> str:
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    return (
        f"Written to {place}: scenarios/*.parquet, sums/*.parquet, manifest.json, SHA256SUMS "
        f"({size / 1e6:,.1f} MB). Read it with contagion stress --resume {place}, or in Python "
        f"with contagion.experiments.stress.read_stress_test({str(place)!r})."
    )


def _estimates(test: StressTest) -> str:
    found = _measured(test)
    to = scale([one.value for _, _, each in found for one in each], test.unit)
    head = ["", f"loss {to.label}".rstrip(), "from – to"]
    if len(found[0][2]) > 1:
        head += [f"socialized {to.label}".rstrip(), "from – to"]
    rows = [
        [word, *(text for one in each for text in (to(one.value), _interval(one, to)))]
        for word, _, each in found
    ]
    return table(head, rows)


def _interval(found: Estimate, to: Scale) -> str:
    low, high = ("?" if not np.isfinite(x) else to(x) for x in (found.low, found.high))
    return f"{low} – {high}"


def _nodes(test: StressTest) -> str:
    """The nodes that default most often."""
    chance, mean = test.default_probability(), test.nodes["mean_loss"]
    order = np.lexsort((-mean.to_numpy(), -chance["value"].to_numpy()))
    order = order[chance["value"].to_numpy()[order] + mean.to_numpy()[order] > 0]
    to, listed = scale(mean, test.unit), not test.sampled
    rows = []
    for i in order[:MOST]:
        ends = ("?" if np.isnan(x) else f"{x:.2%}" for x in chance[["low", "high"]].iloc[i])
        middle = [f"{chance['value'].iloc[i]:.2%}", " – ".join(ends)][: 1 if listed else 2]
        rows.append([str(test.names[i]), *middle, to(mean.iloc[i])])
    if not rows:
        return "No node defaults or loses anything in these scenarios."
    head = ["node", "in default", "from – to", f"mean loss {to.label}".rstrip()]
    text = table(head[:2] + head[3:] if listed else head, rows)
    more = len(order) - MOST
    return text if more <= 0 else f"{text}\n({plural(more, 'more node')}: --json lists them all)"


def list_kinds() -> None:
    """The kinds of scenarios with their parameters."""
    for name, make in KINDS.items():
        known = [n for n in keys_of(name) if n != "rng"]
        put(name.replace("_", "-"))
        shown = [n for n in known if n != "scenarios"]
        say((make.__doc__ or "").split("\n")[0], f"--set {', '.join(shown)}", indent="  ")
    put("\nExample: contagion stress cefi_credit_2022 --scenarios defaults --set\n"
          "probabilities=0.02 --set correlation=0.3")  # fmt: skip
