"""The layers of the package: an arrow may only point down. And what it must not drag in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "contagion"
FILES = sorted(PACKAGE.rglob("*.py"))
# The rooms from the ground up; an arrow may only point down, imports for types included.
ROOMS = (
    "handed",
    "vocabulary",
    "parallel",
    "errors",
    "units",
    "media",
    "text",
    "facts",
    "records",
    "citations",
    "statistics",
    "kernels",
    "rules",
    "network",
    "shocks",
    "scenarios",
    "datasets",
    "synthetic",
    "results",
    "models",
    "measures",
    "margin",
    "liquidation",
    "venues",
    "lookthrough",
    "randomgraphs",
    "experiments",
    "outofcore",
    "study",
    "panel",
    "plot",
    "report",
    "cli",
    "__main__",
)
LEVEL = {name: level for level, name in enumerate(ROOMS)}
HEAVY = {  # loaded on use, never by `import contagion`
    "matplotlib",
    "networkx",
    "jinja2",
    "typer",
    "click",
    "rich",
    "numba",
    "tqdm",
    "joblib",
    "duckdb",
    "polars",
    "python_calamine",
    "xlsxwriter",
    "weasyprint",
    "nbclient",
    "jupytext",
    "scipy.linalg",
    "scipy.optimize",
    "scipy.sparse.csgraph",
    "scipy.special",
    "scipy.stats",
}


def owner(path: Path) -> str:
    """The top-level part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(source: str, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Absolute dotted names that a module imports, also inside functions and for types only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            stem = base + tuple(filter(None, (node.module or "").split(".")))
            yield from ((*stem, alias.name) for alias in node.names)


def package_of(path: Path) -> tuple[str, ...]:
    return ("contagion", *path.relative_to(PACKAGE).parts[:-1])


def arrows(path: Path) -> set[str]:
    """Parts of the package that a file imports."""
    found = imports(path.read_text("utf-8"), package_of(path))
    names = {name[1] for name in found if name[0] == "contagion" and len(name) > 1}
    return names - {"__version__"}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_graph() -> dict[str, set[str]]:
    """Which module imports which; a name that is no module counts for the module that has it."""
    known = {module_of(path) for path in FILES}
    graph: dict[str, set[str]] = {}
    for path in FILES:
        found = {".".join(name) for name in imports(path.read_text("utf-8"), package_of(path))}
        targets = {name if name in known else name.rpartition(".")[0] for name in found} & known
        graph[module_of(path)] = targets - {module_of(path), "contagion"}
    return graph


def loops(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import themselves through others."""
    found = []
    for start in graph:
        seen: set[str] = set()
        stack = [start]
        while stack:
            for other in graph.get(stack.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        if start in seen:
            found.append(start)
    return found


def test_every_room_has_a_layer():
    assert {owner(path) for path in FILES} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_arrows_point_down(path):
    """`__init__.py` of the package hands everything out and may look at everything."""
    me = owner(path)
    if me == "__init__":
        return
    for other in arrows(path) - {me}:
        assert other in LEVEL, f"{me} imports {other}, which has no layer"
        assert LEVEL[other] < LEVEL[me], f"{me} imports {other}, which is not below it"


def test_modules_do_not_import_each_other_in_a_circle():
    assert loops(module_graph()) == []


def test_a_basename_stands_in_two_rooms_at_most():
    rooms: dict[str, set[str]] = {}
    for path in FILES:
        if path.name != "__init__.py":
            rooms.setdefault(path.stem.lstrip("_"), set()).add(owner(path))
    assert {name: places for name, places in rooms.items() if len(places) > 2} == {}


def test_an_arrow_up_and_a_circle_would_be_noticed():
    up = "def f():\n    from ..report import write_report\n"
    assert list(imports(up, ("contagion", "models"))) == [("contagion", "report", "write_report")]
    here = "from . import rules, network"
    assert list(imports(here, ("contagion",))) == [("contagion", "rules"), ("contagion", "network")]
    typed = "if TYPE_CHECKING:\n    from .report import x\n"
    assert list(imports(typed, ("contagion",))) == [("contagion", "report", "x")]
    assert list(imports("import pandas as pd", ("contagion",))) == [("pandas",)]
    assert list(imports("from .. import plot", ("contagion", "report"))) == [("contagion", "plot")]
    assert loops({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernels").glob("*.py")), ids=lambda p: p.name)
def test_kernels_know_arrays_only(path):
    found = {name[0] for name in imports(path.read_text("utf-8"), package_of(path))}
    assert found <= {"numpy", "scipy", "numba", "contagion", *sys.stdlib_module_names}
    assert "numba" not in found or path.name == "compiled.py"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_stay_short(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= 400, f"{path.name} has {lines} lines: split it"


def loaded(statement: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_is_light():
    """Nothing but the standard library: a name of the public face is loaded when it is used."""
    extra = loaded("import contagion") - loaded("import importlib, typing")
    assert {name for name in extra if name.startswith("contagion")} == {
        "contagion",
        "contagion.handed",
    }
    assert {name.partition(".")[0] for name in extra} <= {"contagion", *sys.stdlib_module_names}


def test_networks_and_shocks_are_light():
    known = loaded("import pandas, scipy.sparse")
    extra = loaded("import contagion as ct; ct.ExposureNetwork, ct.Shock") - known
    assert not extra & HEAVY, sorted(extra & HEAVY)
    foreign = {name.partition(".")[0] for name in extra} - set(sys.stdlib_module_names)
    assert foreign <= {"contagion", "narwhals", "numpy", "pandas", "scipy"}, sorted(foreign)


@pytest.mark.parametrize("words", [["--help"], ["datasets"], ["--version"]])
def test_commands_that_need_no_table_load_none(words):
    extra = loaded(f"from contagion.cli import run; run({words})")
    assert "typer" in extra
    assert not extra & {"numpy", "pandas", "scipy", "pyarrow", "narwhals", "contagion.network"}


def test_running_a_model_stays_light():
    extra = loaded(
        "import contagion as ct; "
        "net = ct.ExposureNetwork.from_matrix([[0, 4], [0, 0]], ['a', 'b'], "
        "orientation='debtor->creditor', external_assets=[5, 1]); "
        "result = ct.EisenbergNoe().propagate(net, ct.Shock.default('a')); "
        "repr(result), result.table, result.bearers, result.explain('b'), ct.rank(net)"
    )
    assert not extra & {"matplotlib", "networkx", "jinja2", "typer", "numba", "polars"}


def test_the_light_test_can_fail():
    assert "jinja2" in loaded("import jinja2")


def test_nothing_outside_the_project_is_read():
    """No path that only exists on somebody's machine, and none above the project."""
    outside = re.compile(r"(?<![\w.\])}])/(?:home|Users|root|opt|mnt|srv)/|[A-Z]:\\\\|\.\./\.\./")
    texts = [*FILES, *ROOT.glob("tests/*.py"), *ROOT.glob("docs/*.py"), *ROOT.glob("notebooks/*")]
    texts += [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("datasets/*/*"), *ROOT.glob("*.md")]
    texts += [ROOT / ".ci" / "run", ROOT / "pyproject.toml"]
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in texts
        if path.is_file() and path != Path(__file__) and path.suffix not in {".png", ".parquet"}
        for match in outside.finditer(path.read_text("utf-8"))
    ]
    assert not found
