"""Random tables whose true numbers are kept apart from the files that are written of them.

`made(seed, folder)` writes a pair of files and says what is in them; `outcome(case)` reads them and
compares. A file with something wrong in it has to be refused; every other file has to give the
true sums, pair by pair.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import contagion as ct

# decimal sign, thousands sign, groups of two above a thousand
LOCALES = {
    "en": (".", ",", False),
    "de": (",", ".", False),
    "fr": (",", "\u202f", False),
    "ch": (".", "'", False),
    "se": (",", "\u00a0", False),
    "in": (".", ",", True),
    "plain": (".", "", False),
    "es": (",", "", False),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")
WRONG = ("none", "none", "none", "text", "infinite", "missing", "negative", "extra field",
         "missing field", "missing column", "duplicate", "orientation", "huge",
         "formula", "currencies", "self", "stranger")  # fmt: skip
NAMES = ("007", "7", "NA", "nan", "Ä Bank", "B, Inc", "C;D", "null", "1e5", "O'Neil", 'Q"uote',
         "0x" + "aB" * 20, "Zeta", "true", "x|y", "Bank 8", "Bank 9", "-", "ß")  # fmt: skip
HEADS = (("creditor", "debtor", "amount"), ("Lender", "Borrower", "Exposure"),
         ("CREDITOR", "Debtor ", "Face Value"),
         ("lender_id", "borrower_id", "notional"))  # fmt: skip


@dataclass
class Case:
    """Files, how they are read, what is in them, and what is wrong with them."""

    exposures: Path
    nodes: Path
    options: dict[str, Any]
    amounts: dict[tuple[str, str], float]
    equity: dict[str, float]
    wrong: str
    about: str = ""
    mend: dict[str, Any] = field(default_factory=dict)


def shown(x: float, locale: str, places: int, grouped: bool, rng: random.Random) -> str:
    """A number as people of a country write it."""
    decimal, thousands, lakhs = LOCALES[locale]
    whole, _, part = f"{abs(x):.{places}f}".partition(".")
    if grouped and thousands:
        head, tail = whole[:-3], whole[-3:]
        step = 2 if lakhs else 3
        groups = [tail]
        while head:
            groups.insert(0, head[-step:])
            head = head[:-step]
        whole = thousands.join(groups)
    text = whole + (decimal + part if part else "")
    if x < 0:
        return rng.choice([f"-{text}", f"({text})", f"{text}-", f"−{text}"])
    return text


def made(seed: int, folder: Path) -> Case:
    """Write the files of a seed."""
    rng = random.Random(seed)
    names = rng.sample(NAMES, rng.randint(3, 7))
    locale = rng.choice(list(LOCALES))
    separator = rng.choice([",", ";", "\t", "|"])
    places = rng.choice([0, 1, 2, 2, 3, 4])
    grouped = rng.random() < 0.6
    encoding = rng.choice(ENCODINGS)
    wrong = rng.choice(WRONG)
    pairs = [(a, b) for a in names for b in names if a != b]
    pairs = rng.sample(pairs, min(len(pairs), rng.randint(2, 12)))
    scale = 10 ** rng.uniform(0, 7)
    amounts = {pair: max(round(scale * rng.uniform(0.1, 9), places), 1.0) for pair in pairs}
    text = {pair: shown(x, locale, places, grouped, rng) for pair, x in amounts.items()}
    head = list(rng.choice(HEADS))
    rows = [[a, b, text[a, b]] for a, b in pairs]
    k = rng.randrange(len(rows))
    options: dict[str, Any] = {"missing_equity": "external"}
    if rng.random() < 0.3:
        options["decimal"] = LOCALES[locale][0]
    more = rng.random()
    if more < 0.2:
        head.append("note")
        rows = [[*row, rng.choice(["", "x", "one, two"])] for row in rows]
    elif more < 0.3:
        head.append("weight")
        rows = [[*row, shown(rng.random(), locale, 2, False, rng)] for row in rows]
    turned = _spoil(wrong, rows, head, k, names, rng)
    if turned is not None:
        amounts = turned
    mark = '"' if rng.random() < 0.3 else ""
    lines = [separator.join(_cell(c, separator, mark) for c in row) for row in [head, *rows]]
    if wrong == "none" and rng.random() < 0.2:
        lines[0:0] = rng.choice([["# exported"], ["Exposures of banks", ""], [f"sep={separator}"]])
        if lines[0].startswith("sep=") and separator == "\t":
            lines = lines[1:]
    if wrong == "none" and rng.random() < 0.15:
        above = ("#", "sep", "Exp")
        lines = [x + separator if x and not x.startswith(above) else x for x in lines]
    end = rng.choice(["\n", "\r\n"])
    body = end.join(lines) + (end if rng.random() < 0.8 else "")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"claims{seed}.csv"
    safe = "".join(c if c.encode("cp1252", "ignore") else "\u00a0" for c in body) if (
        encoding == "cp1252") else body  # fmt: skip
    safe = safe.replace("−", "-") if encoding == "cp1252" else safe
    file.write_bytes(safe.encode(encoding))
    equity = {name: round(scale * rng.uniform(5, 60), 2) for name in names}
    if wrong == "stranger":
        del equity[pairs[0][0]]
    nodes = folder / f"nodes{seed}.csv"
    lines = ["id;equity"] + [
        f"{_cell(n, ';', '')};{shown(x, locale, 2, grouped, rng)}" for n, x in equity.items()
    ]
    nodes.write_bytes("\n".join(lines).encode("utf-8"))
    about = f"{locale} {separator!r} {encoding} {places} {'grouped' if grouped else ''}"
    return Case(file, nodes, options, amounts, equity, wrong, about)


def _cell(cell: str, separator: str, mark: str) -> str:
    if mark or separator in cell or '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _spoil(
    wrong: str, rows: list[list[str]], head: list[str], k: int, names: list[str], rng: random.Random
) -> dict[tuple[str, str], float] | None:
    """Put something wrong into a table, in place."""
    if wrong == "text":
        rows[k][2] = rng.choice(["a lot", "12 EUR/MWh", "1,2,3,4", "2022-01-01", "45 %", "1.2.3"])
    elif wrong == "infinite":
        rows[k][2] = rng.choice(["inf", "-Infinity", "1e999", "∞"])
        if rows[k][2] == "∞":
            rows[k][2] = "inf"
    elif wrong == "missing":
        rows[k][2] = rng.choice(["", "NaN", "n/a", "null"])
    elif wrong == "negative":
        rows[k][2] = "-" + rows[k][2]
    elif wrong == "extra field":
        rows[k].append("7")
    elif wrong == "missing field":
        rows[k].pop()
    elif wrong == "missing column":
        for row in rows:
            del row[2]
        del head[2]
    elif wrong == "duplicate":
        rows.append(list(rows[k]))
    elif wrong == "orientation":
        head[0], head[1] = "source", "target"
    elif wrong == "huge":
        rows[k][2] = "1e400"
    elif wrong == "formula":
        rows[k][2] = rng.choice(["=A1+B2", "13+27682", "=SUM(A1)"])
    elif wrong == "currencies":
        head.append("currency")
        for i, row in enumerate(rows):
            row.append("EUR" if i == k else "USD")
    elif wrong == "self":
        rows.append([names[0], names[0], "5"] + [""] * (len(head) - 3))
    return None


def canonical(name: str) -> str:
    return name.lower() if name.startswith("0x") else name


def outcome(case: Case) -> str:
    """ "right", "refused", or what is wrong."""
    try:
        net = ct.read(case.exposures, nodes=case.nodes, **case.options)
    except ct.errors.ContagionError as error:
        said = str(error)
        if not said.strip():
            return "an error without words"
        if case.wrong == "none" and not _ambiguous(said):
            return f"refused a good file: {said[:300]}"
        return "refused"
    if case.wrong not in ("none",):
        return f"took a file with {case.wrong}"
    got = {(a, b): x for a, b, x in net.exposures[["creditor", "debtor", "amount"]].values}
    want = {(canonical(a), canonical(b)): x for (a, b), x in case.amounts.items()}
    if set(got) != set(want):
        return f"other pairs: {sorted(set(got) ^ set(want))[:4]}"
    for pair, x in want.items():
        if abs(got[pair] - x) > 1e-9 * x:
            return f"{pair}: {got[pair]} instead of {x}"
    equity = dict(zip(net.nodes["node"], net.nodes["equity"], strict=True))
    for name, x in case.equity.items():
        if abs(equity[canonical(name)] - x) > 1e-9 * x:
            return f"equity of {name}: {equity[canonical(name)]} instead of {x}"
    return "right"


def _ambiguous(said: str) -> bool:
    """A question that only the caller can answer."""
    return "decimal sign or separate thousands" in " ".join(said.split())
