"""Published scorecards: denominators of the Basel Committee, coefficients of the US rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from contagion import measures
from contagion.measures import scorecards

# Basel Committee (2017), denominators of the end-2016 exercise, EUR, bis.org/bcbs/gsib/
# denominators.htm, and the same page in 2024, rounded to EUR bn. A bank with a share s of every
# denominator scores 10,000 s bp before the cap. Tolerance: 1e-9 · max(1, |value|), rounding.
EUR_2016 = {
    "total_exposures": (75900827858685, 75901),
    "cross_jurisdictional_claims": (18677719105671, 18678),
    "cross_jurisdictional_liabilities": (16375313942104, 16375),
    "intra_financial_assets": (7834153363387, 7834),
    "intra_financial_liabilities": (8847383167260, 8847),
    "securities_outstanding": (13337072702067, 13337),
    "assets_under_custody": (139936012350579, 139936),
    "payments": (2156973532030800, 2156974),
    "underwriting": (5999120959954, 5999),
    "otc_derivatives": (530406136827858, 530406),
    "level3": (501410778497, 501),
    "trading_afs": (3441947117997, 3442),
}
SHARE, SCORE = 0.02, 200.0
# Federal Reserve (2015), 12 CFR 217.405, table 1: coefficients, % a billion dollars. 100 billion
# of each of the nine indicators are 248.68 bp.
METHOD_2 = {
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
SCORE_2 = 248.68
# Adrian & Brunnermeier (2016), American Economic Review 106(7): the definition of ΔCoVaR; for
# jointly normal losses it is ρ σ_s Φ⁻¹(q) (closed form, recomputed). Losses are a grid of 500 × 500
# normal scores, correlation 0.6, level 0.9. Tolerance: 5e-3, the grid and the window of 0.5 %.
NORMAL = {"scores": 500, "correlation": 0.6, "level": 0.9, "delta_covar": 0.768930939326760}


def near(value: float) -> object:
    return pytest.approx(value, rel=0, abs=1e-9 * max(1.0, abs(value)))


def bank(share: float) -> pd.DataFrame:
    """A bank that has a share of the denominators of end-2016, in EUR."""
    return pd.DataFrame({name: [share * euro] for name, (euro, _) in EUR_2016.items()}, ["bank"])


def method_2(amount: float) -> float:
    """Method 2 of a bank with an amount (USD bn) of each indicator and no short-term funding."""
    over = scorecards.denominators(2015, currency="USD")
    nothing = pd.Series({"bank": 0.0})
    found = scorecards.us_gsib(
        pd.DataFrame({name: [amount] for name in over.index}, ["bank"]),
        divisors=over,
        funding=nothing,
        risk_weighted_assets=nothing + 1.0,
    )
    return float(found.loc["bank", "method_2"])


def delta_covar() -> float:
    """ΔCoVaR of one of two jointly normal losses for the other, at its value at risk."""
    count, rho = int(NORMAL["scores"]), NORMAL["correlation"]
    scores = stats.norm.ppf((np.arange(count) + 0.5) / count)
    x, y = (side.ravel() for side in np.meshgrid(scores, scores))
    found = measures.covar(
        x[:, None], NORMAL["level"], condition="at", window=0.005, resamples=0,
        system=rho * x + np.sqrt(1 - rho**2) * y,
    )  # fmt: skip
    return float(found.loc[0, "delta_covar"])


def test_denominators_as_printed_and_rounded():
    over = scorecards.denominators(2016)
    assert set(over.index) == set(EUR_2016)
    for name, (euro, billions) in EUR_2016.items():
        assert over[name] * 1e9 == near(euro)
        assert round(over[name]) == billions


def test_a_share_of_everything_is_its_score():
    found = scorecards.bcbs_gsib(bank(SHARE), year=2016, unit="EUR")
    assert found.table.loc["bank", "score"] == near(SCORE)
    assert found.categories.loc["bank"].tolist() == [near(SCORE)] * 5


def test_coefficients_of_method_2():
    assert method_2(100.0) == near(SCORE_2) == near(sum(METHOD_2.values()))


def test_delta_covar_of_normal_losses():
    assert delta_covar() == pytest.approx(NORMAL["delta_covar"], abs=5e-3)
