"""Names of nodes: text unchanged, addresses in lower case, bytes as hex."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from ...errors import NetworkError

ADDRESS, LENGTH = re.compile(r"0[xX][0-9a-fA-F]{40}"), 42
IDS = frozenset(
    ["node", "group", "creditor", "debtor", "guarantor", "owner", "company", "holder", "borrower",
     "venue", "protocol", "claimant", "account", "asset", "instrument", "collateral_asset",
     "debt_asset"]
)  # fmt: skip


def tidy(cells: pd.Series, name: str, text: bool = False) -> tuple[pd.Series, int, str]:
    """A column of ids: bytes as 0x hex, addresses in lower case; how many were changed, and one.

    Only distinct names are looked at; text of files is text already, and 007 stays 007. With
    `text` numbers become text too, 7.0 is "7".

    >>> tidy(pd.Series([b"\\xab\\xcd"], dtype=object), "creditor")[0].tolist()
    ['0xabcd']
    """
    dtype = cells.dtype
    if numbered(dtype):
        if not text:
            return cells, 0, ""
        cells = cells.astype(object)
    if isinstance(dtype, pd.StringDtype) and not _any_address(cells):
        return cells, 0, ""
    try:
        codes, uniques = pd.factorize(cells)
    except TypeError:
        raise NetworkError(
            f"The column {name!r} holds lists or other things that are not ids: text and "
            "numbers are."
        ) from None
    found = list(pd.Index(uniques))
    new = [_tidied(one, text) for one in found]
    changed = [k for k, one in enumerate(new) if type(one) is not type(found[k]) or one != found[k]]
    if not changed:
        return cells, 0, ""
    values = pd.Index(new, dtype="str" if all(isinstance(x, str) for x in new) else object)
    column = pd.Series(values.take(np.where(codes < 0, 0, codes)), cells.index)
    column = column.where(codes >= 0)
    shown = [k for k in changed if isinstance(found[k], str)]
    return column, len(shown), str(found[shown[0]]) if shown else ""


def numbered(dtype: Any) -> bool:
    """Whether cells are numbers or dates: as ids they keep their type, unless text is requested."""
    return pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)


def _any_address(cells: pd.Series) -> bool:
    """Whether some text is an address; only text of sufficient length is checked."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(cells, from_pandas=True)
    length = pc.binary_length(array)
    if (pc.max(length).as_py() or 0) < LENGTH:
        return False
    array = array.filter(pc.greater_equal(length, LENGTH))
    return bool(pc.any(pc.match_substring_regex(array, r"^\s*0[xX][0-9a-fA-F]{40}\s*$")).as_py())


def _tidied(one: Any, text: bool) -> Any:
    if isinstance(one, bytes | bytearray | memoryview):
        return "0x" + bytes(one).hex()
    if isinstance(one, str) and ADDRESS.fullmatch(one.strip()):
        return one.strip().lower()
    if text and not isinstance(one, str):
        return str(int(one)) if isinstance(one, float) and one.is_integer() else str(one)
    return one
