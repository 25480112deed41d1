"""The command `stress`: many scenarios through a model, into a folder that can be gone on with."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError, StressError
from ..experiments.stress import StressTest
from ..experiments.stress.folder import COMMAND, MANIFEST, Folder
from ..network.exposure_network import ExposureNetwork
from ..network.tables.reading import OPTIONS as READING
from ..scenarios import Scenarios
from ..text import choice
from . import options
from .grouped import grouped
from .options import OUT, SHOCK, load, option, print_json
from .outputs import draw, drawable, tell
from .read_options import Reading
from .rule_arguments import ruled
from .scenario_arguments import again, list_kinds, model_of, set_of
from .stress_text import record, show

TARGETS = ("mean", "value-at-risk", "expected-shortfall")
OF_NETWORK = ("source", "nodes", "orientation", "unit", "layer", "assume_equity", "repair",
              "period", "reading", "rule")  # fmt: skip
OF_RUN = (
    "scenarios", "given", "count", "rng", "model", "param", "baseline", "paired", "target_error",
    "target", "level",
)  # fmt: skip
WITH_RESUME = (*OF_NETWORK, *READING, "creditor", "resume", "jobs", "figure", "as_json")
Found = tuple[StressTest, ExposureNetwork, Scenarios]


@grouped
def stress(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A dataset, a file or folder of exposures, or a folder of networks, as "
            "`contagion reconstruct` writes it: an ensemble. Without it: the kinds of scenarios.",
            show_default=False,
        ),
    ] = None,
    scenarios: Annotated[
        str,
        option(
            "KIND|FILE",
            "A kind of scenarios, such as common-factor, t-copula, defaults, "
            "single-defaults; or a file that says it, .toml.",
            SHOCK,
        ),
    ] = "common-factor",
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
        int | None, option("N", "How many. By default 10,000, or what the file says.", SHOCK)
    ] = None,
    rng: Annotated[
        int | None, option("SEED", "The seed. By default 0, or what the file says.", SHOCK)
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
    nodes: options.Nodes = None,
    orientation: options.Orientation = None,
    unit: options.Unit = None,
    layer: options.Layer = None,
    period: options.Period = None,
    assume_equity: options.AssumeEquity = None,
    repair: options.Repair = None,
    jobs: options.Jobs = 1,
    target_error: Annotated[
        float | None,
        option(
            "SHARE",
            "Stop as soon as the standard error of --target, relative to it, is below this.",
            "Running",
        ),
    ] = None,
    target: Annotated[
        str,
        option(
            "WHAT",
            "mean, value-at-risk or expected-shortfall, of the loss, at the highest level.",
            "Running",
        ),
    ] = "mean",
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
            "command goes on where it stopped.",
            OUT,
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        option(
            "DIR",
            "Go on with the folder of a stress test, or read it. SOURCE only where the folder "
            "does not know it.",
            "Running",
        ),
    ] = None,
    figure: Annotated[
        Path | None, option("FILE", "Draw the loss exceedance curve, .png or .svg.", OUT)
    ] = None,
    as_json: options.Json = False,
    *,
    reading: Reading,
) -> None:
    """Run many scenarios through a model: mean, VaR and ES of the loss, who defaults how often.

    Example: contagion stress cefi_credit_2022 --set volatility=0.3 --set correlation=0.5
    --count 20000 --out june

    VaR is the value at risk, ES the expected shortfall; every number has its 95 % interval.
    """
    if source is None and resume is None:
        list_kinds()
        return
    drawable(figure)
    said = {**context.params, "reading": reading.keywords()}
    words = {name: said[name] for name in (*OF_NETWORK, *OF_RUN)} | {"cwd": os.getcwd()}
    run: dict[str, Any] = {"n_jobs": jobs, "progress": sys.stderr.isatty() and not as_json}
    if resume is None:
        test, network, drawn = _begin(words, out, run)
    else:
        _alone(context)
        test, network, drawn = _go_on(resume, None if source is None else words, run)
    draw(figure, lambda plot: plot.exceedance(test))
    place = resume or out
    if as_json:
        print_json(record(test, drawn, place))
        return
    show(test, network, drawn, place)
    tell(None, [], figure)


def _begin(words: dict[str, Any], out: Path | None, run: dict[str, Any]) -> Found:
    """The stress test of a command, into a folder or not."""
    from ..experiments import stress as room

    choice(words["target"], TARGETS, "--target")
    with contextlib.chdir(words["cwd"]):
        nets = networks(words, words["model"])
        chosen = options.model(words["model"], words["param"])
        drawn = set_of(nets[0], *(words[name] for name in ("scenarios", "given", "count", "rng")))
    with _kept(out, words):
        test = room.stress_test(
            nets if len(nets) > 1 else nets[0],
            chosen,
            drawn,
            design="paired" if words["paired"] else "crossed",
            baseline=words["baseline"],
            levels=words["level"] or (0.95, 0.99),
            target_error=words["target_error"],
            target=words["target"].replace("-", "_"),
            out=out,
            **run,
        )
    return test, nets[0], drawn


def _go_on(folder: Path, words: dict[str, Any] | None, run: dict[str, Any]) -> Found:
    """The stress test of a folder; `words` where the network is said anew."""
    from ..experiments import stress as room

    if words is None and (folder / COMMAND).is_file() and not (folder / MANIFEST).exists():
        return _begin(_known(folder, OF_RUN), folder, run)  # it was stopped before the manifest
    manifest = Folder(folder).manifest()["spec"]
    model, chosen = model_of(manifest["model"])
    words = {name: (words or _known(folder))[name] for name in (*OF_NETWORK, "cwd")}
    with contextlib.chdir(words["cwd"]):
        nets = networks(words, model)
    drawn = again(nets[0], manifest["scenarios"])
    with _kept(folder, words):
        test = room.resume(folder, nets, chosen, drawn, **run)
    return test, nets[0], drawn


# -- what is run ------------------------------------------------------------------------------


def networks(words: dict[str, Any], model: str) -> list[ExposureNetwork]:
    """The network of a dataset, file or folder; or those in the folders of a folder.

    Raises
    ------
    MissingFileError, ArgumentError, NetworkError : as :func:`~contagion.cli.options.load` and
        :func:`~contagion.cli.rule_arguments.ruled` do.
    """
    place = Path(words["source"])
    inside = sorted(place.iterdir()) if place.is_dir() else []
    each = [folder for folder in inside if folder.is_dir() and any(folder.glob("exposures.*"))]
    if not each or any(place.glob("exposures.*")):
        each = [place]
    sources = [words["source"]] if each == [place] else [str(folder) for folder in each]
    rest = [words[name] for name in OF_NETWORK if name not in ("source", "rule")]
    return [ruled(load(source, *rest), words["rule"], model).network for source in sources]


# -- the folder -------------------------------------------------------------------------------


def _alone(context: typer.Context) -> None:
    """Refuse options that the folder of --resume already says."""
    for parameter in context.command.params:
        name = str(parameter.name)
        where = context.get_parameter_source(name)
        if where is not None and where.name == "COMMANDLINE" and name not in WITH_RESUME:
            raise ArgumentError(
                f"--resume goes on with what the folder says: leave out {parameter.opts[0]}. "
                "Another run needs another folder."
            )


def _known(folder: Path, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """How the run of a folder was called: where its network came from, and `more`."""
    file = folder / COMMAND
    if not file.is_file():
        raise StressError(
            f"{folder} does not say where its network came from: contagion stress SOURCE --resume "
            f"{folder}, with the dataset or file that it was begun with."
        )
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if found.keys() >= {*OF_NETWORK, *more, "cwd"}:
            return found
    except (ValueError, AttributeError):
        pass
    raise StressError(
        f"{file} is not what contagion stress writes. Say the network: contagion stress SOURCE "
        f"--resume {folder}."
    )


@contextlib.contextmanager
def _kept(folder: Path | None, words: dict[str, Any]) -> Iterator[None]:
    """Note in the folder how the run was called; when stopped, say how to go on.

    Of a new folder that is done first, so that a process may be killed at any time; of another
    one as soon as it took the run as its own. A signal to terminate, as of a queue of a cluster,
    stops like Ctrl-C.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    sessions, new = _sessions(folder), folder is not None and not folder.exists()
    alone, begun = (
        folder is not None and (folder / name).exists() is there
        for name, there in ((COMMAND, False), (MANIFEST, True))
    )
    if folder is not None and _unsaid(folder):
        _note(folder, words)
    try:
        yield
    except KeyboardInterrupt:
        raise StressError(_stopped(folder)) from None
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
        if folder is not None and _sessions(folder) != sessions:  # it took the run as its own
            _note(folder, words)
        elif folder is not None and alone and (begun or not (folder / MANIFEST).exists()):
            with contextlib.suppress(NotADirectoryError):
                (folder / COMMAND).unlink(missing_ok=True)
            if new and folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def _unsaid(folder: Path) -> bool:
    """Whether a folder is new, or holds a run and not how it was called."""
    if (folder / MANIFEST).exists():
        return not (folder / COMMAND).exists()
    return (folder.is_dir() or not folder.exists()) and not Folder(folder).foreign()


def _note(folder: Path, words: dict[str, Any]) -> None:
    """Write the command, whole or not at all, over what was known before."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / MANIFEST).exists() and (folder / COMMAND).is_file():
        with contextlib.suppress(StressError):
            words = _known(folder) | words
    part = folder / f".{COMMAND}.{os.getpid()}.part"
    part.write_text(json.dumps(words, indent=2, default=str) + "\n", "utf-8")
    os.replace(part, folder / COMMAND)


def _sessions(folder: Path | None) -> int:
    """How often the run of a folder was begun or gone on with."""
    if folder is None or not (folder / MANIFEST).exists():
        return 0
    return int(Folder(folder).manifest()["run"]["sessions"])


def _stopped(folder: Path | None) -> str:
    if folder is None:
        return "Stopped. Nothing was kept: with --out DIR a run can be gone on with."
    if not _sessions(folder):
        return "Stopped before anything was written."
    return (
        f"Stopped. What was done is kept in {folder}. Go on with: contagion stress --resume "
        f"{folder}"
    )
