"""Writes docs/references.md and paper/paper.bib: python docs/references.py

Both are made from contagion/references.toml; the bibliography has what the paper cites.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from contagion.citations import bibtex, references  # noqa: E402

PAGE = HERE / "references.md"
PAPER = HERE.parent / "paper" / "paper.md"
HEAD = """# References

Made by `python docs/references.py` from `contagion/references.toml`; do not edit. The papers behind
the models, valuations, rules, netting and random graphs, with their DOI. `contagion.cite` gives the
same entries as BibTeX.

A DOI is in the second column when it was seen together with author or title: in the page of the
publisher, in a catalogue, in a bibliography or in code of a public repository. "–" means that none
was found that way, or that the paper has none. Nothing was looked up at a DOI registry. Initials of
first names were not checked.

"Read" says which part of the paper was read, or from which other source its equations are known:

- whole, first page, abstract: of the paper or of a draft.
- code: an implementation that names the paper, read; the docstring gives repository and commit.
- notes: the notes of a reader who quotes equations and results with their numbers.
- not recorded: the docstring does not say.
- not: the equations are from memory, or from works that cite it. The docstring then says "after",
  or names the parts that were not checked.
"""


def paper(entry: dict[str, Any]) -> str:
    """Authors (year), title, where it appeared."""
    last = [author.partition(",")[0] for author in entry["authors"]]
    names = " & ".join(filter(None, (", ".join(last[:-1]), last[-1])))
    place = entry.get("journal") or entry.get("booktitle") or entry.get("institution") or ""
    if "volume" in entry:
        issue = f"({entry['number']})" if "number" in entry else ""
        place += f" {entry['volume']}{issue}"
    elif "number" in entry:
        place += f" {entry['number']}"
    place += f", {entry['pages']}" if "pages" in entry else ""
    arxiv = f"arXiv:{entry['arxiv']}" if "arxiv" in entry else ""
    told = ", ".join(filter(None, (entry["title"], place)))
    rest = "; ".join(filter(None, (told, arxiv, entry.get("note"))))
    return f"{names} ({entry['year']}), {rest}"


def page() -> str:
    """The whole page, a table for each section."""
    parts = [HEAD]
    sections = dict.fromkeys(entry["section"] for entry in references().values())
    for section in sections:
        rows = [
            f"| {paper(entry)} | {_doi(entry)} | {entry['used']} | {entry['read']} |"
            for entry in references().values()
            if entry["section"] == section
        ]
        head = "| paper | DOI | used in | read |\n| --- | --- | --- | --- |"
        parts.append("\n".join([f"## {section}\n", head, *rows, ""]))
    return "\n".join(parts)


def _doi(entry: dict[str, Any]) -> str:
    return f"`{entry['doi']}`" if "doi" in entry else f"– ({entry['no_doi']})"


def bibliography() -> str:
    """BibTeX of the papers that paper/paper.md cites, in the order of the references."""
    cited = set(re.findall(r"@(\w+_\d{4})", PAPER.read_text("utf-8")))
    if unknown := cited - set(references()):
        raise SystemExit(f"paper.md cites {sorted(unknown)}, which the references do not have.")
    return "\n\n".join(bibtex(key) for key in references() if key in cited) + "\n"


if __name__ == "__main__":
    PAPER.with_name("paper.bib").write_text(bibliography(), "utf-8", newline="\n")
    PAGE.write_text(page(), "utf-8", newline="\n")
