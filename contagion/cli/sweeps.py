"""The command `sweep`: one run over a grid of fields."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError
from ..experiments.sweeping import Case, Sweep
from ..experiments.sweeping import sweep as swept
from ..text import choice
from . import options
from .figures import draw, drawable
from .options import OUT, SHOCK, load, print_json
from .terminal import paragraph, table, written
from .values import steps

MOST = 30
USUAL = "socialized_share"


def add_to(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(sweep)


def sweep(
    source: options.Source,
    over: Annotated[
        list[str],
        typer.Option(
            metavar="FIELD=VALUES",
            help="An axis: model.NAME, shock.recovery, shock.scale, shock.fraction, "
            "shock.default, network.capital, network.exposures, rule.NODE; values "
            "START:STOP:COUNT or A,B,C. Repeatable.",
            rich_help_panel=SHOCK,
        ),
    ],
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to print and draw, such as loss, defaults, socialized_share. By default "
            "socialized_share, and loss for models that do not settle claims.",
            rich_help_panel=OUT,
        ),
    ] = None,
    default: options.Default = None,
    recovery: options.Recovery = None,
    loss: options.Loss = None,
    model: options.ModelName = "eisenberg-noe",
    param: options.Param = None,
    baseline: options.BaselineName = "cleared",
    nodes: options.Nodes = None,
    orientation: options.Orientation = None,
    unit: options.Unit = None,
    layer: options.Layer = None,
    assume_equity: options.AssumeEquity = None,
    repair: options.Repair = None,
    jobs: options.Jobs = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the long table here, .csv.", rich_help_panel=OUT),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw the phase diagram of the first two axes, .png or .svg.",
            rich_help_panel=OUT,
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Run one shock over a grid of fields of the model, the shock, the rules or the network.

    Example: contagion sweep cefi_credit_2022 --over shock.recovery=0:1:6
    --over network.capital=0.5,1,2
    """
    choice(baseline, ("cleared", "book"), "--baseline")
    drawable(figure)
    axes = dict(steps(text) for text in over)
    if figure is not None and len(axes) < 2:
        raise ArgumentError("--figure draws two axes: say --over twice.")
    loaded = load(source, nodes, orientation, unit, layer, assume_equity, repair)
    shock = options.shock(loaded, default, recovery, loss)
    case = Case(
        loaded.network,
        options.model(model, param),
        shock,
        baseline,  # type: ignore[arg-type]
    )
    done = swept(case, axes, n_jobs=jobs, progress=sys.stderr.isatty() and not as_json)
    chosen = measure or (USUAL if USUAL in done.measures else "loss")
    values = done.mean(chosen)
    files = []
    if out is not None:
        done.table.to_csv(out, index=False)
        files = [out]
    if figure is not None:
        from .. import plot

        x, y = list(axes)[:2]
        draw(figure, lambda: plot.phase_diagram(done, chosen, x, y))
    if as_json:
        rows = done.table.to_dict("records")
        print_json({"axes": axes, "unit": loaded.network.unit, "cells": rows})
        return
    _print(done, chosen, values)
    if files:
        print(f"\n{written(files[0].parent, files)}")
    if figure is not None:
        print(f"\nFigure: {figure}")


def _print(done: Sweep, measure: str, values: Any) -> None:
    for line in repr(done).splitlines()[:1]:
        print(paragraph(line, "", "  "))
    names = list(done.axes)
    rows = [
        [*(_text(row[name]) for name in names), _text(row["mean"])]
        for row in values.head(MOST).to_dict("records")
    ]
    print(table([*names, measure], rows, words=()))
    if len(values) > MOST:
        print(paragraph(f"({len(values) - MOST:,} more cells: --out FILE writes them all)"))
    for text in repr(done).splitlines():
        if "failed;" in text:
            print(paragraph(text.strip(), "", "  "))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:,.6g}"
    return str(value)
