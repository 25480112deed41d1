"""Citations: the package, and the papers behind a model, a rule or a result, as BibTeX.

`references.toml` in this folder has every paper once; `docs/references.md` is made from it too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import __version__
from .text import known_name

URL = "https://github.com/contagion-risk/contagion"
TITLE = "contagion: how losses spread through networks of exposures, and who bears them in the end"
FIELDS = ("title", "journal", "booktitle", "volume", "number", "pages", "institution", "year")
KINDS = (("journal", "article"), ("booktitle", "incollection"), ("institution", "techreport"))
NAME = r"`([\w.]+)`"
PLAIN = str.maketrans({"&": r"\&", "%": r"\%"})


@cache
def references() -> dict[str, dict[str, Any]]:
    """Every paper by its key: authors, year, title, publication, DOI, and the parts that use it.

    >>> references()["eisenberg_noe_2001"]["doi"]
    '10.1287/mnsc.47.2.236.9835'
    """
    with Path(__file__).with_name("references.toml").open("rb") as file:
        return tomllib.load(file)


def cite(what: Any = None) -> str:
    """The package, and the papers behind one of its parts, as BibTeX.

    Parameters
    ----------
    what : a model, valuation or rule (class, object, name or word of the command line), or a result
        of `model.propagate`, which also cites the rules of its nodes; by default only the package.

    Returns
    -------
    str : BibTeX entries, the package first. For a part without a paper, only the package.

    Raises
    ------
    UnknownNameError : for a name that no paper is recorded for, with the closest one.

    Example
    -------
    >>> print(cite("furfine").split("\\n\\n")[1])
    @article{furfine_2003,
      author = {Furfine, C. H.},
      title = {Interbank exposures: quantifying the risk of contagion},
      journal = {Journal of Money, Credit and Banking},
      volume = {35},
      number = {1},
      year = {2003},
      doi = {10.1353/mcb.2003.0004},
    }
    """
    wanted = set() if what is None else _names(what)
    papers = [key for key, entry in references().items() if wanted & _used(entry)]
    return "\n\n".join([_package(), *map(bibtex, papers)])


def bibtex(key: str) -> str:
    """The BibTeX entry of one paper of :func:`references`.

    >>> bibtex("watts_2002").splitlines()[0]
    '@article{watts_2002,'
    """
    known_name(key, references(), "reference")
    entry = references()[key]
    kind = next((kind for field, kind in KINDS if field in entry), "misc")
    rows = {"author": " and ".join(entry["authors"])}
    rows |= {name: str(entry[name]).translate(PLAIN) for name in FIELDS if name in entry}
    if "arxiv" in entry:
        rows |= {"eprint": entry["arxiv"], "archiveprefix": "arXiv"}
    rows |= {name: entry[name] for name in ("doi", "note") if name in entry}
    return _entry(kind, key, rows)


def _package() -> str:
    rows = {
        "author": "{The contagion developers}",
        "title": TITLE,
        "version": __version__,
        "url": URL,
        "license": "BSD-3-Clause",
    }
    return _entry("software", "contagion", rows)


def _entry(kind: str, key: str, rows: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in rows.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _used(entry: dict[str, Any]) -> set[str]:
    """The names in backticks in `used`: the parts of the package with this entry as source."""
    return {_plain(name) for name in re.findall(NAME, entry["used"])}


def _plain(name: str) -> str:
    """A name in the form used for comparison: "equal_losses" and `EqualLosses` are equal."""
    return re.sub(r"[\W_]", "", name.rpartition(".")[2]).lower()


def _names(what: Any) -> set[str]:
    """The names under which the papers of an object are recorded."""
    if isinstance(what, str):
        texts = " ".join(entry["used"] for entry in references().values())
        known = {_plain(name): name for name in re.findall(NAME, texts)}
        name = next((x for x in (_plain(what), f"{_plain(what)}model") if x in known), "")
        known_name(known.get(name, what), known.values(), "part with a recorded paper")
        return {name}
    if hasattr(what, "model") and hasattr(what, "network"):
        return _names(what.model) | _of(what.network.distinct_rules()[0])
    own = {_plain(each.__name__) for each in (what if isinstance(what, type) else type(what)).mro()}
    inside = fields(what) if is_dataclass(what) and not isinstance(what, type) else ()
    return own | _of(getattr(what, field.name) for field in inside)


def _of(parts: Iterable[Any]) -> set[str]:
    """The names of the parts that are objects of the package, and of their inner parts."""
    flat = [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
    own = [one for one in flat if type(one).__module__.startswith("contagion.")]
    return {name for one in own for name in _names(one)}
