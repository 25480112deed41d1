"""C002, C003, C004, C006: errors of single claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ...text import closest, listing, plural
from .draft import MATRIX, Draft

APART = ("layer", "netting_set", "tier", "rank", "as_of", "instrument", "asset", "currency",
         "original_currency", "original_asset")  # fmt: skip


def amounts(draft: Draft) -> None:
    """C006: amounts that are text, missing, infinite or negative. NaN becomes 0 only on request."""
    unread = draft.raw.unread if draft.raw is not None else None
    if unread is not None:
        _unread(draft, np.flatnonzero(unread))
    drop = np.zeros(len(draft.amount), bool)
    missing = np.isnan(draft.amount)
    if unread is not None:
        missing &= ~unread
    if missing.any():
        drop |= _missing(draft, missing)
    infinite = np.isinf(draft.amount)
    if infinite.any():
        rows = np.flatnonzero(infinite)
        draft.report(
            "C006",
            "infinite amounts",
            f"{plural(len(rows), 'amount')} {_is(rows)} infinite ({draft.lines(rows)}).",
            f"correct {_them(rows)}, or leave {_them(rows)} out: {_leave_out(draft, rows)}.",
            rows=rows,
        )
    _overflow(draft)
    if (draft.amount < 0).any():
        _negative(draft)
    if drop.any():
        draft.keep(~drop)


def _is(rows: np.ndarray) -> str:
    return "is" if len(rows) == 1 else "are"


def _them(rows: np.ndarray) -> str:
    return "it" if len(rows) == 1 else "them"


def _leave_out(draft: Draft, rows: np.ndarray) -> str:
    if draft.origin:
        return f"delete {draft.lines(rows)}"
    labels = draft.columns.index[rows[:5]].tolist()
    return f"exposures.drop(index={labels!r}{' + …' if len(rows) > 5 else ''})"


def _unread(draft: Draft, rows: np.ndarray) -> None:
    assert draft.cells is not None and draft.raw is not None
    cells = draft.cells.iloc[rows]
    doubt = draft.raw.ambiguous
    why = (
        "A point or comma may be the decimal sign or separate thousands."
        if doubt
        else "Text is never evaluated, formulas and sums neither."
    )
    draft.report(
        "C006",
        "amounts not numbers",
        f"{plural(len(rows), 'amount')} {_is(rows)} not "
        f"{'a number' if len(rows) == 1 else 'numbers'}: {listing(cells.drop_duplicates())} "
        f"({draft.lines(rows)}). {why}",
        'decimal="," or decimal="." says which.'
        if doubt
        else f"write the {'number' if len(rows) == 1 else 'numbers'} there, or leave the "
        f"{'row' if len(rows) == 1 else 'rows'} out: {_leave_out(draft, rows)}.",
        rows=rows,
    )


def _missing(draft: Draft, missing: np.ndarray) -> np.ndarray:
    rows, na = np.flatnonzero(missing), draft.choice.get("na", "error")
    draft.report(
        "C006",
        "amounts missing",
        f"{plural(len(rows), 'amount')} {_is(rows)} empty or NaN ({draft.lines(rows)}). Unknown is "
        "not 0.",
        'na="drop" leaves the claims out, na="zero" says that they are 0.',
        rows=rows,
        repaired=na != "error",
    )
    if na == "zero" and draft.origin != MATRIX:
        draft.pay(np.where(missing, 0.0, draft.amount))
    gone = na == "drop" or (na == "zero" and draft.origin == MATRIX)
    return missing if gone else np.zeros(len(missing), bool)


def _overflow(draft: Draft) -> None:
    """C006: amounts whose sum would overflow."""
    size = np.abs(np.where(np.isfinite(draft.amount), draft.amount, 0.0))
    if not len(size) or size.max() < np.finfo(float).max / (4 * len(size)):
        return
    rows = np.flatnonzero(size >= np.finfo(float).max / (4 * len(size)))
    draft.report(
        "C006",
        "amounts too large",
        f"{plural(len(rows), 'amount')} {_is(rows)} too large to be added up "
        f"({draft.lines(rows)}).",
        f"correct {_them(rows)}.",
        rows=rows,
    )
    draft.pay(np.where(np.isin(np.arange(len(size)), rows), 0.0, draft.amount))


def _negative(draft: Draft) -> None:
    negative = draft.amount < 0
    negative &= np.isfinite(draft.amount)
    rows, how = np.flatnonzero(negative), draft.choice.get("negative", "error")
    if not len(rows):
        return
    draft.report(
        "C006",
        "negative amounts",
        f"{plural(len(rows), 'amount')} {_is(rows)} negative ({draft.lines(rows)}): "
        f"{draft.weight(rows)}. Supervisory (−) columns and net derivatives often are.",
        'negative="flip" turns creditor and debtor round, negative="abs" drops the sign.',
        rows=rows,
        amount=draft.stake(rows),
        repaired=how != "error",
    )
    if how == "flip":
        creditor, debtor = draft.creditor, draft.debtor
        draft.creditor = np.where(negative, debtor, creditor)
        draft.debtor = np.where(negative, creditor, debtor)
    if how != "error":
        draft.pay(np.where(negative, -draft.amount, draft.amount))


def unknown_ids(draft: Draft) -> None:
    """C004: repeated ids in the node table, empty ids, ids missing in the node table."""
    known, n = draft.names[: len(draft.nodes)], len(draft.nodes)
    if known.hasnans:
        blank = int(np.sum(known.isna()))
        draft.report(
            "C004",
            "ids missing",
            f"{plural(blank, 'row')} of the node table {'has' if blank == 1 else 'have'} no id.",
            (
                "fill in the ids, or delete the rows."
                if draft.origin not in ("", MATRIX)
                else 'nodes = nodes.dropna(subset="node").'
            ),
            count=blank,
        )
    if not known.is_unique:
        again = known[known.notna() & known.duplicated()].unique()
        if len(again):
            layered = ', or layer="…" to take one layer' if "layer" in draft.nodes else ""
            draft.report(
                "C004",
                "ids twice",
                f"{plural(len(again), 'id occurs', 'ids occur')} more than once in the node table: "
                f"{listing(again)}. A node has one balance sheet.",
                (
                    f"leave one row of each in the node table{layered}."
                    if draft.origin not in ("", MATRIX)
                    else f'nodes = nodes.drop_duplicates("node") keeps the first row{layered}.'
                ),
                names=again,
            )
    _empty_ids(draft)
    strange = (draft.creditor >= n) | (draft.debtor >= n)
    if strange.any():
        _strangers(draft, np.flatnonzero(strange))


def _empty_ids(draft: Draft) -> None:
    empty = (draft.creditor < 0) | (draft.debtor < 0)
    if not empty.any():
        return
    rows, drop = np.flatnonzero(empty), draft.choice.get("na") == "drop"
    draft.report(
        "C004",
        "ids missing",
        f"{plural(len(rows), 'claim')} {'has' if len(rows) == 1 else 'have'} no creditor or no "
        f"debtor ({draft.lines(rows)}): {draft.weight(rows)}.",
        'fill in the names, or na="drop" leaves the claims out.',
        rows=rows,
        amount=draft.stake(rows),
        repaired=drop,
    )
    if drop:
        draft.keep(~empty)


def _strangers(draft: Draft, rows: np.ndarray) -> None:
    n = len(draft.nodes)
    known = draft.names[:n]
    sides = np.column_stack([draft.creditor[rows], draft.debtor[rows]]).ravel()
    codes = pd.unique(sides[sides >= n])
    missing = draft.names[codes]
    external = draft.choice.get("unknown_nodes", "error") == "external"
    hint = _other_type(missing, known)
    matches = {str(name): _near(name, known) for name in missing[:3]} if not hint else {}
    said = [f"{name!r}{f' ({why})' if why else ''}" for name, (_, why) in matches.items()]
    said = said or [repr(str(name)) for name in missing[:3]]
    more = f" and {len(missing) - 3:,} more" if len(missing) > 3 else ""
    pairs = [f"{name!r}: {match!r}" for name, (match, _) in matches.items() if match]
    id_map = "id_map={" + ", ".join(pairs or ['"…": "…"']) + "}"
    draft.report(
        "C004",
        "unknown ids",
        f"{plural(len(missing), 'id is', 'ids are')} missing from nodes: {', '.join(said)}{more} "
        f"({draft.lines(rows)}; {draft.weight(rows)}).{hint}",
        (
            "the same type in both tables, e.g. nodes.astype({'node': str}) and "
            "exposures.astype({'creditor': str, 'debtor': str})."
            if hint
            else f'{id_map}, or unknown_nodes="external" (they lend and borrow but never fail).'
        ),
        rows=rows,
        amount=draft.stake(rows),
        repaired=external,
    )
    if external:
        nodes = draft.nodes
        if "can_fail" not in nodes:
            nodes = nodes.assign(can_fail=True)
        extra = pd.DataFrame({"node": missing, "can_fail": False})
        draft.nodes = pd.concat([nodes, extra], ignore_index=True)
        renumber = np.full(len(draft.names), -1, draft.creditor.dtype)
        renumber[:n] = np.arange(n)
        renumber[codes] = n + np.arange(len(codes))
        draft.creditor, draft.debtor = renumber[draft.creditor], renumber[draft.debtor]
        draft.names = known.append(missing) if len(known) else missing


def _other_type(missing: pd.Index, known: pd.Index) -> str:
    """A hint if one table has numbers as ids and the other text, the most common mistake."""
    some = missing[:1000]
    kinds = {isinstance(name, str) for name in some}
    others = {isinstance(name, str) for name in known[:1000]}
    if len(kinds) == 1 and others == {not kinds.copy().pop()}:
        texts = {str(name) for name in known[:1_000_000]}
        found = sum(str(name).removesuffix(".0") in texts for name in some)
        if found:
            mine, theirs = ("text", "numbers") if kinds.pop() else ("numbers", "text")
            return f" The exposures name nodes by {mine}, the node table by {theirs}."
    return ""


def _near(name: object, known: pd.Index) -> tuple[str, str]:
    """The known id that is probably meant, and the reason why it does not match."""
    text = str(name)
    match = closest(text, list(known))
    if match and text.strip() == match.strip():
        here = text if text != text.strip() else match
        side = "trailing" if here != here.rstrip() else "leading"
        return match, f"{side} space" + ("" if here is text else f" in {match!r}")
    if match and text.strip().casefold() == match.strip().casefold():
        return match, f"{match!r} in other case"
    return match, f"closest {match!r}" if match else ""


def self_loops(draft: Draft) -> None:
    """C003: claims of a node on itself."""
    own = draft.creditor == draft.debtor
    if not own.any():
        return
    own &= draft.creditor >= 0
    rows, drop = np.flatnonzero(own), draft.choice.get("self_loops") == "drop"
    if not len(rows):
        return
    n = len(np.unique(draft.creditor[rows]))
    draft.report(
        "C003",
        "self-loops",
        f"{plural(n, 'node holds claims on itself', 'nodes hold claims on themselves')} "
        f"({draft.weight(rows)}): {listing(draft.names[pd.unique(draft.creditor[rows])])} in "
        f"{draft.lines(rows)}. No other node bears such a loss.",
        'self_loops="drop", or split the group into entities.',
        rows=rows,
        amount=draft.stake(rows),
        repaired=drop,
    )
    if drop:
        draft.keep(~own)


def duplicate_pairs(draft: Draft) -> None:
    """C002: rows that differ only in the amount.

    The matrix of liabilities merges equal pairs; if it has m entries, there are no duplicates.
    """
    how, m, n = draft.choice.get("duplicates", "error"), len(draft.amount), len(draft.names)
    if m < 2:
        return
    if draft.broken is None and n == len(draft.nodes) and not (draft.creditor < 0).any():
        draft.liabilities = _matrix(draft)
        if draft.liabilities.nnz == m:
            return
    group = pd.factorize(draft.creditor.astype(np.int64) * (n + 1) + draft.debtor)[0]
    rows = _several(group)
    if draft.raw is not None and draft.raw.unread is not None and draft.broken is not None:
        rows = rows[~draft.broken[rows]]
    group, have = group[rows], set(draft.columns)
    for name in APART if have and len(rows) else ():
        if name in have:
            codes = pd.factorize(draft.columns[name].iloc[rows])[0].astype(np.int64) + 1
            group = pd.factorize(pd.factorize(group)[0] * (codes.max() + 1) + codes)[0]
    more = _several(group)
    rows, group = rows[more], pd.factorize(group[more])[0]
    if not len(rows):
        return
    first = rows[group == 0]
    pairs = int(group.max()) + 1
    draft.report(
        "C002",
        "duplicate pairs",
        f"{plural(pairs, 'pair appears', 'pairs appear')} more than once ({len(rows):,} rows, "
        f"{draft.weight(rows)}), e.g. {draft.pair(int(first[0]))} in {draft.lines(first)}. "
        "Several claims, or one claim reported again?",
        'duplicates="sum" | "last" | "max" | "keep" (separate instruments).',
        rows=rows,
        amount=draft.stake(rows),
        repaired=how != "error",
    )
    if how not in ("error", "keep"):
        _merge(draft, rows, group, how)


def _several(group: np.ndarray) -> np.ndarray:
    """The rows in groups of more than one row."""
    return np.flatnonzero(np.bincount(group)[group] > 1)


def _matrix(draft: Draft) -> csr_array:
    n = len(draft.nodes)
    return csr_array((draft.amount, (draft.debtor, draft.creditor)), shape=(n, n))


def _merge(draft: Draft, rows: np.ndarray, group: np.ndarray, how: str) -> None:
    """One row a group: the last, the largest, or the first row with the sums of the group."""
    place = {
        "sum": -np.arange(len(rows)),
        "last": np.arange(len(rows)),
        "max": draft.amount[rows],
    }[how]
    order = np.lexsort((place, group))
    last = np.append(np.diff(group[order]) != 0, True)
    chosen = rows[order[last]]
    mask = np.ones(len(draft.amount), bool)
    mask[rows] = False
    mask[chosen] = True
    if how == "sum":
        amount = draft.amount.copy()
        amount[chosen] = np.bincount(group, draft.amount[rows])
        draft.pay(amount)
        for name in ("collateral", "weight"):
            if name in draft.columns:
                cells = draft.columns[name].to_numpy(np.float64, na_value=np.nan, copy=True)
                some = np.bincount(group, ~np.isnan(cells[rows])) > 0
                total = np.bincount(group, np.nan_to_num(cells[rows]))
                cells[chosen] = np.where(some, total, np.nan)
                draft.columns = draft.columns.assign(**{name: cells})
    draft.keep(mask)
