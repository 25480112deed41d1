"""The public names of the package, room by room, and the pages of the API reference.

A name is public where the `__all__` of a room has it, or where a public module without `__all__`
defines it. `kernels` (arrays for the rooms above) and `cli` (its commands are in the how-to pages)
are not part of the Python interface.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import docstrings

import contagion

INTERNAL = ("contagion.cli", "contagion.kernels")


def rooms() -> dict[str, list[str]]:
    """{dotted name of a public module: its public names}, in the order of the alphabet."""
    found: dict[str, list[str]] = {}
    waiting: list[ModuleType] = [contagion, *_packages()]
    while waiting:
        module = waiting.pop()
        if module.__name__ in found or module.__name__.startswith(INTERNAL):
            continue
        found[module.__name__] = own = []
        for name in listed(module):
            value = getattr(module, name)
            if not inspect.ismodule(value):
                own.append(name)
            elif value.__name__.startswith("contagion."):
                waiting.append(value)
    return dict(sorted(found.items()))


def _packages() -> list[ModuleType]:
    """The packages with `__all__`, and `venues`, `errors`, `records`, which have none."""
    names = [
        each.name for each in pkgutil.walk_packages(contagion.__path__, "contagion.") if each.ispkg
    ]
    names = [name for name in names if not name.startswith(INTERNAL)]
    modules = [importlib.import_module(name) for name in names]
    more = [importlib.import_module(f"contagion.{name}") for name in ("errors", "records")]
    return [*(each for each in modules if hasattr(each, "__all__")), *more, contagion.venues]


def listed(module: ModuleType) -> list[str]:
    """`__all__`, or the public functions, classes and submodules that the module has itself."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    package = module.__name__ if hasattr(module, "__path__") else None
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (
            getattr(value, "__module__", None) == module.__name__
            or name == "CATALOGUE"
            or (inspect.ismodule(value) and package and value.__name__ == f"{package}.{name}")
        )
    ]


def first_line(value: object) -> str:
    """The first sentence of a docstring, on one line."""
    text = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")
    return text.strip()


def homes() -> dict[int, str]:
    """{id of a public class or function: the room whose page describes it}.

    The room nearest to the top, but not the top level itself where a room has the name too.
    """
    found: dict[int, str] = {}
    for room in sorted(rooms(), key=lambda name: (name == "contagion", name.count("."), name)):
        for name in rooms()[room]:
            value = getattr(importlib.import_module(room), name)
            if inspect.isclass(value) or inspect.isroutine(value):
                found.setdefault(id(value), room)
    return found


def page(room: str, names: list[str], home: dict[int, str]) -> str:
    """The page of a room in reStructuredText: its docstring, a table of names, every name."""
    module = importlib.import_module(room)
    rows, entries = [], []
    for name in names:
        value = getattr(module, name)
        where = home.get(id(value), room)
        path = f"{where}.{name}"
        if inspect.isclass(value) or inspect.isroutine(value):
            text = first_line(value)
            kind = "class" if inspect.isclass(value) else "function"
            members = "\n   :members:\n   :show-inheritance:" if kind == "class" else ""
            entry = f".. auto{kind}:: {path}{members}\n"
        else:
            text = constant(value)
            kind = type(value).__name__
            entry = f".. py:data:: {name}\n   :module: {room}\n   :type: {kind}\n\n   {text}\n"
        rows.append(
            f"   * - :py:obj:`{name} <{path}>`\n     - {docstrings.restructured([text])[0]}"
        )
        if where == room:
            entries.append(entry)
    title = f"{room}\n{'=' * len(room)}"
    above, _, last = room.rpartition(".")
    same = above and not inspect.ismodule(getattr(importlib.import_module(above), last))
    twin = "\n   :no-index:" if same else ""  # a function has the very path of this room
    table = ".. list-table::\n   :widths: 30 70\n\n" + "\n".join(rows) if rows else ""
    return "\n\n".join((title, f".. automodule:: {room}{twin}", table, *entries)) + "\n"


def constant(value: object) -> str:
    """A registry is shown by its keys, records by their names, another constant by its value."""
    if isinstance(value, dict):
        keys = [f"``{key}``" for key in value if isinstance(key, str)]
        return f"{len(value)} entries: {', '.join(keys)}." if keys else f"{len(value)} entries."
    if isinstance(value, tuple):
        names = [getattr(each, "name", getattr(each, "__name__", "")) for each in value]
        if names and all(names):
            return f"{len(names)} entries: {', '.join(f'``{name}``' for name in names)}."
    return f"``{value!r}``"


def write(folder: Path) -> None:
    """Write one page a room and the table of contents."""
    folder.mkdir(parents=True, exist_ok=True)
    home, found = homes(), rooms()
    for room, names in found.items():
        (folder / f"{room}.rst").write_text(page(room, names, home), "utf-8")
    title = "API reference"
    lines = "\n".join(f"   {room}" for room in found)
    text = (
        f"{title}\n{'=' * len(title)}\n\nEvery public name, room by room. The top level, "
        f":doc:`contagion`, has what a first session needs.\n\n"
        f".. toctree::\n   :maxdepth: 1\n\n{lines}\n"
    )
    (folder / "index.rst").write_text(text, "utf-8")


def paths() -> set[str]:
    """The dotted path under which the reference has each public name."""
    home = homes()
    return {
        f"{home.get(id(getattr(importlib.import_module(room), name)), room)}.{name}"
        for room, own in rooms().items()
        for name in own
    }
