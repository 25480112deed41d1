"""The command `sweep`: one run over a grid of fields."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from ..errors import ArgumentError
from ..experiments.sweeping import Case, Sweep
from ..experiments.sweeping import sweep as swept
from ..media import TABLES, guarded
from ..units import scale
from . import options
from .grouped import Data, Run, grouped
from .options import OUT, SHOCK, option, print_json
from .outputs import draw, drawable, tell, writable
from .terminal import paragraph, put, say, table
from .values import steps

MOST = 30
USUAL = "socialized_share"


@grouped
def sweep(
    source: options.Source,
    over: Annotated[
        list[str],
        option(
            "FIELD=VALUES",
            "An axis: model.NAME, shock.recovery, shock.scale, shock.fraction, "
            "shock.default, network.capital, network.exposures, rule.NODE; values "
            "START:STOP:COUNT or A,B,C. Repeatable.",
            SHOCK,
        ),
    ],
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
    model = run.chosen()
    drawable(figure)
    writable(out, TABLES, "--out")
    axes = dict(steps(text) for text in over)
    if figure is not None and len(axes) < 2:
        raise ArgumentError("--figure draws two axes: say --over twice.")
    loaded = data.load(source)
    case = Case(
        loaded.network,
        model,
        run.shock(loaded),
        run.baseline,  # type: ignore[arg-type]
    )
    done = swept(case, axes, n_jobs=jobs, progress=sys.stderr.isatty() and not as_json)
    chosen = measure or (USUAL if USUAL in done.measures else "loss")
    values = done.mean(chosen)
    if out is not None:
        guarded(done.table).to_csv(out, index=False)
    draw(figure, lambda plot: plot.phase_diagram(done, chosen, *list(axes)[:2]))
    if as_json:
        rows = done.table.to_dict("records")
        print_json({"axes": axes, "unit": loaded.network.unit, "cells": rows})
        return
    _print(done, chosen, values)
    tell(out and out.parent, [out] if out else [], figure)


def _print(done: Sweep, measure: str, values: Any) -> None:
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
