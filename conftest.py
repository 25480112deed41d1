"""Figures that an example or a test has opened are closed after it."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
