"""The change of a number between two periods, by amounts, capital and structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from ..errors import ArgumentError, ContagionError, ModelError
from ..experiments.sweeping.grid import PURE, numbers
from ..kernels.shapley import coalitions, exact
from ..media import shown
from ..models.base import Model
from ..network.exposure_network import ExposureNetwork
from ..network.provenance import record
from ..network.transforms import rebuilt
from ..records import Scores
from ..results.propagation_result import PropagationResult
from ..text import known_name, same_scale

GROUPS = ("amounts", "capital", "structure")
Of = str | Callable[[PropagationResult], float]


@dataclass(frozen=True, eq=False, repr=False)
class Change(Scores):
    """The contributions of `amounts`, `capital` and `structure` to a change; they sum to it.

    Attributes
    ----------
    before, after : the periods.
    start, end : the values of the number in these periods.
    unit : unit of the number, empty if it is not an amount.
    """

    before: str = ""
    after: str = ""
    start: float = 0.0
    end: float = 0.0
    unit: str = ""

    @property
    def total(self) -> float:
        """end − start."""
        return self.end - self.start

    @shown
    def __repr__(self) -> str:
        ends, noise = [self.start, self.end], 1e-12 * max(abs(self.start), abs(self.end))
        money = same_scale([*ends, *self.values], self.unit)

        def say(x: float) -> str:
            return money(x if abs(x) > noise else 0.0)

        parts = ", ".join(f"{say(float(part))} by {name}" for name, part in self.values.items())
        return (
            f"{self.values.name}: {say(self.start)} in {self.before}, {say(self.end)} in "
            f"{self.after}\n  {say(self.total)} = {parts}"
        )

    def _lines(self) -> list[str]:
        return [*repr(self).splitlines(), self.definition]


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Add to errors raised inside a note about the network concerned."""
    try:
        yield
    except ContagionError as error:
        error.add_note(what)
        raise


def attributed(
    periods: Sequence[str], results: tuple[PropagationResult, PropagationResult], of: Of | None
) -> Change:
    """See :meth:`contagion.panel.PanelRun.change`."""
    networks = (results[0].network, results[1].network)
    if any(network._shareholdings is not None for network in networks):
        raise ModelError(
            "The change is not computed for networks with shareholdings: equity then follows from "
            "the equity of others. net.with_shareholdings(None) leaves them out."
        )
    model, shock = cast(Model, results[0].model), results[0].shock
    of = of or ("socialized" if model.settles else "loss")
    worth = []
    for late in coalitions(0, 2 ** len(GROUPS), len(GROUPS)):
        groups = dict(zip(GROUPS, late, strict=True))
        if late.all() or not late.any():
            result = results[int(late[0])]
        else:
            words = [f"{g} of {periods[int(is_late)]}" for g, is_late in groups.items()]
            with naming(f"The network with {', '.join(words)}."):
                mixed = between(networks, **{g: int(x) for g, x in groups.items()})
                result = model.propagate(mixed, shock, baseline=results[0].baseline)
        worth.append(_number(result, of))
    parts = pd.Series(exact(np.array(worth)), GROUPS, name=of if isinstance(of, str) else "change")
    pure = not isinstance(of, str) or of in PURE or of.endswith("_share")
    return Change(
        parts,
        "the part of the change by each group, the mean over all orders (Shapley); equity is "
        "held where amounts change",
        before=periods[0],
        after=periods[1],
        start=worth[0],
        end=worth[-1],
        unit="" if pure else networks[0].unit,
    )


def _number(result: PropagationResult, of: Of) -> float:
    if callable(of):
        found = float(of(result))
    else:
        given = numbers(result)
        known_name(of, list(given), "number of a run")
        found = given[of]
    if not np.isfinite(found):
        why = result.socialization.reasons.get(of, "") if isinstance(of, str) else ""
        raise ArgumentError(f"The change of {of} is not defined: {why or 'it is not finite'}.")
    return found


def between(
    networks: tuple[ExposureNetwork, ExposureNetwork], amounts: int, capital: int, structure: int
) -> ExposureNetwork:
    """A network with groups of data from two periods, 0 for the earlier and 1 for the later.

    With p̄ and b the debts inside and outside the graph (`amounts`), e the equity (`capital`), and
    π_k the share of claim k in the debts p̄_i of its debtor i (`structure`):

        amount_k = π_k p̄_i,    external assets = e + b + p̄ − claims.

    Negative external assets are set to 0 and added to b instead.
    """
    size, base = networks[amounts], networks[structure]
    other, n = networks[1 - structure], len(base)
    debts, due = size.book.debts, base.book.debts
    borrowed = (due == 0) & (debts > 0)  # no debts in this period: use claims of the other one
    claims = [_scaled(base, debts, ~borrowed), _scaled(other, debts, borrowed)]
    exposures = pd.concat([part for part in claims if len(part)] or claims[:1], ignore_index=True)
    held = np.bincount(
        base.names.get_indexer(pd.Index(exposures["creditor"])), exposures["amount"], n
    )
    equity = networks[capital].book.equity
    outside = size.book.external_liabilities
    outside = np.where(np.isnan(outside), networks[1 - amounts].book.external_liabilities, outside)
    wanted = equity + outside + debts - held
    assets = np.maximum(wanted, 0.0)
    nodes = base._completed().assign(
        external_assets=assets,
        external_liabilities=np.where(np.isnan(equity), np.nan, outside + (assets - wanted)),
        can_fail=base.book.can_fail & networks[capital].book.can_fail,
    )
    done = {"amounts": amounts, "capital": capital, "structure": structure}
    return rebuilt(base, record("changed", "two periods mixed", done), exposures, nodes)


def _scaled(network: ExposureNetwork, debts: np.ndarray, debtors: np.ndarray) -> pd.DataFrame:
    """The claims on some debtors, scaled to these total debts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(network.book.debts > 0, debts / network.book.debts, 0.0)
    rows = debtors[network.debtor]
    claims: pd.DataFrame = network.exposures[rows]
    return claims.assign(amount=(network.amount * factor[network.debtor])[rows])
