"""The command `sweep`: one run over a grid of fields."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from ..errors import ArgumentError
from ..experiments.sweeping import Sweep
from ..media import TABLES, guarded
from ..study.texts import axis
from ..units import scale
from . import options
from .grouped import grouped
from .options import OUT, SHOCK, option, print_json
from .outputs import draw, drawable, tell, writable
from .specifying import Data, Run
from .terminal import paragraph, put, say, table

MOST = 30
USUAL = "socialized_share"


@grouped
def sweep(
    source: options.Source,
    over: Annotated[
        list[str] | None,
        option(
            "FIELD=VALUES",
            "An axis, in place of those in a study: model.NAME, shock.recovery, shock.scale, "
            "shock.fraction, "
            "shock.default, network.capital, network.exposures, rule.NODE; values "
            "START:STOP:COUNT or A,B,C. Repeatable.",
            SHOCK,
        ),
    ] = None,
    measure: Annotated[
        str | None,
        option(
            "NAME",
            "What to print and draw, such as loss, defaults, socialized_share. By default "
            "socialized_share, and loss for models that do not settle claims.",
            OUT,
        ),
    ] = None,
    jobs: options.Jobs = 1,
    out: Annotated[Path | None, option("FILE", "Write the long table here, .csv.", OUT)] = None,
    figure: Annotated[
        Path | None,
        option("FILE", "Draw the phase diagram of the first two axes, .png or .svg.", OUT),
    ] = None,
    as_json: options.Json = False,
    *,
    run: Run,
    data: Data,
) -> None:
    """Run one shock over a grid of fields of the model, the shock, the rules or the network.

    Example: contagion sweep cefi_credit_2022 --over shock.recovery=0:1:6
    --over network.capital=0.5,1,2
    """
    drawable(figure)
    writable(out, TABLES, "--out")
    study = run.on(data.study(source))
    own = dict(study.outputs.get("sweep", {}))
    if over:
        own["grid"] = {name: axis(text, f"--over {name}") for name, text in fields_of(over).items()}
    if not own.get("grid"):
        raise ArgumentError("Say what to vary: --over FIELD=START:STOP:COUNT, or FIELD=A,B,C.")
    axes = own["grid"]
    if figure is not None and len(axes) < 2:
        raise ArgumentError("--figure draws two axes: give --over twice.")
    running = {"n_jobs": jobs, "progress": sys.stderr.isatty() and not as_json}
    begun = data.begin(study.but(outputs={"sweep": own}), running=running)
    done = begun["sweep"]
    chosen = measure or usual(done)
    done.mean(chosen)  # an unknown measure raises before any file is written
    if out is not None:
        guarded(done.table).to_csv(out, index=False)
    draw(figure, lambda plot: plot.phase_diagram(done, chosen, *list(axes)[:2]))
    if as_json:
        rows = done.table.to_dict("records")
        print_json({"axes": axes, "unit": begun.network.unit, "cells": rows})
        return
    show(done, chosen)
    tell(out and out.parent, [out] if out else [], figure)


def fields_of(over: list[str]) -> dict[str, str]:
    """The axes of --over, text by name."""
    found = {}
    for text in over:
        name, sign, given = text.partition("=")
        if not (name and sign and given):
            raise ArgumentError(f"--over {text}: write NAME=START:STOP:COUNT, or NAME=VALUE,VALUE.")
        found[name] = given
    return found


def usual(done: Sweep) -> str:
    """The measure that is printed unless one is named."""
    return USUAL if USUAL in done.measures else "loss"


def show(done: Sweep, measure: str | None = None) -> None:
    """Print the mean of a measure in every cell."""
    measure = measure or usual(done)
    values = done.mean(measure)
    first, *others = repr(done).splitlines()
    say(first)
    names, means = list(done.axes), values["mean"]
    to = scale(means, done.unit) if measure in done.money else None
    rows = [
        [*(_text(row[name]) for name in names), (to or _text)(row["mean"])]
        for row in values.head(MOST).to_dict("records")
    ]
    put(table([*names, to.named(measure) if to else measure], rows, words=()))
    if len(values) > MOST:
        put(paragraph(f"({len(values) - MOST:,} more cells: --out FILE writes them all)"))
    say(*(text.strip() for text in others if "failed;" in text))


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:,.6g}"
    return str(value)
