"""One vocabulary: a public name stands for one object, and a word means the same everywhere."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator

import contagion

NOT_PUBLIC = ("kernels", "cli")  # arrays in and out; commands have options


def rooms() -> list[str]:
    """Every package with public names, below the kernels and the command line nothing."""
    found = [m.name for m in pkgutil.walk_packages(contagion.__path__, "contagion.") if m.ispkg]
    found += ["contagion.datasets", "contagion.shocks"]
    return ["contagion", *(name for name in found if name.split(".")[1] not in NOT_PUBLIC)]


def public(room: str) -> Iterator[tuple[str, object]]:
    """Public names of a room; of a module without `__all__`, what it defines."""
    module = importlib.import_module(room)
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, held in vars(module).items()
            if getattr(held, "__module__", "") == room and not name.startswith("_")
        ]
    for name in names:
        yield name, getattr(module, name)


EVERY = [(room, name, held) for room in rooms() for name, held in public(room)]


def clashes(found: list[tuple[str, str, object]]) -> dict[str, list[str]]:
    """Names that stand for several objects, with the rooms where they do."""
    places: dict[str, dict[int, str]] = defaultdict(dict)
    for room, name, held in found:
        places[name].setdefault(id(held), room)
    return {name: sorted(at.values()) for name, at in places.items() if len(at) > 1}


def test_a_public_name_stands_for_one_object():
    assert len(EVERY) > 400
    assert clashes(EVERY) == {}


def test_a_clash_would_be_noticed():
    assert clashes([("a", "read", int), ("b", "read", str), ("c", "read", int)]) == {
        "read": ["a", "b"]
    }
    assert any(inspect.isclass(held) for _, _, held in EVERY)
