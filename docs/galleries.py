"""The galleries: models, rules, venues, measures, figures, datasets, formats, from the registries.

A new entry of a registry is on its page at the next build; nothing here names one.
"""

from __future__ import annotations

import dataclasses
import doctest
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import names

import contagion as ct
from contagion import measures, rules, scenarios, venues
from contagion.network.formats import FORMATS

KERNEL = """---
file_format: mystnb
kernelspec:
  display_name: Python 3
  name: python3
---

"""


def cell(text: Any) -> str:
    """Text inside a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", r"\|").replace("*", r"\*").replace("_", r"\_")


def table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table in Markdown; the cells are Markdown already."""
    head = list(columns)
    lines = [head, ["---"] * len(head), *([str(x) for x in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str, *tags: str) -> str:
    """A cell that is executed when the site is built."""
    tagged = f":tags: [{', '.join(tags)}]\n" if tags else ""
    return f"```{{code-cell}} python\n{tagged}{text.strip()}\n```"


def example(value: object) -> str:
    """The example of a docstring without its prompts and answers."""
    found = doctest.DocTestParser().get_examples(inspect.getdoc(value) or "")
    return "".join(each.source for each in found)


def link(path: str, text: str = "") -> str:
    """A link to the API reference."""
    return f"{{py:obj}}`{text or path.rpartition('.')[2]} <{path}>`"


def fields(kind: Any) -> str:
    """The parameters of a frozen dataclass, with their defaults."""
    own = [
        f"`{each.name}`"
        if each.default is dataclasses.MISSING
        else f"`{each.name}={each.default!r}`"
        for each in dataclasses.fields(kind)
    ]
    return ", ".join(own) or "none"


def models() -> str:
    """One section a model, and one shock in all of them."""
    rows, parts = [], []
    for word, kind in ct.models.MODELS.items():
        name = kind.__name__
        rows.append(
            [
                link(f"contagion.models.{name}"),
                f"`{word}`",
                cell(kind.title),
                "yes" if kind.settles else "no",
            ]
        )
        facts = [
            f"**Source**: {cell(kind.source)}.",
            f"**Parameters**: {fields(kind)}.",
            f"**Settles claims**: {'yes' if kind.settles else 'no, it values them'}. "
            f"**Reads prices**: {'yes' if kind.reads_prices else 'no'}. "
            f"**Reads shareholdings**: {'yes' if kind.values_shares else 'no'}.",
            f"Formula, parameters and conventions: {link(f'contagion.models.{name}')}.",
        ]
        parts.append(
            f"## {name}\n\n{kind.title}.\n\n"
            + "\n".join(f"- {x}" for x in facts)
            + "\n\n"
            + code(example(kind))
        )
    return (
        KERNEL + "# Models\n\nEvery model takes the same network and the same shock. A model that "
        "*settles* claims says who bears the loss; the others give the losses of owners. "
        "{doc}`/concepts/which_model` helps to choose.\n\n"
        + table(("model", "command line", "what it is", "settles claims"), rows)
        + "\n\n"
        + "\n\n".join(parts)
        + "\n"
    )


def rule_pages() -> str:
    """One section a rule, and one figure of those that need no parameters."""
    draw = """
import numpy as np
import matplotlib.pyplot as plt
from contagion import rules

claims = {"claimant": ["small", "middle", "large"], "amount": [10, 20, 40], "tier": [1, 2, 3],
          "rank": [1, 2, 3], "score": [1, 2, 3], "exit": [1, 2, 3]}
losses = np.linspace(0, 70, 36)
words = list(rules.WORDS)
figure, axes = plt.subplots(2, -(-len(words) // 2), figsize=(10, 4.6), sharex=True, sharey=True)
for ax, word in zip(axes.flat, words):
    rule = rules.from_dict(word)
    borne = [rule.allocate(loss, claims).table["loss"].to_numpy() for loss in losses]
    ax.plot(losses, borne, label=claims["claimant"])
    ax.set_title(word, loc="left", fontsize=10)
axes.flat[0].legend(frameon=False, fontsize=8)
for ax in axes.flat[len(words):]:
    ax.remove()
figure.supxlabel("shortfall of the venue")
figure.supylabel("loss of the claim")
figure.tight_layout()
"""
    parts = [
        f"## {kind.__name__}\n\nIn words and in TOML: `{word}`. **Parameters**: {fields(kind)}. "
        f"Definition: {link(f'contagion.rules.{kind.__name__}')}.\n\n{code(example(kind))}"
        for word, kind in rules.RULES.items()
        if kind is not rules.Waterfall
    ]
    waterfall = (
        "## Waterfall\n\nLayers with a capacity and a rule of their own, one after the other: "
        f"{link('contagion.rules.Waterfall')}.\n\n" + code(example(rules.Waterfall))
    )
    return (
        KERNEL + "# Rules of loss sharing\n\nA rule belongs to a node. It says how a shortfall is "
        "divided between the claims on that node. The figure shows three claims of 10, 20 and 40 "
        "under every rule that needs no parameters.\n\n"
        + code(draw, "hide-input")
        + "\n\n"
        + "\n\n".join([*parts, waterfall])
        + "\n"
    )


def venue_pages() -> str:
    """One section a module of venues, one table a record."""
    by_module: dict[str, list[venues.Venue]] = {}
    for record in venues.CATALOGUE.values():
        by_module.setdefault(record.build.__module__, []).append(record)
    parts = []
    for module, records in sorted(by_module.items()):
        text = [
            f"## {module.rpartition('.')[2]}",
            f"Formulas and rules: {{doc}}`/made/reference/{module}`.",
        ]
        for each in records:
            given = [*each.required, *(f"{k}={v!r}" for k, v in each.parameters.items())]
            facts = {
                "rule": cell(each.title),
                "parameters": ", ".join(f"`{x}`" for x in given) or "none",
                "source": cell(each.source),
                "as of": each.as_of,
                "status": each.status,
                "read": cell(each.read),
                "simplified": cell(each.simplified),
            }
            text.append(f"### `{each.name}`\n\n" + table(("", ""), facts.items()))
        parts.append("\n\n".join(text))
    count: dict[str, int] = {}
    for each in venues.CATALOGUE.values():
        count[each.status] = count.get(each.status, 0) + 1
    told = ", ".join(f"{number} {status}" for status, number in count.items())
    return (
        f"# Venues\n\n{len(venues.CATALOGUE)} rules of exchanges, protocols and clearing houses "
        f'({told}). `ct.venues.venue(name)` builds the rule; `rule = {{ venue = "name" }}` names '
        "it in TOML. Every record says what was read in the source and what is simplified.\n\n"
        + "\n\n".join(parts)
        + "\n"
    )


def measure_pages() -> str:
    """One table for each thing that a measure is about."""
    about = {
        "importance": "others lose because of the node",
        "vulnerability": "the node loses because of others",
        "size": "the node is large",
        "position": "position of the node in the graph",
    }
    parts = []
    for kind, meaning in about.items():
        rows = [
            [
                f"`{each.name}`",
                cell(each.title),
                f"`{each.formula}`".replace("|", r"\|"),
                cell(each.measured_in),
                cell(each.source),
            ]
            for each in measures.MEASURES.values()
            if each.about == kind
        ]
        parts.append(
            f"## {kind.capitalize()}\n\nA high value means: {meaning}.\n\n"
            + table(("name", "title", "formula", "unit", "source"), rows)
        )
    return (
        f"# Measures\n\n{len(measures.MEASURES)} measures, each with a formula, a unit, a "
        'denominator and a source. `ct.rank(net, measures=["debtrank", "sinkrank"])` computes '
        "them side by side; `ct.measures.MEASURES[name]` is the definition. "
        "Notation: `L[i, j]` is the amount that i owes j, "
        "`X[i, j]` the claim of i on j, K capital, A assets.\n\n" + "\n\n".join(parts) + "\n"
    )


def figures() -> str:
    """Every figure, drawn by the example of its docstring."""
    parts = [
        f"## {name}\n\n{names.first_line(getattr(ct.plot, name))} "
        f"{link(f'contagion.plot.{name}', 'Parameters')}.\n\n"
        + code(example(getattr(ct.plot, name)))
        for name in ct.plot.__all__
        if name != "FIGURES"
    ]
    return (
        KERNEL
        + "# Figures\n\nEvery function takes a network, a result or a comparison, and `ax=`; "
        "it returns the axes. Below is the example of each.\n\n" + "\n\n".join(parts) + "\n"
    )


def datasets() -> str:
    """The card of every packaged dataset."""
    cards = [ct.datasets.card(name) for name in ct.datasets.names()]
    rows = [[f"`{x.name}`", cell(x.title), x.kind, cell(x.date), cell(x.unit)] for x in cards]
    parts = [f"## {x.name}\n\n```text\n{x!s}\n```" for x in cards]
    return (
        "# Datasets\n\n`ct.datasets.load(name)` gives the network, `contagion datasets NAME` the "
        "card. *Observed* data are published figures, *reconstructed* ones come from documents "
        "with gaps that are filled by stated assumptions, *published "
        "examples* have a known answer, and "
        "*illustrative* ones are made for the purpose.\n\n"
        + table(("name", "title", "kind", "date", "unit"), rows)
        + "\n\n"
        + "\n\n".join(parts)
        + "\n"
    )


def formats() -> str:
    """The shapes of files that are read without a mapping of columns, and the scenario sets."""
    rows = [
        [f"`{name}`", cell(x.title), cell(x.version), ", ".join(x.tables), f"`{x.recipe}`"]
        for name, x in FORMATS.items()
    ]
    sets = [
        [link(f"contagion.scenarios.{name}"), cell(names.first_line(make))]
        for name, make in scenarios.KINDS.items()
    ]
    return (
        "# Formats and scenarios\n\n## Formats of files\n\nThe shape is recognised by the columns, "
        "or named with `format=`.\n\n"
        + table(("format", "what it is", "version", "becomes", "recipe"), rows)
        + "\n\n## Sets of scenarios\n\n"
        + table(("function", "what it draws"), sets)
        + "\n"
    )


PAGES = {
    "models": models,
    "rules": rule_pages,
    "venues": venue_pages,
    "measures": measure_pages,
    "figures": figures,
    "datasets": datasets,
    "formats": formats,
}


def write(folder: Path) -> None:
    """Write every gallery and the table of contents."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (folder / f"{name}.md").write_text(make(), "utf-8")
    listing = "\n".join(PAGES)
    (folder / "index.md").write_text(
        "# Galleries\n\nMade from the registries of the package at every build.\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{listing}\n```\n",
        "utf-8",
    )
