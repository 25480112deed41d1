"""The schema is data; what is derived from it must agree with the code that reads it."""

from __future__ import annotations

import pytest

from contagion.network import schema
from contagion.rules import WORDS


@pytest.mark.parametrize("table", schema.TABLES)
def test_every_column_says_what_it_is(table):
    for column in schema.columns(table).values():
        assert column.table == table
        assert column.dtype in ("string", "int", "float", "bool")
        assert column.unit in ("", "money")
        assert column.sign in ("", "signed", ">= 0", ">= 1", "0 to 1")
        assert column.required in ("yes", "no")
        assert len(column.meaning) > 5
        assert column.column in schema.document(table)


def test_defaults_have_the_type_of_the_column():
    nodes, exposures = schema.columns("nodes"), schema.columns("exposures")
    assert exposures["tier"].fill == 1 and exposures["rank"].fill == 0
    assert nodes["can_fail"].fill is True and nodes["rule"].fill == "priority"
    assert nodes["equity"].fill is None


def test_words_of_a_rule_are_those_that_compile():
    assert set(schema.columns("nodes")["rule"].words.split()) == set(WORDS)


def test_bounds():
    assert schema.columns("exposures")["tier"].least == 1
    assert schema.columns("nodes")["equity"].least == -float("inf")
    assert schema.columns("nodes")["rule"].what.startswith("one of priority, pro_rata,")


def test_required_columns():
    def required(table):
        return [c.column for c in schema.columns(table).values() if c.required == "yes"]

    assert required("nodes") == ["node"]
    assert required("exposures") == ["creditor", "debtor", "amount"]
    assert required("guarantees") == ["guarantor", "debtor", "amount"]
    assert required("holdings") == ["node", "asset", "value"]
