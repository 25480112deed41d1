"""The contents of a network: tables, arrays, balance sheets, and how they are filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal, Self, Unpack, cast

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from ..errors import Finding
from ..records import findings_shown
from ..rules import Rule, from_dict
from ..text import known_name
from . import balance_sheet as books
from . import guarantees as contingent
from . import holdings as held
from . import intake, periods
from . import shareholdings as owners
from .checks import Choices
from .checks.draft import column
from .formats import Tables
from .provenance import Provenance, Record, begun, record
from .tables.snapshots import label

ExternalCreditors = Literal["senior", "pari_passu"]
STATED = ("equity", "total_assets", "total_liabilities", "can_fail")


class Contents:
    """The tables, arrays and balance sheets of an :class:`~contagion.ExposureNetwork`."""

    unit: str
    name: str
    external_creditors: ExternalCreditors
    names: pd.Index  # (n,) ids, in the order of every array of nodes
    creditor: np.ndarray  # (m,) rows of `names`
    debtor: np.ndarray
    amount: np.ndarray  # (m,) face value
    book: books.Book
    findings: tuple[Finding, ...]
    provenance: Provenance
    _nodes: pd.DataFrame
    _columns: pd.DataFrame
    _holdings: pd.DataFrame | None
    _choices: dict[str, Any]
    _accepted: dict[str, str]
    _rules: dict[Any, Rule]
    _guarantees: pd.DataFrame | None
    _shareholdings: pd.DataFrame | None

    @classmethod
    def _from(cls, tables: Tables, settings: dict[str, Any]) -> Self:
        network = cls.__new__(cls)
        network._fill(tables, **settings)
        return network

    def _fill(
        self,
        tables: Tables,
        *,
        unit: str = "",
        name: str = "",
        external_creditors: ExternalCreditors = "senior",
        holdings: Any = None,
        rules: Mapping[Any, Any] | None = None,
        guarantees: Any = None,
        shareholdings: Any = None,
        origin: str = "",
        assumptions: Iterable[str] = (),
        provenance: Iterable[Record | Mapping[str, Any]] = (),
        read: Record | None = None,
        trusted: bool = False,
        **choices: Unpack[Choices],
    ) -> None:
        """Check the tables and set every attribute, once.

        `provenance` has the records of earlier steps, `read` the record of how the tables were
        read. `trusted` tables come from a network, whose provenance is already complete.
        """
        before = Provenance.of(provenance)
        tables.origin = origin or tables.origin
        beside = intake.beside(
            tables,
            {"holdings": holdings, "guarantees": guarantees, "shareholdings": shareholdings},
        )
        if not trusted:
            asked = {**choices, "rules": rules}
            tables, beside, given = periods.one(tables, beside, asked, unit)
            rules, choices = given.pop("rules"), cast(Choices, given)
        read = read or record("read", tables.origin or "tables")
        draft, book = intake.check(tables, choices, unit, trusted=trusted)
        put = self.__dict__
        put["unit"], put["name"] = unit, name
        put["external_creditors"] = external_creditors
        book = books.with_assumptions(book, tuple(assumptions))
        put["_nodes"] = draft.nodes.reset_index(drop=True)
        put["_columns"] = draft.columns.reset_index(drop=True)
        put["creditor"] = intake.frozen(draft.creditor)
        put["debtor"] = intake.frozen(draft.debtor)
        same = draft.raw is not None and draft.amount is draft.raw.values
        put["amount"] = intake.frozen(draft.amount.copy() if same else draft.amount)
        put["names"] = pd.Index(put["_nodes"]["node"], name="node")
        put["_shareholdings"] = owners.checked(beside["shareholdings"], self.names, book.known)
        if put["_shareholdings"] is not None:
            book = books.with_shares(draft, book, owners.values(self.ownership, book.equity))
        put["book"], put["findings"] = book, tuple(draft.findings)
        begin = begun(before, read, choices, draft.findings, unit)
        put["provenance"] = before if trusted else begin
        put["_holdings"] = held.checked(beside["holdings"], self.names, book.external_assets)
        put["_choices"] = {k: v for k, v in choices.items() if k in ("start_defaulted",)}
        put["_accepted"] = intake.accepted(draft, choices)
        put["_guarantees"] = contingent.checked(
            beside["guarantees"], self.names, self.creditor, self.debtor
        )
        put["_rules"] = self._named_rules(rules or {})
        tables.how.finish(tables.headings)
        if draft.liabilities is not None:
            put["liabilities"] = intake.frozen_matrix(draft.liabilities)

    def __setattr__(self, key: str, value: object) -> None:
        raise AttributeError(f"an ExposureNetwork is immutable; {key!r} cannot be set")

    # -- tables -----------------------------------------------------------------------------

    @property
    def nodes(self) -> pd.DataFrame:
        """The node table as given, with the repairs that were chosen (a copy)."""
        return self._nodes.copy(deep=False)

    @cached_property
    def _exposures(self) -> pd.DataFrame:
        sides = {
            "creditor": self.names.take(self.creditor),
            "debtor": self.names.take(self.debtor),
            "amount": self.amount,
        }
        table = pd.DataFrame(sides)
        return pd.concat([table, self._columns], axis=1) if len(self._columns.columns) else table

    @property
    def exposures(self) -> pd.DataFrame:
        """The exposure table, one row a claim (a copy): creditor, debtor, amount, other columns."""
        return self._exposures.copy(deep=False)

    @property
    def holdings(self) -> pd.DataFrame | None:
        """The table node, asset, value, or None (a copy)."""
        return None if self._holdings is None else self._holdings.copy(deep=False)

    @property
    def guarantees(self) -> pd.DataFrame | None:
        """The table of contingent claims, or None (a copy)."""
        return None if self._guarantees is None else self._guarantees.copy(deep=False)

    @property
    def shareholdings(self) -> pd.DataFrame | None:
        """The table of shareholdings, or None (a copy)."""
        return None if self._shareholdings is None else self._shareholdings.copy(deep=False)

    @property
    def rules(self) -> dict[Any, Rule]:
        """The rules of single nodes, by node (a copy); others follow the column `rule`."""
        return dict(self._rules)

    @property
    def balance_sheet(self) -> pd.DataFrame:
        """External assets, claims, external liabilities, debts and equity of every node.

        With shareholdings also `shares`, the value of the shares that a node holds in others.
        """
        book = self.book
        shares = {} if self._shareholdings is None else {"shares": book.shares}
        return pd.DataFrame(
            {
                "external_assets": book.external_assets,
                "claims": book.claims,
                **shares,
                "external_liabilities": book.external_liabilities,
                "debts": book.debts,
                "equity": book.equity,
            },
            index=self.names,
        )

    def check(self) -> pd.DataFrame:
        """Findings of the input checks: code, severity, title, count, amount, message, fix."""
        return findings_shown(self.findings)

    @property
    def derived(self) -> tuple[str, ...]:
        """External assets and liabilities that were computed, and the columns used for them."""
        return self.book.derived

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions about unknown balance sheets and about amounts that were reconstructed,
        generated or perturbed; one sentence each."""
        return (*self.book.assumptions, *self.provenance.sentences)

    @cached_property
    def period(self) -> str:
        """The period of the tables, empty if they do not state one."""
        for table in (self._columns, self._nodes):
            if "period" in table and (some := table["period"].dropna().head(1)).size:
                return label(some.iloc[0])
        return ""

    @cached_property
    def kinds(self) -> np.ndarray:
        """(n,) the kind of every node, "node" where the table does not state one."""
        if "kind" not in self._nodes:
            return np.full(len(self), "node", object)
        return self._nodes["kind"].fillna("node").to_numpy(object)

    @cached_property
    def ownership(self) -> csr_array:
        """`Γ`, shape (n, n): `Γ[i, j]` is the part of the equity of company j that i owns."""
        return intake.frozen_matrix(owners.matrix(self._shareholdings, self.names))

    @property
    def priced_assets(self) -> pd.Index:
        """(A,) the assets of the holdings, sorted by name: the axis of all prices; may be empty."""
        return self._held[0]

    @property
    def held(self) -> csr_array:
        """(n, A) market value that each node holds of each of `priced_assets`, before the shock."""
        return self._held[1]

    @cached_property
    def _held(self) -> tuple[pd.Index, csr_array]:
        assets, money = held.matrix(self._holdings, self.names)
        return assets, intake.frozen_matrix(money)

    @cached_property
    def only_equity(self) -> np.ndarray:
        """(n,) bool: only equity is known; the other items are the smallest consistent values."""
        sides = ("external_assets", "total_assets", "external_liabilities", "total_liabilities")
        blank = np.all([np.isnan(column(self._nodes, side)) for side in sides], axis=0)
        return np.asarray(blank & self.book.known)

    # -- looking up -------------------------------------------------------------------------

    def _completed(self) -> pd.DataFrame:
        """The node table with the balance sheet as it was completed."""
        kept: pd.DataFrame = self.nodes.drop(columns=[c for c in STATED if c in self._nodes])
        return kept.assign(
            external_assets=self.book.external_assets,
            external_liabilities=self.book.external_liabilities,
            can_fail=self.book.can_fail,
        )

    def position(self, node: Any) -> int:
        """Row of a node. Raises `UnknownNameError` with the closest name."""
        try:
            return int(cast(int, self.names.get_loc(node)))
        except (KeyError, TypeError, pd.errors.InvalidIndexError):
            known_name(node, self.names, "node")
            raise

    def asset_position(self, asset: Any) -> int:
        """Position of an asset in `priced_assets`; `UnknownNameError` if no node holds it."""
        return held.place(self.priced_assets, asset)

    def holdings_of(self, asset: Any) -> np.ndarray:
        """(n,) market value that each node holds of an asset; `UnknownNameError` if none does."""
        return np.asarray(self.held[:, [self.asset_position(asset)]].toarray()[:, 0])

    def _named_rules(self, given: Mapping[Any, Any]) -> dict[Any, Rule]:
        """Rules by node, from rules, words and dicts; `KeyError` for an unknown node."""
        for name in given:
            self.position(name)
        return {
            name: rule if isinstance(rule, Rule) else from_dict(rule)
            for name, rule in given.items()
        }

    def __len__(self) -> int:
        return len(self.names)
