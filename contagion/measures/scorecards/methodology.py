"""The G-SIB methodologies: indicators, weights, cap, bands, and the published denominators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd

from ...errors import DatasetError
from ...records import Scores
from ...text import choice, closest, listing
from ...units import parse

CATEGORIES = {
    "size": ("total_exposures",),
    "cross_jurisdictional_activity": (
        "cross_jurisdictional_claims",
        "cross_jurisdictional_liabilities",
    ),
    "interconnectedness": (
        "intra_financial_assets",
        "intra_financial_liabilities",
        "securities_outstanding",
    ),
    "substitutability": ("assets_under_custody", "payments", "underwriting"),
    "complexity": ("otc_derivatives", "level3", "trading_afs"),
}
TRADING = ("trading_volume_fixed_income", "trading_volume_equities_other")
METHOD_2 = {  # per cent a billion dollars, 12 CFR 217.405, table 1
    "total_exposures": 4.423,
    "intra_financial_assets": 12.007,
    "intra_financial_liabilities": 12.490,
    "securities_outstanding": 9.056,
    "otc_derivatives": 0.155,
    "trading_afs": 30.169,
    "level3": 161.177,
    "cross_jurisdictional_claims": 9.277,
    "cross_jurisdictional_liabilities": 9.926,
}
FUNDING_FACTOR = 350.0  # bp, 12 CFR 217.406(a)
CUT_OFF, WIDTH = 130, 100  # bp: start of the first band, and width of each band
CAP = 500.0  # bp of the category, 100 bp of the score

SOURCES = {
    "bis_2016": "bis.org/bcbs/gsib/denominators.htm, stored page with end-2012 to end-2016, in EUR",
    "bis_2023": "the same page with end-2013 to end-2023, rounded to EUR bn",
    "fed_2017": "federalreserve.gov/supervisionreg/basel/denominators.htm, in USD: those of the "
    "Basel Committee at 1.2141 (2014) and 1.0887 (2015) dollars a euro",
}


@dataclass(frozen=True)
class Bands:
    """Bands of the rounded score and their surcharges, % of risk-weighted assets.

    Attributes
    ----------
    rates : surcharges of bands 1, 2, ...; the first begins at 130 bp, each is 100 bp wide.
    step : surcharge added for each band beyond the last.
    """

    rates: tuple[float, ...]
    step: float

    def of(self, rounded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Band (0 below the first) and surcharge (%) of whole scores (bp).

        >>> BCBS.of(np.array([129, 130, 229, 230, 629, 630]))
        (array([0, 1, 1, 2, 5, 6]), array([0. , 1. , 1. , 1.5, 3.5, 4.5]))
        """
        band = np.maximum((np.asarray(rounded, np.int64) - CUT_OFF) // WIDTH + 1, 0)
        last = len(self.rates)
        rate = np.array([0.0, *self.rates])[np.minimum(band, last)]
        return band, rate + self.step * np.maximum(band - last, 0)


BCBS = Bands((1.0, 1.5, 2.0, 2.5, 3.5), 1.0)
US_METHOD_2 = Bands((1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5), 0.5)


def weights(methodology: Literal["2013", "2018"] = "2018") -> pd.Series:
    """Weights of the indicators in the score; each category has a weight of one fifth.

    2013: 12 indicators, equal within a category (20 %, 2 × 10 %, 9 × 1/15; the rules print
    6.67 %). 2018: underwriting keeps half of its weight; trading volume gets the other half, a
    quarter each for fixed income and for equities and other securities. The amounts of 2018 include
    insurance subsidiaries, which changes no weight.

    Raises
    ------
    ArgumentError : for another methodology.

    Example
    -------
    >>> weights("2013")["payments"] * 15, float(weights().sum().round(12))
    (np.float64(1.0), 1.0)

    Source: 2013 as in 12 CFR 217.404, table 1 (read); 2018 after Commission Delegated Regulation
    (EU) 1222/2014, article 5(2), as amended by 2021/539 (custody and payments "weighted in full"
    read, the halves from memory of BCBS d445, July 2018, table 1).
    """
    choice(methodology, ("2013", "2018"), "methodology")
    found = {name: 0.2 / len(names) for category, names in CATEGORIES.items() for name in names}
    if methodology == "2018":
        found["underwriting"] = 1 / 30
        found |= dict.fromkeys(TRADING, 1 / 60)
    return pd.Series(found, name="weight")


def category_of(indicator: str) -> str:
    """The category of an indicator.

    >>> category_of("level3"), category_of("trading_volume_fixed_income")
    ('complexity', 'substitutability')
    """
    return next((c for c, names in CATEGORIES.items() if indicator in names), "substitutability")


@cache
def _published() -> pd.DataFrame:
    return pd.read_csv(str(files(__package__) / "denominators.csv"))


@dataclass(frozen=True, eq=False, repr=False)
class Denominators(Scores):
    """Denominators by indicator; `year`, `unit` and `source` of the data."""

    year: int = 0
    unit: str = ""
    source: str = ""


def denominators(year: int = 2023, *, currency: Literal["EUR", "USD"] = "EUR") -> Denominators:
    """The denominators of the indicators: sums over the sample of banks, billions.

    EUR for end-2012 to end-2023 (the Basel Committee), USD for end-2014 and end-2015 (the Federal
    Reserve, for method 1). Up to 2016 with all printed digits, later rounded to billions as
    published. Trading volume from 2021. The definition of trading and available-for-sale
    securities changed after end-2012.

    Parameters
    ----------
    year : end of the year of the data (the list of banks comes out in November of the next).
    currency : "EUR" or "USD".

    Returns
    -------
    Denominators : one number an indicator, with the year, the unit and the source.

    Raises
    ------
    DatasetError : for a year without data, with the available years.

    Example
    -------
    >>> denominators(2016)["level3"], denominators(2023)["level3"]
    (np.float64(501.410778497), np.float64(727.0))

    Source: bis.org/bcbs/gsib/denominators.htm and federalreserve.gov/supervisionreg/basel/
    denominators.htm (both read as stored pages).
    """
    table = _published()
    here = table[(table["currency"] == currency) & (table["year"] == year)]
    if here.empty:
        known = sorted(set(table.loc[table["currency"] == currency, "year"]))
        raise DatasetError(
            f"No denominators in {currency} for {year}. There are: "
            f"{', '.join(map(str, known)) or 'none in this currency, take EUR or USD'}."
        )
    found = here.set_index("indicator")["billions"].rename("denominator")
    sources = "; ".join(SOURCES[key] for key in here["source"].unique())
    unit = f"{currency} bn"
    words = f"sum over the sample of banks, {unit}, end of {year}"
    return Denominators(found, words, year=year, unit=unit, source=sources)


def amounts(
    indicators: pd.DataFrame, names: pd.Index, unit: str, currency: str | None
) -> pd.DataFrame:
    """The indicators of banks in billions of a currency (`None`: any currency); columns `names`.

    Raises `DatasetError` for a unit in another currency, for columns that are missing or spelled
    differently, and for amounts that are not finite or below 0.
    """
    own = parse(unit)
    if currency is not None and own.asset.casefold() != currency.casefold():
        raise DatasetError(
            f"The amounts are in {unit!r} and the denominators or coefficients in {currency}. "
            "Convert the amounts first (the Committee takes rates of the end of the year)."
        )
    missing = [name for name in names if name not in indicators]
    if missing:
        spare = [str(column) for column in indicators.columns if column not in names]
        near = {name: closest(name, spare) for name in missing}
        hints = [f"{other!r} is {name!r}" for name, other in near.items() if other]
        raise DatasetError(
            f"Missing {len(missing)} of {len(names)} indicators: {listing(missing, 14)}. "
            + (f"Perhaps {', '.join(hints)}. " if hints else "")
            + "A missing one is not 0; give 0 where a bank has none."
        )
    found = indicators[names].astype(float)
    bad = ~np.asarray((np.isfinite(found) & (found >= 0)).all(axis=1), bool)
    if bad.any():
        raise DatasetError(
            f"Amounts have to be finite and >= 0; they are not for {listing(found.index[bad])}."
        )
    return found * (own.factor / 1e9)
