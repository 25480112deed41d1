"""The value of one unit of a currency or an asset in the unit of the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...units import Unit, parse


def rates(
    codes: pd.Series, unit: str, fx: Mapping[str, Any]
) -> tuple[np.ndarray | None, list[str], list[str]]:
    """Rates by row, the codes found and those without a rate; rates are None if all are 1."""
    home = parse(unit)
    labels, uniques = pd.factorize(codes)
    found = [str(code).strip() for code in pd.Index(uniques)]
    blank = bool((labels < 0).any())
    rate = [one(code, home, fx) for code in found]
    missing = [c for c, r in zip(found, rate, strict=True) if np.isnan(r)]
    if blank and not unit and len(found):
        missing = [*missing, "(empty)"]
    if len(found) == 1 and not blank and not unit and not fx:
        return None, found, []
    if "(empty)" in missing:
        found = [*found, "(empty)"]
    return np.append(rate, 1.0)[labels], found, missing


def one(code: str, home: Unit, fx: Mapping[str, Any]) -> float:
    """The value of one unit of a currency: given, or known from the scale of the same currency.

    A code without a scale ("USD" in a table in "USD m") names only the currency.
    """
    own = parse(code)
    if code in fx or not home.asset or own.asset.casefold() != home.asset.casefold():
        return float(fx.get(code, np.nan))
    return own.factor / home.factor if own.factor != 1 else 1.0


def fix(missing: list[str], unit: str) -> str:
    """The text of the option that supplies the missing rates."""
    named = [code for code in missing if code != "(empty)"]
    pairs = ", ".join(f'"{code}": …' for code in named[:4])
    more = "" if unit else ', unit="…"'
    filled = ", and fill in the empty currencies" if "(empty)" in missing else ""
    return f"fx={{{pairs}}}{more} (what one is worth in {unit or 'the unit'}){filled}."
