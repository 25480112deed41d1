"""Amounts on links, and balance sheets that are consistent with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, Literal, ParamSpec

import numpy as np
import pandas as pd

from ...errors import NetworkError
from ...network.exposure_network import ExposureNetwork
from ...network.provenance import record, seeded
from ...network.transforms import told
from ...vocabulary import Rng

P = ParamSpec("P")


@dataclass(frozen=True)
class Amounts:
    """The distribution of the claims of a drawn network.

    Attributes
    ----------
    kind : "lognormal" and "pareto" draw every claim independently; "even" gives every creditor
        `mean` times its number of debtors, spread evenly; "fixed share" gives every creditor with
        any debtors the same sum, `mean`, spread evenly (Gai and Kapadia).
    mean : mean amount of a claim, or the total claims of a creditor for "fixed share".
    dispersion : standard deviation of the logarithm, or for "pareto" 1 / tail exponent (below 1).

    Example
    -------
    >>> Amounts("fixed share", mean=20.0).of(np.array([0, 0, 1]), 3, rng=1)
    array([10., 10., 20.])
    """

    kind: Literal["lognormal", "pareto", "even", "fixed share"] = "lognormal"
    mean: float = 1.0
    dispersion: float = 1.0

    def __post_init__(self) -> None:
        kinds = ("lognormal", "pareto", "even", "fixed share")
        if self.kind not in kinds:
            raise NetworkError(f"Amounts are {', '.join(kinds)}, not {self.kind!r}.")
        if not self.mean > 0:
            raise NetworkError(f"The mean amount is {self.mean}; it has to be above 0.")
        if self.dispersion < 0 or (self.kind == "pareto" and not 0 < self.dispersion < 1):
            raise NetworkError(
                f"The dispersion of {self.kind} amounts is {self.dispersion}; it has to be "
                + ("between 0 and 1." if self.kind == "pareto" else "0 or more.")
            )

    def of(self, creditor: np.ndarray, n: int, *, rng: Rng = None) -> np.ndarray:
        """The amounts (m,) of links with these creditors (m,)."""
        draw = np.random.default_rng(rng)
        if self.kind == "lognormal":
            s = self.dispersion
            return self.mean * draw.lognormal(-0.5 * s * s, s, len(creditor))
        if self.kind == "pareto":
            tail = 1.0 / self.dispersion
            return np.asarray(
                self.mean * (1 - self.dispersion) * (1 + draw.pareto(tail, len(creditor)))
            )
        if self.kind == "even":
            return np.full(len(creditor), self.mean)
        return np.asarray(self.mean / np.bincount(creditor, minlength=n)[creditor])


@dataclass(frozen=True)
class Sheets:
    """Balance sheets for given claims C_i and debts D_i.

        A_i = max(C_i / interbank, D_i / (1 − k_i))     total assets
        equity_i = k_i A_i
        external assets = A_i − C_i     external liabilities = A_i − D_i − k_i A_i

    so that every item is >= 0 and the share of claims in assets is `interbank`, or less where a
    node owes much more in the graph than it is owed.

    Attributes
    ----------
    interbank : largest share of the claims in total assets, above 0 and at most 1.
    capital : k, equity over total assets, between 0 and 1.
    spread : k_i is uniform between capital (1 − spread) and capital (1 + spread).
    least : smallest total assets, an amount (for nodes without claims and debts).

    Example
    -------
    Claims 20, debts 30: assets max(100, 31.25), equity 4.

    >>> Sheets(interbank=0.2, capital=0.04).of(
    ...     np.array([20.0]), np.array([30.0]), rng=1).iloc[0].to_dict()
    {'external_assets': 80.0, 'external_liabilities': 66.0}
    """

    interbank: float = 0.2
    capital: float = 0.05
    spread: float = 0.0
    least: float = 1.0

    def __post_init__(self) -> None:
        wrong = {
            "interbank": not 0 < self.interbank <= 1,
            "capital": not 0 <= self.capital < 1,
            "spread": not 0 <= self.spread <= 1,
            "least": not self.least >= 0,
        }
        for name, is_wrong in wrong.items():
            if is_wrong:
                raise NetworkError(
                    f"{name} = {getattr(self, name)} is outside its range, see Sheets."
                )
        if self.capital * (1 + self.spread) >= 1:
            raise NetworkError("capital times 1 + spread has to stay below 1.")

    def of(self, claims: np.ndarray, debts: np.ndarray, *, rng: Rng = None) -> pd.DataFrame:
        """External assets and liabilities (amounts), one row for each node."""
        k = self.capital * (
            1 + self.spread * np.random.default_rng(rng).uniform(-1, 1, len(claims))
        )
        total = np.maximum(np.maximum(claims / self.interbank, debts / (1 - k)), self.least)
        return pd.DataFrame(
            {
                "external_assets": np.maximum(total - claims, 0.0),
                "external_liabilities": np.maximum(total - debts - k * total, 0.0),
            }
        )


def generated(make: Callable[P, ExposureNetwork]) -> Callable[P, ExposureNetwork]:
    """Wrap a function that draws a network: its name, arguments and seed go into the record."""
    takes = signature(make)

    @wraps(make)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> ExposureNetwork:
        given = takes.bind(*args, **kwargs)
        given.apply_defaults()
        said, seed = dict(given.arguments), None
        if "rng" in said:
            given.arguments["rng"], seed = seeded(said.pop("rng"))
        done = record("generated", make.__name__, said, seed=seed)
        return told(make(*given.args, **given.kwargs), [done])

    return drawn


def names_of(n: int, stem: str = "n") -> np.ndarray:
    """n names that sort like their numbers: n00 … n41."""
    width = len(str(max(n - 1, 0)))
    return np.char.add(stem, np.char.zfill(np.arange(n).astype(str), width)).astype(object)


def assembled(
    pairs: tuple[np.ndarray, np.ndarray],
    n: int,
    amounts: Amounts,
    sheets: Sheets,
    rng: np.random.Generator,
    *,
    name: str,
    kind: np.ndarray | None = None,
    weight: np.ndarray | float = 1.0,
) -> ExposureNetwork:
    """A network from links, creditors and debtors (m,): amounts drawn (times `weight` (m,)),
    balance sheets completed."""
    creditor, debtor = pairs
    amount = amounts.of(creditor, n, rng=rng) * weight
    nodes = sheets.of(np.bincount(creditor, amount, n), np.bincount(debtor, amount, n), rng=rng)
    labels = names_of(n)
    nodes.insert(0, "node", labels)
    if kind is not None:
        nodes["kind"] = kind
    owed = {"creditor": labels[creditor], "debtor": labels[debtor], "amount": amount}
    return ExposureNetwork(nodes, pd.DataFrame(owed), name=name)


def count(n: Any, least: int = 2) -> int:
    """The number of nodes as an integer. Raises `NetworkError` where it is not valid."""
    if int(n) != n or n < least:
        raise NetworkError(f"A network of {n} nodes: it takes a whole number, {least} or more.")
    return int(n)
