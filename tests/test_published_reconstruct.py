"""Published answers of reconstruction: maximum entropy, minimum density, the fitness model."""

from __future__ import annotations

import numpy as np
import pytest

import contagion as ct

# Anand, Craig & von Peter (2015), Quantitative Finance 15(4), example on p. 628. Amounts of the
# tables are outputs of the R package NetworkRiskMeasures (README and tests), which print two
# digits; rows are assets (creditors), columns liabilities (debtors).
BANKS = list("abcdefg")
ASSETS = [7, 5, 3, 1, 3, 0, 1]
LIABILITIES = [4, 5, 5, 0, 0, 2, 4]
MAXIMUM_ENTROPY = [
    [0, 2.53, 2.18, 0, 0, 0.74, 1.55],
    [1.72, 0, 1.6, 0, 0, 0.54, 1.14],
    [0.98, 1.06, 0, 0, 0, 0.31, 0.65],
    [0.25, 0.27, 0.23, 0, 0, 0.08, 0.17],
    [0.75, 0.81, 0.7, 0, 0, 0.24, 0.5],
    [0, 0, 0, 0, 0, 0, 0],
    [0.3, 0.32, 0.28, 0, 0, 0.09, 0],
]
MINIMUM_DENSITY = [
    [0, 3, 0, 0, 0, 0, 4],
    [3, 0, 2, 0, 0, 0, 0],
    [0, 2, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, 0, 1, 0],
    [0, 0, 3, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0, 0],
]
DIGITS = 0.0051  # half of the last digit printed


def banks() -> ct.synthetic.reconstruct.Margins:
    return ct.synthetic.reconstruct.Margins(BANKS, ASSETS, LIABILITIES)


def test_maximum_entropy_to_the_digit():
    found = ct.synthetic.reconstruct.maximum_entropy(banks())
    assert np.abs(found.mean().to_numpy() - np.array(MAXIMUM_ENTROPY)).max() <= DIGITS
    assert found.margin_errors[0] <= 1e-12


def test_the_published_minimum_density_is_not_the_minimum():
    """Nine exposures were published, from a heuristic; seven do, and no six (proven by HiGHS)."""
    published = np.array(MINIMUM_DENSITY)
    assert published.sum(1).tolist() == ASSETS and published.sum(0).tolist() == LIABILITIES
    assert (published > 0).sum() == 9
    found = ct.synthetic.reconstruct.minimum_density(banks(), exact=True)
    assert found.links.tolist() == [7]
    assert found.margin_errors[0] <= 1e-12
    assert "proven" in found.notes[0]


def test_seven_exposures_by_hand():
    """One optimum, checked without a solver: a lends 5 to b and 2 to f, and so on."""
    rows = [("a", "b", 5), ("a", "f", 2), ("b", "c", 5), ("c", "a", 3), ("d", "g", 1)]
    rows += [("e", "g", 3), ("g", "a", 1)]
    known = {(creditor, debtor): amount for creditor, debtor, amount in rows}
    margins = ct.synthetic.reconstruct.Margins(BANKS, ASSETS, LIABILITIES, known=known)
    assert ct.synthetic.reconstruct.maximum_entropy(margins).links.tolist() == [7]


def test_the_heuristic_finds_what_was_published():
    draws = ct.synthetic.reconstruct.minimum_density(banks(), samples=50, rng=192)
    assert draws.margin_errors.max() <= 1e-12
    assert 7 <= draws.links.min() <= 9  # published: 9
    assert draws.links.max() <= 10  # six creditors and five debtors, less one


def test_fitness_model_has_its_closed_form():
    """Cimini, Squartini, Garlaschelli & Gabrielli (2015), Sci. Rep. 5:15758.

    p_ij = z x_i x_j / (1 + z x_i x_j), i ≠ j: four nodes of fitness 1 and 6 of 12 links give z = 1.
    """
    margins = ct.synthetic.reconstruct.Margins(BANKS[:4], [1.0] * 4, [1.0] * 4)
    model = ct.synthetic.reconstruct.link_model(margins, links=6)
    assert model.z == pytest.approx(1.0, rel=1e-9)
    assert model.expected_links == pytest.approx(6.0, rel=1e-9)
    off = ~np.eye(4, dtype=bool)
    assert model.probability.to_numpy()[off] == pytest.approx(np.full(12, 0.5))
    assert ct.synthetic.reconstruct.link_model(margins, density=0.5).z == pytest.approx(
        1.0, rel=1e-9
    )
