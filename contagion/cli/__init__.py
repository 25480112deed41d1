"""The command line: `contagion --help`. It parses arguments and prints results; no computation.

Errors of the user are one paragraph on stderr with exit code 2, never a traceback.

- `app`: the commands by name, each loaded when it is called
- `listing`, `checking`, `runs`, `compare`, `rules`, `venues`, `ranks`: catalogues, checks of data,
  one run, rules, venues, rankings
- `stressing`, `sweeps`, `reversing`: many runs
- `liquidations`: margin books; `making`, `reconstructing`: random networks, or from margins
- `studying`: a starter, examples, a package for replication
- `options`, `specifying`, `rule_arguments`, `market_arguments`: from options to a study
- `terminal`, `*_text`, `layers`, `outputs`: results as text, tables and figures
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

import typer

from .app import app

__all__ = ["app", "main"]

ClickException = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with code 0 on success, 2 for unusable input.

    Parameters
    ----------
    arguments : the arguments after the program's name; by default those of the process.
    """
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    from ..errors import ContagionError, MarginError, NetworkError
    from ..media import visible
    from .terminal import findings_text, paragraph

    def said(text: str) -> str:
        from ..network.tables.surfaces import in_study, on_command_line

        return in_study(text) if _of_study(arguments) else on_command_line(text)

    def say(message: object) -> int:
        text = paragraph(said(str(message)))
        print(visible(text, keep="\n"), file=sys.stderr)
        return 2

    try:
        code = app(
            list(arguments), prog_name="contagion", standalone_mode=False, obj=list(arguments)
        )
    except (typer.Abort, KeyboardInterrupt):
        return say("Stopped.")
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except (NetworkError, MarginError) as error:
        if not error.findings:
            return say(error)
        print(visible(findings_text(error.findings, said), keep="\n"), file=sys.stderr)
        return 2
    except OverflowError as error:
        return say(f"A number is too large: {error}.")
    except (ContagionError, OSError) as error:
        return say(error)
    except Exception as error:
        if not isinstance(error, ClickException):
            raise
        return say(error.format_message())  # type: ignore[attr-defined]
    return code if isinstance(code, int) else 0


def _of_study(arguments: Sequence[str]) -> bool:
    """Whether the source is a study. The fix of a finding is then given in the terms of a study.

    >>> _of_study(["run", "study.toml"]), _of_study(["stress", "x.csv", "--scenarios", "x.toml"])
    (True, False)
    """
    pairs = pairwise(arguments)
    return arguments[:1] == ["replicate"] or any(
        word.endswith(".toml") and not before.startswith("-") for before, word in pairs
    )
