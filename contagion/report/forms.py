"""Other formats of the report: PDF, an Excel workbook, tables for LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from ..errors import ArgumentError, MissingPackageError
from ..media import visible
from .markdown import cell_rows
from .parts import Exhibit, Section, Table

LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$",
    "–": "--", "≤": r"$\le$", "Σ": r"$\Sigma$", "ℓ": r"$\ell$", "→": r"$\to$", "±": r"$\pm$",
    "β": r"$\beta$", "λ": r"$\lambda$", "Λ": r"$\Lambda$", "Π": r"$\Pi$", "α": r"$\alpha$",
    "²": r"$^2$", "≠": r"$\ne$", "·": r"$\cdot$", "∈": r"$\in$", "≥": r"$\ge$", "×": r"$\times$",
}  # fmt: skip
SHEET = 31  # largest length of the name of a sheet


def write_pdf(file: Path, page: str) -> None:
    """The page as PDF, by WeasyPrint (the extra `pdf`); nothing is fetched.

    Raises
    ------
    MissingPackageError : if it is not installed.
    """
    try:
        import weasyprint
    except (ImportError, OSError):  # system libraries that it needs can be missing too
        raise MissingPackageError(
            "A report as PDF needs WeasyPrint: pip install contagion-risk[pdf]. Or write .html and "
            "print it from a browser."
        ) from None

    def refuse(address: str, *_: Any, **__: Any) -> NoReturn:
        raise ArgumentError(f"{address[:40]}: a report loads nothing.")

    plain = re.sub(r' href="data:[^"]*"', "", page)  # embedded files work in browsers only
    weasyprint.HTML(string=plain, url_fetcher=refuse).write_pdf(file)


def write_workbook(file: Path, sections: Sequence[Section]) -> None:
    """Every table on its own sheet, with numbers as numbers; the list of exhibits comes first.

    Raises
    ------
    MissingPackageError : if xlsxwriter is not installed (the extra `excel`).
    """
    try:
        import xlsxwriter
    except ImportError:
        raise MissingPackageError(
            "A report as a workbook needs xlsxwriter: pip install contagion-risk[excel]. A folder "
            "of CSV files needs no package."
        ) from None

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(file), options) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})  # equal reports have equal bytes
        strong, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        shown = [one for part in sections for one in part.exhibits if one.table is not None]
        for exhibit in (*[one for one in shown if one.id == "R2"], *shown[:-1]):
            sheet = book.add_worksheet(exhibit.id[:SHEET])
            sheet.write_string(0, 0, f"{exhibit.label}. {exhibit.title}", strong)
            assert exhibit.table is not None
            note = " ".join(filter(None, [str(exhibit.lead), exhibit.table.note]))
            sheet.write_string(1, 0, note)
            for at, row in enumerate(cell_rows(exhibit.table)):
                for column, text in enumerate(row):
                    number = _number(text) if at and column in exhibit.table.numbers else None
                    if number is not None:
                        sheet.write_number(3 + at, column, number)
                    else:
                        sheet.write_string(3 + at, column, text, wrap if at else strong)
            sheet.set_column(0, len(exhibit.table.head), 18)


def _number(text: str) -> float | None:
    """A cell as a number; a percentage as a fraction.

    >>> _number("-1000.5"), _number("43%"), _number("<1%")
    (-1000.5, 0.43, None)
    """
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def latex(sections: Sequence[Section]) -> str:
    """Every table for LaTeX (booktabs, tabularx), with its number, id, title and note."""
    head = "% Every table of the report. In the preamble: \\usepackage{booktabs,tabularx}\n"
    return head + "\n".join(
        _table(one, one.table) for part in sections for one in part.exhibits if one.table
    )


def _table(exhibit: Exhibit, table: Table) -> str:
    columns = "".join("r" if at in table.numbers else "X" for at in range(len(table.head)))
    lines = [" & ".join(map(escaped, row)) + r" \\" for row in (table.head, *table.rows)]
    total = [r"\midrule", " & ".join(map(escaped, table.total)) + r" \\"] if table.total else []
    note = " ".join(filter(None, [str(exhibit.lead), table.note]))
    return "\n".join(
        [
            rf"\begin{{table}} % {exhibit.label}, {exhibit.id}",
            rf"\caption{{{escaped(exhibit.title)}}}\label{{tab:{exhibit.id}}}",
            rf"\begin{{tabularx}}{{\linewidth}}{{{columns}}}",
            r"\toprule", lines[0], r"\midrule", *lines[1:], *total, r"\bottomrule",
            r"\end{tabularx}",
            *([rf"\par\footnotesize {escaped(note)}"] if note else []),
            r"\end{table}", "",
        ]
    )  # fmt: skip


def escaped(text: str) -> str:
    r"""A text escaped for LaTeX.

    >>> escaped("5 % of a_b")
    '5 \\% of a\\_b'
    """
    return "".join(LATEX.get(letter, letter) for letter in visible(text))
