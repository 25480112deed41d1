"""Output: safe text for each medium, cells of a spreadsheet, and endings of file names.

Names are data: they may contain characters that a terminal, a page, a figure or a spreadsheet
would execute or interpret. Each medium has one function here, which all output to it uses.

| medium | function |
|---|---|
| terminal | :func:`visible`; :func:`shown` around each `__repr__` |
| HTML | :func:`page` |
| figure | :func:`figure`, around each function of `contagion.plot` |
| table for a spreadsheet | :func:`cell`, :func:`guarded` |

Folders of data for reading contain the unchanged names.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .errors import ArgumentError
from .units import scale

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
Drawn = TypeVar("Drawn")
Thing = TypeVar("Thing")

# Control characters, marks that change the direction of text, line separators, lone surrogates.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # cells with these beginnings may run as a formula
NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?\s?%?", re.IGNORECASE)
TABLES = (".csv", ".csv.gz")
FIGURES = (".png", ".svg")
REPORTS = (".html", ".htm", ".md", ".pdf", ".xlsx", ".tex")
FILES = (  # endings of files, not of folders
    ".csv", ".tsv", ".txt", ".gz", ".parquet", ".pq", ".xlsx", ".xlsm", ".xls", ".ods", ".tex",
    ".graphml", ".gexf", ".json", ".toml", ".html", ".htm", ".md", ".pdf", ".png", ".svg",
    ".zip", ".pkl",
)  # fmt: skip


def visible(text: object, keep: str = "") -> str:
    """A text with control and other invisible characters written as escapes.

    Parameters
    ----------
    text : any object; its `str` is used.
    keep : characters that are not escaped, e.g. line breaks in a text of several lines.

    Example
    -------
    >>> visible("\\x1b[31mred"), visible("a\\nb"), visible("two\\nlines", keep="\\n")
    ('\\\\u001b[31mred', 'a\\\\u000ab', 'two\\nlines')
    """
    return HIDDEN.sub(lambda m: m[0] if m[0] in keep else f"\\u{ord(m[0]):04x}", str(text))


def shown(text: Callable[[Thing], str]) -> Callable[[Thing], str]:
    """Decorator of every `__repr__` of the package: its text cannot control the terminal."""

    @wraps(text)
    def safe(self: Thing) -> str:
        return visible(text(self), keep="\n")

    return safe


def page(text: object) -> str:
    """A text for HTML pages and attributes; line breaks are kept.

    >>> page("<b> & \\u202e")
    '&lt;b&gt; &amp; \\\\u202e'
    """
    return html.escape(visible(text, keep="\n"), quote=True)


def notebook(
    text: str, frame: pd.DataFrame | None = None, unit: str = "", money: Sequence[str] = ()
) -> str:
    """The HTML for a notebook: a `repr` line by line, and a table below it.

    Lines indented by four or more spaces are joined to the line before.

    Parameters
    ----------
    frame : the table.
    unit, money : the unit of the columns `money`, which are shown on one scale, with the unit in
        each heading.

    Example
    -------
    >>> notebook("two\\n<lines>")
    '<p>two<br>&lt;lines&gt;</p>'
    >>> import pandas as pd
    >>> table = notebook("", pd.DataFrame({"loss": [2.58e8]}), "USD", ["loss"])
    >>> "loss, USD m" in table, "258.0" in table
    (True, True)
    """
    whole = re.sub(r"\n {4,}(?=\S)", " ", text)
    lines = "<br>".join(page(line.strip()) for line in whole.splitlines())
    if frame is None:
        return f"<p>{lines}</p>"
    own = [name for name in money if name in frame]
    to = scale(frame[own].to_numpy(float).ravel(), unit) if own else None
    form: dict[Any, Callable[[Any], str]] = {}
    if to is not None:
        form = {to.named(name): to for name in own}
        frame = frame.rename(columns={name: to.named(name) for name in own})
    below = str(frame.to_html(formatters=form, float_format=_plain))
    return f"<p>{lines}</p>{visible(below, keep=chr(10))}"


def _plain(value: float) -> str:
    """A number for a table, without an exponent.

    >>> _plain(258_000_000.0), _plain(0.1234567)
    ('258,000,000', '0.1235')
    """
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4g}"


def figure(draw: Callable[P, Drawn]) -> Callable[P, Drawn]:
    """Decorator of plot functions: `$` is a dollar sign, invisible characters are escaped."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Drawn:
        from matplotlib import rcParams
        from matplotlib.text import Text

        before = rcParams["text.parse_math"]  # only this: a context would reset notebook settings
        rcParams["text.parse_math"] = False
        try:
            ax: Any = draw(*args, **kwargs)
        finally:
            rcParams["text.parse_math"] = before
        whole = ax.get_figure(root=True)
        for text in whole.findobj(Text):
            said = text.get_text()
            if HIDDEN.search(said):
                text.set_text(visible(said, keep="\n"))
        for axis in (axis for one in whole.axes for axis in (one.xaxis, one.yaxis)):
            labels = [label.get_text() for label in axis.get_ticklabels()]  # redrawn each time
            if any(map(HIDDEN.search, labels)):
                axis.set_ticklabels([visible(label, keep="\n") for label in labels])
        return ax  # type: ignore[no-any-return]

    return drawn


def cell(value: Any) -> Any:
    """A cell of a table for a spreadsheet: `'` is put before a text that could be a formula.

    >>> cell("=1+1"), cell("-5 %"), cell("-inf"), cell(-1.5), cell("a")
    ("'=1+1", '-5 %', "'-inf", -1.5, 'a')
    """
    if isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def guarded(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with text cells and headings that a spreadsheet shows and does not execute.

    >>> import pandas as pd
    >>> guarded(pd.DataFrame({"node": ["=a"], "loss": [-1.0]})).iloc[0].tolist()
    ["'=a", np.float64(-1.0)]
    """
    words = [k for k, kind in enumerate(frame.dtypes) if kind.kind not in "fiubcmM"]
    new = frame.copy(deep=False)
    for k in words:
        new.isetitem(k, frame.iloc[:, k].astype(object).map(cell).to_numpy(object))
    new.columns = frame.columns.map(cell)
    new.index = frame.index.map(cell) if frame.index.dtype.kind not in "fiu" else frame.index
    return new


def ending(file: str | PathLike[str], known: Sequence[str], what: str) -> str:
    """The ending of the name of a file to write; an unknown ending raises an error.

    >>> ending("r.HTML", (".html", ".md"), "report")
    '.html'
    >>> ending("r.pdf", (".html", ".md"), "report")
    Traceback (most recent call last):
    contagion.errors.ArgumentError: report 'r.pdf': the name has to end in .html or .md.
    """
    name = str(file).lower()
    for one in known:
        if name.endswith(one):
            return one
    *first, last = known
    either = f"{', '.join(first)} or {last}" if first else last
    raise ArgumentError(f"{what} {str(file)!r}: the name has to end in {either}.")


def folder(place: str | PathLike[str], what: str) -> Path:
    """A folder to write to; a name with the ending of a file raises an error.

    >>> folder("net.csv", "network")
    Traceback (most recent call last):
    contagion.errors.ArgumentError: network 'net.csv': this writes a folder of tables. Give a name
    without the ending .csv.
    """
    path = Path(place)
    if path.suffix.lower() in FILES and not path.is_dir():
        raise ArgumentError(
            f"{what} {str(place)!r}: this writes a folder of tables. Give a name without the "
            f"ending {path.suffix}."
        )
    return path
