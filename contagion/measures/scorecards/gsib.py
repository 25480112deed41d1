"""Scores of global systemically important banks: Basel Committee, and the two US methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ...errors import DatasetError
from ...media import shown
from ...records import Scores, Table, because
from ...text import listing
from . import methodology as rules
from .methodology import BCBS, CAP, CUT_OFF, US_METHOD_2, WIDTH, Bands, amounts, denominators

NO_FUNDING = "no short-term wholesale funding or risk-weighted assets (method 2)"
US = {
    "method_1": "score by method 1, basis points",
    "method_2": "score by method 2, basis points",
    "rounded_1": "method_1 in whole basis points",
    "rounded_2": "method_2 in whole basis points",
    "surcharge_1": "surcharge by method 1, % of risk-weighted assets",
    "surcharge_2": "surcharge by method 2, % of risk-weighted assets",
    "surcharge": "the larger of the two surcharges, % of risk-weighted assets",
    "binding": "the method that gives the surcharge",
}


@dataclass(frozen=True, eq=False, repr=False)
class GsibScores:
    """Scores of banks with their indicators and categories, basis points.

    Attributes
    ----------
    indicators : (banks, indicators) 10,000 · amount / denominator.
    categories : (banks, 5) scores of the categories, before the cap.
    table : one row a bank, highest first: score (full), rounded (whole bp), bucket (0: below the
        cut-off), surcharge (% of risk-weighted assets, CET1), cap_cost (bp that the cap takes
        off), to_next (bp by which the full score may rise before the next bucket), to_lower (bp
        by which it has to fall for the bucket below; nan below the cut-off).
    """

    indicators: pd.DataFrame
    categories: pd.DataFrame
    table: pd.DataFrame

    @shown
    def __repr__(self) -> str:
        return self.table.round(2).to_string()


def rounded(scores: np.ndarray) -> np.ndarray:
    """Whole basis points, halves rounded up, with a tolerance of 1e-9 for rounding errors.

    >>> rounded(np.array([129.49, 129.5, 130.5]))
    array([129, 130, 131])
    """
    return np.floor(np.asarray(scores, float) + 0.5 + 1e-9).astype(np.int64)


def _placed(scores: pd.Series, bands: Bands) -> pd.DataFrame:
    """Rounded score, band, surcharge, and the distance to the bands above and below."""
    whole = rounded(scores.to_numpy(float))
    band, rate = bands.of(whole)
    floor = CUT_OFF + WIDTH * (band - 1) - 0.5
    up = floor + WIDTH - scores
    down = np.where(band > 0, scores - floor, np.nan)
    columns = {
        "score": scores,
        "rounded": whole,
        "bucket": band,
        "surcharge": rate,
        "to_next": up,
        "to_lower": down,
    }
    return pd.DataFrame(columns, index=scores.index)


def bcbs_gsib(
    indicators: pd.DataFrame,
    *,
    year: int = 2023,
    divisors: pd.Series | Scores | None = None,
    methodology: Literal["2013", "2018"] | None = None,
    unit: str = "EUR bn",
) -> GsibScores:
    """The G-SIB score of the Basel Committee, its bucket and surcharge.

        indicator_k  = 10,000 · amount_k / denominator_k
        category_c   = Σ_{k in c} w_k · indicator_k / Σ_{k in c} w_k
        score        = mean over the five categories, substitutability at most 500 bp

    The score is rounded to whole basis points before the bank is put in a bucket: 130–229 bp 1.0 %,
    230–329 1.5 %, 330–429 2.0 %, 430–529 2.5 %, 530–629 3.5 %; beyond, one percentage point more
    for each further 100 bp (a new empty bucket opens). Supervisors may still change the bucket.

    Parameters
    ----------
    indicators : one row a bank, a column each for the indicators of `weights(methodology)`.
    year : end of the year of the published denominators.
    divisors : other denominators by indicator, in billions of the currency of the amounts; `year`
        is then not used.
    methodology : "2013" (12 indicators) or "2018" (trading volume, insurance in the amounts); by
        default 2018 where the denominators have trading volume, from end-2021.
    unit : of the amounts, "EUR", "EUR mn" or "EUR bn"; another currency needs its `divisors`.

    Raises
    ------
    DatasetError : for a missing or misspelled indicator, another currency, amounts below 0 or not
        finite, a year without denominators, or one without trading volume for "2018".

    Example
    -------
    A bank with 2 % of each denominator scores 200 bp, in the first bucket.

    >>> bank = denominators(2016).to_frame("bank").T * 0.02
    >>> bcbs_gsib(bank, year=2016).table.loc["bank", ["rounded", "bucket", "surcharge"]].tolist()
    [200.0, 1.0, 1.0]

    Source: bis.org/bcbs/gsib/cutoff.htm (cap, cut-off, buckets, rounding: read; halves up is our
    reading of "nearest"); the step beyond 630 bp and the indicators of 2018 from memory of BCBS,
    July 2013 and July 2018 (d445, not read), see `weights`.
    """
    given = denominators(year) if divisors is None else divisors
    if methodology is None:
        methodology = "2018" if set(rules.TRADING) <= set(given.index) else "2013"
    weights = rules.weights(methodology)
    over = _divisors(given, weights.index)
    parts = amounts(indicators, weights.index, unit, "EUR" if divisors is None else None)
    return _scored(1e4 * parts / over, weights)


def _scored(scores: pd.DataFrame, weights: pd.Series) -> GsibScores:
    """Categories, cap and buckets from the scores of indicators."""
    of = pd.Series([rules.category_of(name) for name in weights.index], weights.index)
    weighted = scores * weights
    categories = pd.DataFrame(
        {
            name: weighted.loc[:, of == name].sum(axis=1) / weights[of == name].sum()
            for name in rules.CATEGORIES
        }
    )
    capped = categories.assign(substitutability=categories["substitutability"].clip(upper=CAP))
    score = capped.mean(axis=1).rename("score")
    table = _placed(score, BCBS)
    table.insert(4, "cap_cost", categories.mean(axis=1) - score)
    return GsibScores(
        scores, categories, table.sort_values("score", ascending=False, kind="stable")
    )


def us_gsib(
    indicators: pd.DataFrame,
    *,
    divisors: pd.Series | Scores,
    funding: pd.Series | None = None,
    risk_weighted_assets: pd.Series | None = None,
    unit: str = "USD bn",
) -> Table:
    """The two scores of the US surcharge for G-SIBs; the larger surcharge counts.

        method 1   Σ_k w_k · 10,000 · amount_k / denominator_k, substitutability at most 100 bp
        method 2   Σ_k c_k · amount_k [USD bn] + 350 · funding / risk-weighted assets

    Method 1 has the 12 indicators and weights of 2013 (20 %, 10 %, and 1/15 where the rule prints
    6.67 %). Method 2 has nine indicators with fixed coefficients c_k, and the weighted short-term
    wholesale funding instead of substitutability. Surcharges: method 1 as the buckets of the Basel
    Committee, 4.5 % from 630 bp and 1 % for each further 100 bp; method 2 1.0 % from 130 bp, half
    a point for each further 100 bp. A bank below 130 bp by method 1 is not a G-SIB: no surcharge.

    Parameters
    ----------
    indicators : one row a bank; the 12 indicators of `weights("2013")`.
    divisors : denominators, USD bn, by indicator, such as
        `denominators(2015, currency="USD")`.
    funding : weighted short-term wholesale funding (12 CFR 217.406) by bank, yearly average, money.
    risk_weighted_assets : by bank, yearly average, in the unit of `funding`.
    unit : of the amounts, "USD", "USD mn" or "USD bn".

    Returns
    -------
    Table : one row a bank, highest surcharge first: method_1, method_2 (bp), rounded_1,
    rounded_2 (whole bp), surcharge_1, surcharge_2, surcharge (%), binding ("method 1", "method 2",
    "both" or "none"). Method 2 and surcharge of a bank without funding or risk-weighted assets are
    nan; `reasons` says so.

    Raises
    ------
    DatasetError : as in :func:`bcbs_gsib`, and for funding below 0 or risk-weighted assets not
        above 0.

    Example
    -------
    100 bn of each of the nine indicators give 248.68 bp; funding of 0 adds nothing.

    >>> bank = denominators(2015, currency="USD").to_frame("bank").T * 0.0 + 100.0
    >>> none = pd.Series({"bank": 0.0})
    >>> found = us_gsib(bank, divisors=denominators(2015, currency="USD"), funding=none,
    ...                 risk_weighted_assets=none + 1.0)
    >>> float(found.loc["bank", "method_2"].round(9))
    248.68

    Source: 12 CFR 217.403 (tables 1 and 2, and the higher method 1 surcharges), 217.404, 217.405,
    217.406(a) (all read); method 2 from 1,130 bp by the same steps (not read), whole bp as for the
    Basel Committee.
    """
    weights = rules.weights("2013")
    parts = amounts(indicators, weights.index, unit, "USD")
    scores = _scored(1e4 * parts / _divisors(divisors, weights.index), weights)
    first = scores.table.loc[parts.index, "score"]
    fixed = parts[list(rules.METHOD_2)] @ (pd.Series(rules.METHOD_2) / 100)
    second = fixed + _funding(parts.index, funding, risk_weighted_assets)
    known = second.notna().to_numpy()
    one, two = _placed(first, BCBS), _placed(second.fillna(0.0), US_METHOD_2)
    designated = one["bucket"].to_numpy() > 0
    rate_1 = one["surcharge"].to_numpy()
    rate_2 = np.where(known, np.where(designated, two["surcharge"], 0.0), np.nan)
    binding = np.select(
        [~designated, ~known, rate_1 == rate_2, rate_1 > rate_2],
        ["none", "", "both", "method 1"],
        "method 2",
    )
    columns = {
        "method_1": first,
        "method_2": second,
        "rounded_1": one["rounded"],
        "rounded_2": two["rounded"].astype("Int64").where(known),
        "surcharge_1": rate_1,
        "surcharge_2": rate_2,
        "surcharge": np.where(designated, np.maximum(rate_1, rate_2), 0.0),
        "binding": binding,
    }
    table = pd.DataFrame(columns, index=parts.index)
    table = table.sort_values(["surcharge", "method_1"], ascending=False, kind="stable")
    return Table(table, US, because(table, {NO_FUNDING: True}))


def _divisors(given: pd.Series | Scores, names: pd.Index) -> pd.Series:
    """The denominators of these indicators; raise if one is missing or not above 0."""
    lacking = [name for name in names if name not in given.index]
    if lacking:
        raise DatasetError(
            f"No denominator for {', '.join(lacking)}. "
            + (
                "Trading volume has one from end-2021: take methodology='2013'."
                if set(lacking) <= set(rules.TRADING)
                else "Give one for every indicator."
            )
        )
    over = given[names].astype(float)
    if not (np.isfinite(over) & (over > 0)).all():
        raise DatasetError("Denominators have to be finite and above 0.")
    return over


def _funding(banks: pd.Index, funding: pd.Series | None, assets: pd.Series | None) -> pd.Series:
    """The short-term wholesale funding score, nan if not known."""
    blank = pd.Series(np.nan, banks)
    over = blank if assets is None else assets.reindex(banks).astype(float)
    amount = blank if funding is None else funding.reindex(banks).astype(float)
    wrong = (over <= 0) | (amount < 0) | np.isinf(over) | np.isinf(amount)
    if wrong.any():
        raise DatasetError(
            "Risk-weighted assets have to be above 0 and funding at least 0; they are not for "
            f"{listing(banks[wrong])}."
        )
    return rules.FUNDING_FACTOR * amount / over
