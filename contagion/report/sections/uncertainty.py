"""The section Uncertainty: many scenarios, with an error for every number."""

from __future__ import annotations

from functools import partial

import numpy as np

from ... import plot
from ...experiments.over_networks import OverNetworks
from ...experiments.stress import StressTest
from ...facts import Fact, Sentence
from ...network.exposure_network import ExposureNetwork
from ...plot.interactive.charts import exceedance_chart
from ...plot.pieces import names
from ...plot.style import kinds, percent
from ...plot.style import rows as rows_of
from ...results.socialization import BASELINE
from ...statistics import Estimate
from ...text import plural
from ...units import Scale, scale
from ..figures import figure
from ..given import Given
from ..parts import Exhibit, table
from ..phrases import left_out

TITLES = {
    "initial_loss": "initial loss",
    "loss": "loss",
    "direct_loss": "of owners at once",
    "owners_loss": "of owners",
    "external_loss": "of external creditors",
    "socialized": "socialized loss",
    "deadweight": "deadweight",
    "defaults": "nodes in default",
}
QUANTILES = (0.05, 0.5, 0.95)
NODES = 20
FEW = 5  # smallest number of scenarios beyond a level for a finding about its tail


def exhibits(about: Given) -> list[Exhibit]:
    """T13, F13, T13V, T13N, F13B: losses over scenarios, the tail, every node, the bearers."""
    network, test = about.network, about.stress
    spread = [] if about.ensemble is None else _ensemble(network, about.ensemble)
    if test is None:
        return spread
    chart = exceedance_chart(test)
    drawn = figure("F13", "Loss exceedance", chart.draw, chart.said, hits=chart.hits)
    if "socialized" in test.columns:
        text = "Split of the socialized loss between external creditors and owners, by scenario."
        draw = partial(plot.bearer_distribution, test)
        spread = [figure("F13B", "Who bears it over the scenarios", draw, text), *spread]
    tail = [_tail(test)] if test.spec["options"]["levels"] else []
    return [_system(test), drawn, *tail, _nodes(network, test), *spread]


def _ensemble(network: ExposureNetwork, test: OverNetworks) -> list[Exhibit]:
    """T13E, T13P: the shock on every network of an ensemble: losses, and default frequencies."""
    frame = test.table
    shown = [name for name in TITLES if name in frame and (frame[name] != 0).any()]
    to = scale([frame[name].max() for name in shown if name != "defaults"], test.unit)
    rows = []
    for name in shown:
        values = frame[name].to_numpy()
        cuts = np.quantile(values, QUANTILES, method="inverted_cdf")
        found = [values.min(), *cuts, values.max(), values.mean()]
        rows.append([TITLES[name], *(_amount(float(x), name, to) for x in found)])
    count = len(frame)
    facts = {"count": Fact("networks", count, "count", ("the ensemble",), "T13E", "network")}
    lead = Sentence("The same shock on each of {count} that fit the same data.", facts)
    note = (
        f"Amounts in {to.label or 'money'}. Quantiles are over the networks: they show the "
        "uncertainty due to unknown exposures, not the probability of the shock."
    )
    head = ["", "smallest", "5%", "median", "95%", "largest", "mean"]
    done = table(head, rows, note=note)
    each, titles = test.nodes, list(names(network).values())
    to = scale(each["mean_loss"], test.unit)
    order = np.lexsort((-each["mean_loss"].to_numpy(), -each["default_probability"].to_numpy()))
    part = [
        [titles[i], percent(each["default_probability"].iloc[i]), to(each["mean_loss"].iloc[i])]
        for i in order[:NODES]
    ]
    more = len(network) - len(part)
    nodes = table(
        ["node", "in default", to.named("mean loss")], part,
        note="In default: share of the networks in which the node is in default after the shock."
        + left_out(more, "other nodes"),
    )  # fmt: skip
    return [
        Exhibit("T13E", "The shock over the ensemble of networks", lead, table=done),
        Exhibit("T13P", "Defaults over the ensemble", table=nodes),
    ]


def _lead(test: StressTest) -> str:
    spec = test.spec
    kind = str(spec["scenarios"].get("kind", "given")).replace("_", " ")
    count = int(spec["networks"]["count"])
    said = f"{plural(len(test), 'scenario')} ({kind}) through {spec['model']['name']}"
    said += f", on {count:,} networks" if count > 1 else ""
    book = spec["options"]["baseline"] == "book"
    start = "face values" if book else "the same model without it"
    said += f"; losses are counted from {start}."
    if not test.complete:
        said += " The run is not finished: these are the completed scenarios."
    if test.unconverged:
        said += f" {plural(test.unconverged, 'scenario')} did not converge; intervals allow for it."
    return said


def _system(test: StressTest) -> Exhibit:
    """T13: mean with its error, and quantiles, of system losses."""
    shown = [name for name in TITLES if name in test.columns]
    shown = [x for x in shown if x == _headline(test) or np.any(test.columns[x])]
    amounts = [name for name in shown if name != "defaults"]
    to = scale([float(np.max(test.columns[name])) for name in amounts], test.unit)
    rows = []
    for name in shown:
        mean = test.mean(name)
        parts = [mean, *(test.value_at_risk(level, name) for level in QUANTILES)]
        error = _amount(float(mean.standard_error), name, to)
        values = [_amount(float(part.value), name, to) for part in parts]
        largest = _amount(float(np.max(test.columns[name])), name, to)
        rows.append([TITLES[name], values[0], f"± {error}" if error != "–" else "–", *values[1:],
                     largest])  # fmt: skip
    note = (
        f"Amounts in {to.label or 'money'}. ±: standard error of the mean (Monte Carlo). Quantiles "
        "are over the scenarios: one in twenty lies below the first and above the last."
    )
    head = ["", "mean", "error", "5%", "median", "95%", "largest"]
    extra = [text for text in test.spec["assumptions"] if text.rstrip().endswith(".")]
    return Exhibit("T13", "Many scenarios", _lead(test), table=table(head, rows, note=note),
                   lines=tuple(extra))  # fmt: skip


def _amount(value: float, name: str, to: Scale) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.3g}" if name == "defaults" else to(value)


def _tail(test: StressTest) -> Exhibit:
    """T13V: value at risk and expected shortfall with intervals."""
    found = [
        (f"{title} {100 * level:.6g}%", of, measure(level, of), f"{100 * (1 - level):.4g}%")
        for of in ("loss", "socialized")
        if of in test.columns
        for level in test.spec["options"]["levels"]
        for title, measure in (("VaR", test.value_at_risk), ("ES", test.expected_shortfall))
    ]
    to = scale([float(one.value) for _, _, one, _ in found], test.unit)
    rows = [
        [
            TITLES[of],
            title,
            to(float(one.value)),
            to(float(one.standard_error)),
            *_interval(one, to),
            beyond,
        ]
        for title, of, one, beyond in found
    ]
    head = ["of", "measure", "estimate", "standard error", "from", "to", "beyond"]
    note = (
        f"Amounts in {to.label or 'money'}; {_ends(test)} VaR: value at risk, not exceeded with "
        "that probability. ES: expected shortfall, the mean loss beyond VaR. Beyond: the "
        "probability of a loss beyond it."
    )
    lead = next(iter(sentences(test)), "")
    return Exhibit("T13V", "The tail", lead, table=table(head, rows, text=2, note=note))


def _ends(test: StressTest) -> str:
    """The meaning of the columns from and to."""
    if test.sampled:
        return "from and to are an interval at 95%."
    return "the scenarios are a list, no random sample, so there are no intervals."


def _interval(found: Estimate, to: Scale) -> list[str]:
    low, high = float(found.low), float(found.high)
    return ["no bound" if np.isinf(end) else to(end) for end in (low, high)]


def _nodes(network: ExposureNetwork, test: StressTest) -> Exhibit:
    """T13N: the default frequency of every node, and the loss of its owners."""
    frame, name, kind = test.nodes, list(names(network).values()), kinds(network)
    chance = test.default_probability()
    level = max(test.tails, default=None)
    share = None if level is None else test.in_tail(level)["share"].to_numpy(float)
    to = scale(frame["mean_loss"], test.unit)
    order = np.lexsort((-chance["value"].to_numpy(), -frame["mean_loss"].to_numpy()))
    rows = [
        [
            name[i],
            str(kind[i]),
            to(frame["mean_loss"].iloc[i]),
            *_chance(rows_of(chance.iloc[[i]])[0]),
            *([] if share is None else ["–" if np.isnan(share[i]) else percent(share[i])]),
        ]
        for i in order[:NODES]
    ]
    head = ["node", "kind", "mean loss", "in default", "from", "to"]
    head += [] if level is None else [f"share of ES {100 * level:.6g}%"]
    more = len(network) - len(rows)
    note = (
        f"Amounts in {to.label or 'money'}. In default: share of the scenarios, including defaults "
        f"before the shock; {_ends(test)}" + left_out(more, "nodes with smaller losses")
    )
    return Exhibit("T13N", "Nodes over the scenarios", table=table(head, rows, text=2, note=note))


def _chance(row: object) -> list[str]:
    values = [float(getattr(row, key)) for key in ("value", "low", "high")]
    return ["–" if np.isnan(value) else _share(value) for value in values]


def _share(value: float) -> str:
    """A probability with one digit more than other shares.

    >>> _share(0.0004), _share(0.1234), _share(0.0)
    ('<0.1%', '12.3%', '0.0%')
    """
    return "<0.1%" if 0 < value < 0.0005 else f"{value:.1%}"


def over_ensemble(found: OverNetworks | None) -> list[Sentence]:
    """Key finding: the range of the loss of the same shock over the networks."""
    if found is None:
        return []
    of = "socialized" if "socialized" in found.table else "owners_loss"
    low, high = np.quantile(found.table[of], (0.05, 0.95), method="inverted_cdf")
    row = (TITLES[of], "the ensemble")
    facts = {
        "low": Fact("5%", float(low), "money", row, "T13E", found.unit),
        "high": Fact("95%", float(high), "money", row, "T13E", found.unit),
        "count": Fact("networks", len(found.table), "count", ("the ensemble",), "T13E", "network"),
    }
    words = "is socialized" if of == "socialized" else "is lost by owners"
    text = f"{{low}} to {{high}} {words} in nine of ten of {{count}} that fit the same data."
    return [Sentence(text, facts, (BASELINE,))]


def sentences(test: StressTest | None) -> list[Sentence]:
    """Key findings: the tail of the loss, if there are enough scenarios for it."""
    if test is None:
        return []
    of, run = _headline(test), f"{len(test)} scenarios through {test.spec['model']['name']}"
    words = "is socialized" if of == "socialized" else "is lost"

    def fact(measure: str, value: float, exhibit: str, kind: str, *row: str, unit: str) -> Fact:
        return Fact(measure, value, kind, (TITLES[of], *row, run), exhibit, unit)

    count = Fact("scenarios", len(test), "count", (run,), "T13", "scenario")
    level = max(test.spec["options"]["levels"], default=1.0)
    if len(test) * (1 - level) < FEW:
        mean, most = float(test.mean(of).value), float(np.max(test.columns[of]))
        facts = {
            "mean": fact("mean", mean, "T13", "money", unit=test.unit),
            "most": fact("largest", most, "T13", "money", unit=test.unit),
        }
        text = f"{{mean}} {words} in the mean of {{count}}, and {{most}} at most."
        return [Sentence(text, {"count": count, **facts}, ("scenarios",))]
    name = f"{100 * level:.6g}%"
    var, tail = test.value_at_risk(level, of), test.expected_shortfall(level, of)
    facts = {
        "var": fact("estimate", float(var.value), "T13V", "money", f"VaR {name}", unit=test.unit),
        "tail": fact("estimate", float(tail.value), "T13V", "money", f"ES {name}", unit=test.unit),
        "rest": fact("beyond", 1 - level, "T13V", "percent", f"VaR {name}", unit=""),
    }
    chance = "with a probability of {rest}" if test.sampled else "in {rest} of them"
    text = f"More than {{var}} {words} {chance} ({{count}}), and {{tail}} in the mean of these."
    return [Sentence(text, {"count": count, **facts}, ("scenarios",))]


def _headline(test: StressTest) -> str:
    """The kind of loss used in findings."""
    return "socialized" if "socialized" in test.columns else "loss"
