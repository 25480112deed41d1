"""The commands by name: each is imported when it is called, so that `--help` is quick."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.resources import files
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .terminal import put

MARKUP: Any = "markdown"
COMMANDS = {  # name: where its function is
    "datasets": "listing.datasets",
    "check": "checking.check",
    "models": "listing.models",
    "columns": "listing.columns",
    "run": "runs.run",
    "explain": "runs.explain",
    "report": "runs.report",
    "rank": "ranks.rank",
    "compare": "compare.compare",
    "formats": "listing.formats",
    "allocate": "rules.allocate",
    "rules": "rules.catalogue",
    "venues": "venues.venues",
    "cascade": "liquidations.cascade",
    "liquidatable": "liquidations.profile",
    "sweep": "sweeps.sweep",
    "reverse": "reversing.reverse_stress",
    "generate": "making.generate",
    "stress": "stressing.stress",
    "reconstruct": "reconstructing.reconstruct",
    "init": "studying.init",
    "demo": "studying.demo",
    "replicate": "studying.replicate",
}


class Commands(TyperGroup):
    """The commands. Each is a placeholder, replaced by the loaded command when it is called."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show each command with the first paragraph of its docstring."""
        for name, command in self.commands.items():
            command.help = summary(name)
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The name, the command and its arguments."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and loaded(str(found.name)), rest


app = typer.Typer(
    name="contagion",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=MARKUP,
    help="How losses spread through networks of exposures, and who bears them in the end.\n\n"
    "Start with: contagion run cefi_credit_2022",
)


def loaded(name: str) -> Any:
    """The command of a name, with its options.

    >>> loaded("datasets").name
    'datasets'
    """
    module, _, function = COMMANDS[name].partition(".")
    alone = typer.Typer(add_completion=False, rich_markup_mode=MARKUP)
    alone.command(name)(getattr(import_module(f".{module}", __package__), function))
    return typer.main.get_command(alone)


def summary(name: str) -> str:
    """The first paragraph of the docstring of a command, read without running its module.

    >>> summary("datasets")
    'List the packaged datasets, or print the card of one.'
    """
    module, _, function = COMMANDS[name].partition(".")
    source = files(__package__).joinpath(f"{module}.py").read_text("utf-8")
    found = next(x for x in ast.parse(source).body if getattr(x, "name", "") == function)
    text = ast.get_docstring(found) if isinstance(found, ast.FunctionDef) else None
    return " ".join((text or "").split("\n\n")[0].split())


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        put(f"contagion {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """How losses spread through networks of exposures, and who bears them in the end."""


for name in COMMANDS:
    app.command(name)(lambda: None)
