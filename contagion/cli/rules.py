"""The commands about rules: share one loss, compare sets of rules, list the catalogue."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, cast

import pandas as pd
import typer

from ..errors import ArgumentError, ContagionError, MissingFileError, RuleError
from ..network.tables import read_table
from ..plot.style import rows as rows_of
from ..rules import RULES, Allocation, Capped, Layer, ProRata, Rule, Waterfall, dumps, to_dict
from ..rules.serialize import INNER
from ..study.rule_words import rule_from
from ..study.texts import number
from ..text import closest, documented, known_name, percent, plural
from ..units import Scale, scale
from ..venues import CATALOGUE, entry
from ..venues.card import card_of
from . import rule_arguments as words
from .grouped import grouped
from .layers import used
from .options import OUT, Json, Unit, option, print_json, settings
from .outputs import rows, save, tell
from .read_options import Reading
from .terminal import paragraph, put, say, table, width

MOST = 12
RECORD = ("title", "source", "as_of", "status", "read", "simplified")  # of a venue
EXAMPLES: dict[str, Rule] = {  # for rules with required parameters
    "capped": Capped(share=0.3),
    "waterfall": Waterfall(
        [Layer("insurance fund", capacity=30.0), Layer("winners", ProRata("profit"))]
    ),
}
Parameters = Annotated[
    list[str] | None,
    option(
        "NAME=VALUE",
        "Parameter of a word or a venue, such as weight=profit or fund=30m. Repeatable.",
        None,
    ),
]


@grouped
def allocate(
    claims: Annotated[
        Path,
        typer.Argument(
            metavar="CLAIMS",
            help="Table of the claims on one venue (CSV, Parquet, Excel): claimant, amount, layer "
            "for a waterfall, and the columns that the rule needs.",
            show_default=False,
        ),
    ],
    loss: Annotated[str, option("AMOUNT", "The loss to be shared, such as 200m.")],
    rule: Annotated[
        str,
        option(
            "RULE",
            "How it is shared: a word such as pro_rata, a TOML file, or venue:NAME. See "
            "`contagion rules`.",
        ),
    ],
    param: Parameters = None,
    lot: Annotated[str | None, option("AMOUNT", "Losses come in whole multiples of this.")] = None,
    rounding: Annotated[
        str | None,
        option(
            "HOW",
            "With --lot: down leaves remainders smaller than a lot uncovered; largest_remainder "
            "gives the missing lots to the largest remainders.",
        ),
    ] = None,
    unit: Unit = None,
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Write claims and layers as CSV, rule.toml and summary.json into this folder.",
            OUT,
        ),
    ] = None,
    as_json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Share one loss among the claims on one venue: who loses how much, layer by layer.

    Example: contagion allocate claims.csv --loss 3730 --rule venue:okex_2018 --param fund=2510
    """
    if rounding is not None and lot is None:
        raise ArgumentError(f"--rounding {rounding}: it needs --lot AMOUNT, the size of a lot.")
    chosen, frame = rule_from(rule, settings(param, "--param")), _claims(claims, unit, reading)
    for word, column in words.needed(chosen):
        if column not in frame:  # on a graph it would be the same for all
            near = closest(column, list(frame))
            hint = f"Did you mean {near!r}?" if near else "Add it, with one number for each claim."
            raise RuleError(f"{word} needs a column {column!r}; {claims.name} has none. {hint}")
    done = chosen.allocate(
        number(loss, "--loss"),
        frame,
        lot=None if lot is None else number(lot, "--lot"),
        rounding=cast(Any, rounding or "down"),
        unit=unit or "",
    )
    found = _record(done)
    files = save(
        out, {"claims": done.table, "layers": done.layers}, found, {"rule.toml": dumps(done.rule)}
    )
    if as_json:
        frames = {"layers": done.layers, "table": done.table}
        print_json({**found, "unit": unit or "", **rows(frames), "files": files})
        return
    _print(done, lot, rounding)
    tell(out, files)


def _claims(path: Path, unit: str | None, reading: Reading) -> pd.DataFrame:
    if path.is_dir():
        raise MissingFileError(
            f"There is no file {str(path)!r}: it is a folder. A claims table is a CSV file."
        )
    found = read_table(path, "claims", unit=unit or "", **reading.keywords())
    reading.hear(path, plural(len(found.table), "claim"), found.findings, as_="claims")
    return found.table


def _record(done: Allocation) -> dict[str, Any]:
    from .. import __version__

    return {
        "contagion": __version__,
        "rule": to_dict(done.rule),
        "loss": done.loss,
        "borne": float(done.table["loss"].sum()),
        "uncovered": done.uncovered,
        "fairness": done.fairness,
    }


def _print(done: Allocation, lot: str | None, rounding: str | None) -> None:
    lots = f", in lots of {lot}, rounding {rounding or 'down'}" if lot else ""
    say(f"{words.in_words(done.rule)}{lots}")
    to = scale([done.loss, *done.table["amount"], *done.layers["capacity"]], done.unit)
    rows = [
        [str(row.layer), to(row.capacity), to(row.absorbed), used(row.absorbed, row.capacity)]
        for row in rows_of(done.layers)
    ]
    rows += [["uncovered", "", to(done.uncovered), ""], ["all", "", to(done.loss), ""]]
    label = f" {to.label}" if to.label else ""
    put(f"\n{table(['layer', 'capacity', f'absorbed{label}', 'used'], rows)}")
    put(f"\n{_claims_text(done, to)}")
    put(f"\n{_fairness_text(done)}")


def _claims_text(done: Allocation, to: Scale) -> str:
    layered = len(done.layers) > 1
    frame = done.table.sort_values("loss", ascending=False, kind="stable")
    rows = [
        [str(row.claimant), *([str(row.layer)] if layered else []), to(row.amount), to(row.loss),
         to(row.paid), used(row.loss, row.amount)]
        for row in rows_of(frame.head(MOST))
    ]  # fmt: skip
    rest = frame.iloc[MOST:]
    for name, part in ((f"{len(rest):,} others", rest), ("all", frame)):
        if len(part):
            amount, lost, paid = (float(part[key].sum()) for key in ("amount", "loss", "paid"))
            rows.append([name, *([""] if layered else []), to(amount), to(lost), to(paid),
                         used(lost, amount)])  # fmt: skip
    head = ["claimant", *(["layer"] if layered else []), "amount", "loss", "paid", "share"]
    return table(head, rows, words=(0, 1) if layered else (0,))


def _fairness_text(done: Allocation) -> str:
    found = done.fairness
    if not found["bearers"]:
        return "No claim loses anything."
    return paragraph(
        f"share of claims taken {percent(found['share_of_claims_taken'])} (of layers that lose); "
        f"largest haircut {percent(found['largest_haircut'])}; concentration "
        f"{found['concentration']:.3g} (sum of squared shares by claimant); "
        f"claimants that lose something: {found['bearers']:,.0f} of "
        f"{done.table['claimant'].nunique():,}",
        "",
        "  ",
    )


def catalogue(
    name: Annotated[
        str | None, typer.Argument(help="A word or a venue; without it all are listed.")
    ] = None,
    param: Parameters = None,
    as_toml: Annotated[
        bool, option(None, "Print the rule as TOML and nothing else.", OUT, "--toml")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the rules of loss sharing and of venues, or explain one and print it as TOML.

    Example: contagion rules okex_2018 --param fund=2510
    """
    name = None if name is None else name.removeprefix("venue:")
    if name is None:
        if param or as_toml:
            raise ArgumentError(f"{'--toml' if as_toml else '--param'}: say which rule, NAME.")
        rows = [_about(each) for each in (*RULES, *CATALOGUE)]
        if as_json:
            print_json(rows)
        else:
            _list(rows)
        return
    known_name(name, [*RULES, *CATALOGUE], "rule")
    about, lacking = _about(name), ""
    try:
        chosen = _example(name, param)
        text = words.toml(chosen, width() - 1)
    except (ValueError, ContagionError) as error:
        if param or as_toml:
            raise
        lacking, text = str(error), ""
    if as_json:
        print_json({**about, "help": _help(name), "toml": text or None, "needs": lacking or None})
    elif as_toml:
        put(text)
    else:
        _explain(about, text, lacking)


def _example(name: str, param: list[str] | None) -> Rule:
    """The rule of that name with the parameters; an example if it needs some and none is given."""
    if name in EXAMPLES and not param:
        return EXAMPLES[name]
    if name in RULES:
        return rule_from(name, settings(param, "--param"))
    lacking = [need for need in entry(name).required if need not in _given(param)]
    if lacking:
        wanted = " and ".join(f"--param {need}=VALUE" for need in lacking)
        raise ArgumentError(f"{name} needs {wanted}.")
    return rule_from(f"venue:{name}", settings(param, "--param"))


def _given(param: list[str] | None) -> list[str]:
    return [text.partition("=")[0] for text in param or ()]


def _help(name: str) -> str:
    return inspect.getdoc(RULES[name]) or "" if name in RULES else entry(name).help


def _about(name: str) -> dict[str, Any]:
    if name not in RULES:
        each = entry(name)
        known = {key: getattr(each, key) for key in RECORD}
        known |= {"order": each.order, "terms": asdict(each.terms)}
        known |= {"required": list(each.required), "parameters": dict(each.parameters)}
        return {"name": name, "kind": "venue", **known}
    kind = RULES[name]
    parameters = {
        INNER.get(field.name, field.name): _plain(field.default) for field in fields(kind)
    }
    required = []
    if kind is Waterfall:
        parameters, required = {}, ["layers"]
    title = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()).replace("`", "")
    return {"name": name, "kind": "word", "title": title, "required": required,
            "parameters": parameters}  # fmt: skip


def _plain(value: Any) -> Any:
    return to_dict(value) if isinstance(value, Rule) else list(value) or None if isinstance(
        value, tuple
    ) else value  # fmt: skip


def _list(rows: list[dict[str, Any]]) -> None:
    indent = max(len(row["name"]) for row in rows) + 4
    for kind, head in (
        ("word", "Rules, --rule NAME:"),
        ("venue", "Venues, --rule venue:NAME:"),
    ):
        put(("" if kind == "word" else "\n") + head)
        for row in rows:
            if row["kind"] != kind:
                continue
            lines = [paragraph(row["title"].rstrip("."), " " * indent)]
            inside = _parameters(row)
            lines += [paragraph(inside, " " * indent)] if inside else []
            if kind == "venue":
                lines.append(paragraph(f"{row['as_of']}, {row['status']}", " " * indent))
            put(f"  {row['name']:<{indent - 2}}" + "\n".join(lines).lstrip())
    put("\nDetails of one: contagion rules NAME; all about a venue: contagion venues NAME")


def _parameters(row: dict[str, Any]) -> str:
    shown = [f"{name} (needed)" for name in row["required"]]
    for name, value in row["parameters"].items():
        inner = words.in_words(value) if isinstance(value, dict) else value
        shown.append(name if value is None else f"{name}={inner}")
    return ", ".join(map(str, shown))


def _explain(about: dict[str, Any], text: str, lacking: str) -> None:
    name, venue = about["name"], about["kind"] == "venue"
    if venue:
        put(card_of(name, (entry(name),), formulas=False).text(width() - 1))
    else:
        say(name, f"parameters: {_parameters(about) or 'none'}")
        put(f"\n{documented(_help(name), width() - 1)}")
    if lacking:
        put(f"\n{paragraph(f'As TOML, with parameters: {lacking}')}")
        return
    put(f"\nAs TOML{', an example' if name in EXAMPLES else ''}:\n")
    put(text)
    if venue:
        put(f'\nOr in short: venue = "{name}", and the parameters that differ.')


def of_card(given: Mapping[str, Any]) -> str:
    """The rules of a dataset as lines of its card, nodes of one rule together; may be empty.

    >>> print(of_card({"a": {"rule": "talmud"}, "b": "talmud", "c": {"rule": "queue"}}))
    rules      - a, b: talmud
               - c: queue
    """
    nodes: dict[str, list[str]] = {}
    for node, each in given.items():
        nodes.setdefault(words.in_words(each), []).append(node)
    lines = [f"{', '.join(of)}: {text}" for text, of in nodes.items()]
    marks = "- " if len(lines) > 1 else ""
    texts = [paragraph(f"{marks}{line}", " " * 11, " " * len(marks)) for line in lines]
    return "\n".join(texts).replace(" " * 11, f"{'rules':<11}", 1)
