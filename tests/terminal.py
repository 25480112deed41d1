"""Text of a terminal, for the tests of the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest


def fits(text: str) -> bool:
    """No line is wider than 80 columns."""
    return all(len(line) <= 80 for line in text.splitlines())


def flat(text: str) -> str:
    """The words, however they were wrapped."""
    return " ".join(text.split())


def read_json(text: str) -> Any:
    """JSON as the standard has it: no NaN."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
