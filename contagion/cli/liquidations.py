"""The commands about margin books: liquidation cascades, and liquidation profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError, ConvergenceError
from ..liquidation import CascadeResult, LiquidationCascade, MarginBook, concentration, liquidatable
from ..liquidation.cascade_measures import cascade_multiplier, time_to_stop, total_loss
from ..liquidation.coupling import CoupledResult
from ..liquidation.margin_book import NUMERAIRE
from ..network.exposure_network import ExposureNetwork
from ..shocks import Shock
from ..study import Study, StudyRun
from ..study.kinds import word
from ..study.market import places as market_places
from ..study.market import together
from ..study.result_tables import of_cascade
from ..study.values import plain_value, read_shock
from ..units import parse
from . import market_arguments as market
from .grouped import grouped
from .liquidations_text import cascade_text, coupled_text, profile_text
from .market_arguments import alike
from .options import OUT, SHOCK, Figure, Json, option, print_json
from .outputs import draw, drawable, rows, save, tell
from .read_options import Reading
from .specifying import Data, Run
from .terminal import paragraph, put

GRAPH = "Network (with --network)"
MOVES = "-0.05,-0.1,-0.2,-0.3,-0.5"


def _out(tables: str) -> Any:
    text = f"Write {tables} as CSV, and summary.json, into this folder."
    return option("DIR", text, OUT)


def _on_graph(text: str, metavar: str) -> Any:
    return option(metavar, text, GRAPH)


@grouped
def cascade(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            help="A study (.toml) with [market] and [cascade], in place of the options.",
            show_default=False,
        ),
    ] = None,
    positions: market.Positions = None,
    loans: market.Loans = None,
    prices: market.Prices = None,
    maintenance: market.Maintenance = "0.05",
    unit: market.Money = None,
    move: Annotated[
        list[str] | None,
        option(
            "ASSET=CHANGE",
            "Relative change of a price, such as ETH=-0.3 or ETH=-30%. Repeatable.",
            SHOCK,
        ),
    ] = None,
    impact: Annotated[
        str,
        option(
            "IMPACT",
            f"How sales move prices: {', '.join(market.IMPACTS)}, "
            "with parameters as in linear:depth=5k or linear:depth=ETH:5k,BTC:300 (units "
            "of each asset; others are not moved).",
            SHOCK,
        ),
    ] = "none",
    oracle: Annotated[
        str,
        option(
            "ORACLE",
            f"The price that venues use: {', '.join(market.ORACLES)}, as "
            "in time-weighted:window=3 or hard-coded:price=xUSD:1.",
            SHOCK,
        ),
    ] = "market",
    halt: Annotated[
        str | None,
        option("FALL:ROUNDS", "Halt after this fall, for this number of rounds: 0.1:5.", SHOCK),
    ] = None,
    throttle: Annotated[
        str | None,
        option(
            "UNITS", "Most units of an asset liquidated in a round: 100, or ETH:100,BTC:5.", SHOCK
        ),
    ] = None,
    free: Annotated[
        list[str] | None,
        option("HOLDER=AMOUNT", "Cash of a holder to meet margin calls. Repeatable.", SHOCK),
    ] = None,
    max_rounds: Annotated[
        int, option(None, "Maximum number of rounds; a longer cascade is an error.", SHOCK, min=1)
    ] = 1_000,
    network: Annotated[
        str | None,
        _on_graph(
            "Venues and holders are nodes of this dataset or file of exposures: deficits "
            "spread there, and losses in clearing reduce the cash for the next margin call.",
            "DATASET-OR-FILE",
        ),
    ] = None,
    nodes: Annotated[Path | None, _on_graph("Table of the nodes, for a file.", "FILE")] = None,
    orientation: Annotated[
        str | None, _on_graph("creditor-debtor or debtor-creditor.", "ORDER")
    ] = None,
    assume_equity: Annotated[
        list[str] | None, _on_graph("Equity missing in the data. Repeatable.", "NODE=AMOUNT")
    ] = None,
    repair: Annotated[
        list[str] | None, _on_graph("As in `contagion check`. Repeatable.", "WHAT=HOW")
    ] = None,
    rule: Annotated[
        list[str] | None,
        _on_graph("How a node shares a shortfall; see `contagion rules`. Repeatable.", "NODE=RULE"),
    ] = None,
    default: Annotated[
        list[str] | None, _on_graph("Node that also defaults and pays 0. Repeatable.", "NODE")
    ] = None,
    loss: Annotated[
        list[str] | None,
        _on_graph("External assets that are also destroyed. Repeatable.", "NODE=AMOUNT"),
    ] = None,
    out: Annotated[
        Path | None, _out("path, venues and accounts (with --network nodes and bearers)")
    ] = None,
    figure: Figure = None,
    as_json: Json = False,
    *,
    reading: Reading,
) -> None:
    """Run a price shock through positions and loans: liquidations, and deficits of venues.

    Example: contagion cascade --positions positions.csv --prices ETH=2000 --move ETH=-0.3
    """
    drawable(figure)
    moves = market.moves(move)
    if not moves and not (default or loss) and source is None:
        raise ArgumentError("Say which price moves: --move ASSET=CHANGE, such as --move ETH=-0.3.")
    on_graph = {"--nodes": nodes, "--orientation": orientation, "--repair": repair,
                "--assume-equity": assume_equity, "--rule": rule, "--default": default,
                "--loss": loss}  # fmt: skip
    for flag, value in on_graph.items():
        if value and network is None:
            raise ArgumentError(f"{flag}: it needs --network DATASET-OR-FILE.")
    result: CascadeResult | CoupledResult
    try:
        if source is not None:
            said = {"--positions": positions, "--loans": loans, "--prices": prices, "--free": free,
                    "--network": network, "--halt": halt, "--throttle": throttle}  # fmt: skip
            result = _of_study(source, moves, [flag for flag, x in said.items() if x], reading)
            notes = []
        else:
            data = Data(
                nodes=nodes, orientation=orientation, assume_equity=assume_equity, repair=repair
            )
            graph, shock = None, None
            if network is not None:
                run = StudyRun(Run(default=default, loss=loss).on(data.study(network), rule))
                graph, shock = run.network, run.shock if default or loss else None
                unit = unit or _unit(graph)
                reading.hear_network(graph, network)
            book = market.read_book(positions, loans, prices, maintenance, unit, reading=reading)
            breakers: list[Any] = [] if halt is None else [market.halt(halt)]
            breakers += [] if throttle is None else [market.throttle(throttle, book.assets)]
            chosen = LiquidationCascade(
                impact=market.impact(impact, book.assets),
                oracle=market.oracle(oracle, book.assets),
                breakers=tuple(breakers),
                max_rounds=max_rounds,
            )
            notes = [alike(chosen.impact, "--impact", book.assets),
                     alike(chosen.oracle, "--oracle", book.assets)]  # fmt: skip
            money = market.amounts(free, "--free", "HOLDER=AMOUNT, such as --free desk=2m")
            if graph is None:
                result = chosen.run(book, moves, money)
            else:
                model = together(book, chosen, graph, money)
                result = model.propagate(graph, Shock.price(moves) + (shock or Shock()))
    except ConvergenceError as error:
        if "max_rounds" not in str(error):
            raise
        raise ArgumentError(f"{error} Raise --max-rounds.") from None
    joint = result if isinstance(result, CoupledResult) else None
    done = result if isinstance(result, CascadeResult) else result.cascade
    frames = of_cascade(result)
    found = {**_record(done, joint), "notes": [note for note in notes if note]}
    files = save(out, frames, found)
    draw(figure, lambda plot: plot.cascade_path(done))
    if as_json:
        print_json({**found, **rows(frames), "files": files, "figure": figure})
        return
    words = _words(done.cascade) if source is not None else [f"impact {impact}", f"oracle {oracle}"]
    words += [
        f"{name} {value}" for name, value in (("halt", halt), ("throttle", throttle)) if value
    ]
    put(cascade_text(done, ", ".join(words), found, frames))
    if joint is not None:
        put(f"\n{coupled_text(joint)}")
    _end([*found["notes"]], out, files, figure)


def _of_study(
    source: str, moves: dict[str, float], options: list[str], reading: Reading
) -> CascadeResult | CoupledResult:
    """The cascade of a study; price moves, if given, replace those of its shock."""
    if not source.endswith(".toml"):
        raise ArgumentError(
            f"{source}: say what it is, --positions {source} or --loans {source}; or name a study "
            "(.toml) with [market] and [cascade]."
        )
    if options:
        raise ArgumentError(f"{options[0]}: a study sets this in [market] and [cascade].")
    study = Study.read(source)
    if moves:
        before = {} if study.shock is None else plain_value(study.shock)
        study = study.but(shock=read_shock({**before, "price": moves}, "--move"))
    run = StudyRun(study.but(outputs=["cascade"]))
    market.heard(run.book, market_places(study.market), reading)
    if study.network:
        reading.hear_network(run.network, source)
    found: CascadeResult | CoupledResult = run["cascade"]
    return found


def _unit(network: ExposureNetwork) -> str:
    """The unit of the network for prices and margins; raise if it has a scale, as in USD m."""
    if parse(network.unit).factor != 1:
        raise ArgumentError(
            f"The network is in {network.unit!r}. Give the unit of prices and margins: "
            f"--unit {parse(network.unit).asset or 'USD'}, or the same."
        )
    return network.unit


def _words(cascade: Any) -> list[str]:
    """Impact, oracle and breakers in words."""
    named = [word(type(x)) for x in (cascade.impact, cascade.oracle, *cascade.breakers)]
    return [f"impact {named[0]}", f"oracle {named[1]}", *named[2:]]


@grouped
def profile(
    positions: market.Positions = None,
    loans: market.Loans = None,
    prices: market.Prices = None,
    maintenance: market.Maintenance = "0.05",
    unit: market.Money = None,
    moves: Annotated[
        str, option("CHANGES", "Relative changes of prices, separated by commas.", SHOCK)
    ] = MOVES,
    asset: Annotated[
        list[str] | None,
        option("ASSET", "Asset that moves; by default all but money, equally. Repeatable.", SHOCK),
    ] = None,
    out: Annotated[Path | None, _out("profile and concentration")] = None,
    figure: Figure = None,
    as_json: Json = False,
    *,
    reading: Reading,
) -> None:
    """List what becomes liquidatable when prices move, and how concentrated the holders are.

    Static: all liquidations at once and without price impact.
    Example: contagion liquidatable --loans loans.csv --prices prices.csv --asset ETH
    """
    drawable(figure)
    book = market.read_book(positions, loans, prices, maintenance, unit, reading=reading)
    at = market.steps(moves)
    found = liquidatable(book, at, asset)
    holders = concentration(book, at, asset, k=[1, 3])
    frames = {"profile": found, "concentration": holders}
    notes = []
    if asset is None and len(book.loans):
        owed = sorted({str(x) for x in book.loans["debt_asset"]} - {NUMERAIRE})
        if owed:
            notes.append(f"note: all prices move alike, also those of borrowed assets "
                         f"({', '.join(owed)}); to move one alone, give --asset ASSET")  # fmt: skip
    record = {**_version(), "book": _book(book), "moving": asset, "notes": notes}
    files = save(out, frames, record)
    draw(figure, lambda plot: plot.liquidation_profile(book, asset))
    if as_json:
        print_json({**record, **rows(frames), "files": files, "figure": figure})
        return
    put(profile_text(book, found, holders, asset))
    _end(notes, out, files, figure)


def _end(notes: list[str], out: Path | None, files: list[Path], figure: Path | None) -> None:
    for note in notes:
        put(f"\n{paragraph(note, '', '  ')}")
    tell(out, files, figure)


def _version() -> dict[str, Any]:
    from .. import __version__

    return {"contagion": __version__}


def _book(book: MarginBook) -> dict[str, Any]:
    return {"unit": book.unit, "accounts": len(book), "holders": len(book.holders),
            "venues": len(book.venues), "prices": book.prices}  # fmt: skip


def _record(done: CascadeResult, joint: CoupledResult | None) -> dict[str, Any]:
    """Settings and results of a run, without the tables."""
    stop = time_to_stop(done)
    found = {
        **_version(),
        "book": _book(done.before),
        "cascade": repr(done.cascade),
        "move": done.shock,
        "rounds": done.rounds,
        "last": stop.last,
        "liquidated": stop.liquidated,
        "calls_met": float(done.outcome.topped.sum()),
        "loss": float(total_loss(done.before, done.outcome)),
        "multiplier": cascade_multiplier(done),
        "ledger": done.ledger,
    }
    if joint is not None:
        result = joint
        found |= {
            "network": result.network.name,
            "shock": repr(result.shock),
            "joint_rounds": joint.rounds,
            "on_graph": {key: joint.totals[key] for key in ("on_graph", "borne")},
            "socialization": result.socialization.to_dict(),
            "assumptions": list(result.network.assumptions),
        }
    return found
