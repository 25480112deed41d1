"""The command `stress`: many scenarios through a model; a run in a folder can be resumed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError, StressError
from ..experiments.stress.folder import MANIFEST, STUDY, Folder
from ..study import Study
from ..text import choice
from . import options
from .grouped import grouped
from .options import OUT, SHOCK, option, print_json
from .outputs import draw, drawable, tell
from .specifying import Data, drawn, modelled, ruled
from .stress_text import list_kinds, record, show

TARGETS = ("mean", "value-at-risk", "expected-shortfall")
WITH_RESUME = ("resume", "jobs", "figure", "as_json")


@grouped
def stress(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A dataset, a file or folder of exposures, a study (.toml), or a folder of "
            "networks, as `contagion reconstruct` writes it: an ensemble. Without it: the kinds "
            "of scenarios.",
            show_default=False,
        ),
    ] = None,
    scenarios: Annotated[
        str | None,
        option(
            "KIND|FILE",
            "A kind of scenarios, such as common-factor (the default), t-copula, defaults, "
            "single-defaults; or a file with the scenarios, .toml.",
            SHOCK,
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        option(
            "NAME=VALUE",
            "A parameter of the scenarios: a number, true or false, A,B,C, NODE:X,NODE:Y, the "
            "name of a column of the nodes, or TOML in [] or {}. Repeatable.",
            SHOCK,
            "--set",
        ),
    ] = None,
    count: Annotated[
        int | None, option("N", "Number of scenarios. By default 10,000, or as in the file.", SHOCK)
    ] = None,
    rng: Annotated[
        int | None, option("SEED", "The seed. By default 0, or as in the file.", SHOCK)
    ] = None,
    model: options.ModelName = "eisenberg-noe",
    param: options.Param = None,
    baseline: options.BaselineName = "cleared",
    rule: options.Rules = None,
    paired: Annotated[
        bool,
        option(
            None,
            "Of an ensemble: scenario s on network s mod M, instead of every scenario on "
            "every network.",
            SHOCK,
            "--paired",
        ),
    ] = False,
    jobs: options.Jobs = 1,
    target_error: Annotated[
        float | None,
        option(
            "SHARE",
            "Stop as soon as the relative standard error of --target is below this.",
            "Running",
        ),
    ] = None,
    target: Annotated[
        str | None,
        option(
            "WHAT",
            "mean (the default), value-at-risk or expected-shortfall, of the loss, at the "
            "highest level.",
            "Running",
        ),
    ] = None,
    level: Annotated[
        list[float] | None,
        option(
            "P",
            "Level of value at risk and expected shortfall. Repeatable; by default 0.95 and 0.99.",
            OUT,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            "DIR",
            "Write every scenario into this folder (Parquet, with a manifest). The same "
            "command resumes where it stopped.",
            OUT,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        option(
            "DIR",
            "Resume the stress test in this folder, or show its results if it is complete.",
            "Running",
        ),
    ] = None,
    figure: Annotated[
        Path | None, option("FILE", "Draw the loss exceedance curve, .png or .svg.", OUT)
    ] = None,
    as_json: options.Json = False,
    *,
    data: Data,
) -> None:
    """Run many scenarios through a model: mean, VaR and ES of the loss, default frequencies.

    Example: contagion stress cefi_credit_2022 --set volatility=0.3 --set correlation=0.5
    --count 20000 --out june

    VaR is the value at risk, ES the expected shortfall; every number has its 95 % interval.
    """
    if source is None and resume is None:
        list_kinds()
        return
    drawable(figure)
    run: dict[str, Any] = {"n_jobs": jobs, "progress": sys.stderr.isatty() and not as_json}
    if resume is not None:
        _alone(context)
        study = _known(resume)
    else:
        assert source is not None
        study = modelled(data.study(source), model, param, baseline)
        study = ruled(drawn(study, scenarios, given, count, rng), rule)
        choice(target or "mean", TARGETS, "--target")
        asked = {
            "design": "paired" if paired else None,
            "levels": level,
            "target_error": target_error,
            "target": target and target.replace("-", "_"),
        }
        own = dict(study.outputs.get("stress", {}))
        own |= {name: value for name, value in asked.items() if value is not None}
        study = study.but(outputs={"stress": own})
    place = resume or out
    begun = data.begin(study, out=place, running=run)
    ready = begun.scenarios  # scenarios that cannot be drawn raise before the folder is made
    with _kept(place, study):
        test = begun["stress"]
    draw(figure, lambda plot: plot.exceedance(test))
    if as_json:
        print_json(record(test, ready, place))
        return
    show(test, begun.network, ready, place)
    tell(None, [], figure)


# -- the folder -------------------------------------------------------------------------------


def _alone(context: typer.Context) -> None:
    """Raise for options that the folder of --resume already sets."""
    for parameter in context.command.params:
        name = str(parameter.name)
        where = context.get_parameter_source(name)
        if where is not None and where.name == "COMMANDLINE" and name not in WITH_RESUME:
            raise ArgumentError(
                f"--resume uses the settings in the folder: leave out {parameter.opts[0]}. "
                "Another run needs another folder."
            )


def _known(folder: Path) -> Study:
    """The study of a folder."""
    if (folder / STUDY).is_file():
        return Study.read(folder / STUDY)
    Folder(folder).manifest()
    raise StressError(
        f"{folder} has no {STUDY}, which describes the run. Repeat the same command, "
        f"with --out {folder}; or resume in Python: contagion.experiments.stress.resume."
    )


@contextlib.contextmanager
def _kept(folder: Path | None, study: Study) -> Iterator[None]:
    """Write the study of the run into its folder; after an interruption, say how to resume it.

    In a new folder the study is written first, so that the process may be killed at any time; in
    an existing one, as soon as the folder has accepted the run. A termination signal, such as
    from the queue of a cluster, stops the run like Ctrl-C.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    sessions, new = _sessions(folder), folder is not None and not folder.exists()
    alone, begun = (
        folder is not None and (folder / name).exists() is there
        for name, there in ((STUDY, False), (MANIFEST, True))
    )
    if folder is not None and _unsaid(folder):
        _note(folder, study)
    try:
        yield
    except KeyboardInterrupt:
        raise StressError(_stopped(folder)) from None
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if folder is not None and _sessions(folder) != sessions:  # the folder accepted the run
            _note(folder, study)
        elif folder is not None and alone and (begun or not (folder / MANIFEST).exists()):
            with contextlib.suppress(NotADirectoryError):
                (folder / STUDY).unlink(missing_ok=True)
            if new and folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def _unsaid(folder: Path) -> bool:
    """Whether a folder is new, or holds a run without its study."""
    if (folder / MANIFEST).exists():
        return not (folder / STUDY).exists()
    return (folder.is_dir() or not folder.exists()) and not Folder(folder).foreign()


def _note(folder: Path, study: Study) -> None:
    """Write the study atomically: completely or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{STUDY}.{os.getpid()}.part"
    study.write(part)
    os.replace(part, folder / STUDY)


def _sessions(folder: Path | None) -> int:
    """Number of times the run of a folder was started or resumed."""
    if folder is None or not (folder / MANIFEST).exists():
        return 0
    return int(Folder(folder).manifest()["run"]["sessions"])


def _stopped(folder: Path | None) -> str:
    if folder is None:
        return "Interrupted. No results were saved: with --out DIR a run can be resumed."
    if not _sessions(folder):
        return "Stopped before anything was written."
    return (
        f"Interrupted. Results so far are in {folder}. To resume: contagion stress --resume "
        f"{folder}"
    )
