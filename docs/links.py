"""Checks of the built site that need no network: links, anchors, and the names of the reference."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
SOURCE = "https://github.com/contagion-risk/contagion"
TREES = (f"{SOURCE}/blob/main/", f"{SOURCE}/tree/main/")


class Page(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links |= {given[key] or "" for key in ("href", "src") if given.get(key)}
        self.anchors |= {given[key] or "" for key in ("id", "name") if given.get(key)}


def broken(site: Path) -> list[str]:
    """Links to pages, files and anchors that are not there, one line each.

    A link to the source of the project has to lead to a file of this checkout. Other addresses have
    to be https and to name a host; nothing is fetched.
    """
    own = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in own}
    found = []
    for path, page in pages.items():
        for link in sorted(page.links):
            if not _leads(link, path, pages):
                found.append(f"{path.relative_to(site.resolve())}: {link} leads nowhere")
    return found


def _leads(link: str, path: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme in ("data", "mailto", "javascript"):
        return True
    if link.startswith(TREES):
        return (ROOT / unquote(link.split("/main/", 1)[1].partition("#")[0])).exists()
    if parts.scheme or parts.netloc:
        return parts.scheme == "https" and "." in parts.netloc
    goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if goal.is_dir():
        goal /= "index.html"
    return goal.exists() and (goal not in pages or unquote(parts.fragment) in pages[goal].anchors)


def missing_names(site: Path) -> list[str]:
    """Public names that the inventory of the built reference does not have."""
    import names
    from sphinx.util.inventory import InventoryFile

    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    known = {name for kind, entries in inventory.items() if kind[:3] == "py:" for name in entries}
    wanted = names.paths()
    return [f"{path} is not in the API reference" for path in sorted(wanted - known)]
