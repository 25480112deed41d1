"""Clearing houses: who bears the loss of a default, and in which order.

`DefaultManager` covers the loss of each defaulter from its margin and contribution and allocates
the remainder: own capital, default fund, assessments, gains haircut, tear-up. `rule` is the same
order as a rule of a node on a graph. `emir` has own capital of 25 % (2013) and `cover_2`, the size
of the fund. Houses by name are in :mod:`contagion.venues.clearing_houses`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import RuleError
from ..kernels.default_waterfall import (
    AFTER,
    ALONG,
    ASSESSMENTS,
    BEFORE,
    BESIDE,
    CONTRIBUTION,
    FUND,
    GAINS,
    LAST,
    MARGIN,
    OWN,
    TEAR_UP,
    Settled,
    settle,
)
from ..rules.waterfall import Layer, Waterfall
from ..text import known_name, listing
from .default_run import DefaultRun
from .parameters import at_most, capacity, money, share
from .record import Document, Terms, Venue

HOUSE = "clearing house"
OPTIONAL = {"margin": 0.0, "gain": 0.0, "tear_up": 0.0, "means": np.inf, "called": 0.0}
COLUMNS = ("loss", "contribution", *OPTIONAL)


@dataclass(frozen=True)
class DefaultManager:
    """How a clearing house covers the losses of members in default.

        each defaulter:  L_d = loss − margin − contribution, at least 0; its surplus is returned
        1 own capital `before`                         2 contributions of survivors, `beside` them
        3 own capital `after`                          4 assessments, `beside_assessments` with them
        5 own capital at the end, `last`               6 gains haircut h = left / Σ gain⁺ <= haircut
        7 tear-up, pro rata                            what is left is uncovered

    Each layer takes min(left, capacity), pro rata on the capacities in it: own capital beside
    members loses the same share as they do. A survivor i is assessed for at most

        k c_i − called_i,   k = min(per_event × events, per_period),   c_i its contribution

    and amounts that one member cannot pay are called from the others, up to the same limit. A
    survivor that is assessed for more than its `means` defaults. Its own `loss` is covered by its
    margin, the uncovered part is added to the amount to be assessed, and any remaining margin pays
    its assessment. Margins and contributions of defaulters are never pooled; margins of survivors
    are not used.

    Parameters
    ----------
    before, beside, after, beside_assessments, last : own capital at each place, amounts.
    per_event : assessments for one default, as a multiple of the contribution; 0: none.
    per_period : limit for all defaults of a period, on the same base; `None`: no other limit.
    haircut : largest share of a gain that is taken, 0 to 1; 0: none.
    tear_up : whether payments to members for terminated contracts are cut at the end.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    d1 covers its own loss, d2 leaves 120; own capital of 10, a fund of 45, assessments up to one
    contribution:

    >>> from contagion.venues import ccp
    >>> manager = ccp.DefaultManager(before=10, per_event=1, per_period=1)
    >>> members = {"member": ["d1", "d2", "a", "b"], "loss": [100, 200, 0, 0],
    ...            "margin": [150, 60, 90, 80], "contribution": [20, 20, 25, 20],
    ...            "gain": [0, 0, 200, 100]}
    >>> run = manager.run(members, ["d1", "d2"], unit="USD m")
    >>> run
    Default of 'd1', 'd2': loss 300 m USD, uncovered 0 USD
      defaulter margin: 160 m USD of 210 m USD (76.2 %)
      defaulter contribution: 20 m USD of 40 m USD (50 %)
      own capital before the fund: 10 m USD of 10 m USD (100 %)
      default fund: 45 m USD of 45 m USD (100 %)
      assessments: 45 m USD of 45 m USD (100 %)
      gains haircut: 20 m USD of 300 m USD (6.7 %)
      goes back to estates: 70 m USD
    >>> run.estates["returned"].to_dict()
    {'d1': 70.0, 'd2': 0.0}

    Simplified: one round of each layer, no auction, no interest. The caps count only the named
    defaults (a member that defaults on its assessment adds a loss, but does not raise the cap); its
    gains of the round are cut like those of others. For a replenished fund, start a new run with
    `called`.

    Source: Swiss Financial Market Infrastructure Act, art. 53 (order up to the fund; survivors'
    margin excluded); ESMA Q&A 886, 887; ISDA, CCP Loss Allocation at the End of the Waterfall,
    August 2013 (a summary was read).
    """

    before: float = 0.0
    beside: float = 0.0
    after: float = 0.0
    beside_assessments: float = 0.0
    last: float = 0.0
    per_event: float = 1.0
    per_period: float | None = None
    haircut: float = 1.0
    tear_up: bool = False

    def __post_init__(self) -> None:
        for each in fields(self)[:6]:
            money(getattr(self, each.name), each.name)
        capacity(self.per_period, "per_period")
        share(self.haircut, "haircut")

    def run(
        self,
        members: Any,
        defaulters: Any,
        *,
        events: int | None = None,
        house: str = HOUSE,
        unit: str = "",
    ) -> DefaultRun:
        """Share the losses of a default among the house and its members.

        Parameters
        ----------
        members : one row per member, pandas or a mapping. `member`; `contribution` to the default
            fund; `loss` on its portfolio (for survivors: the loss if they also defaulted, or 0);
            optional `margin` (0), `means` available for assessments (no limit) and the amount
            already `called` in the period (0). `gain`, the variation margin of the round, is
            needed unless haircut is 0; `tear_up`, the payment for terminated contracts, is needed
            with tear-up. All are amounts; `gain` may be negative (no gain).
        defaulters : the member in default, or several.
        events : number of defaults for the caps; by default the number of defaulters.
        house : name of the bearer of own capital.
        unit : of all amounts, e.g. "USD m".

        Raises
        ------
        RuleError : for a missing column, members named twice, an amount that is empty or negative.
        UnknownNameError : for a defaulter that is no member.
        """
        table, out = self._read(members, defaulters)
        arrays = {name: table[name].to_numpy(float) for name in COLUMNS}
        done = self.settle(**arrays, defaulted=out, events=events)
        names = tuple(table["member"])
        gone = tuple(names[k] for k in np.flatnonzero(out))
        return DefaultRun(names, gone, done, house, unit)

    def settle(
        self,
        loss: ArrayLike,
        margin: ArrayLike,
        contribution: ArrayLike,
        defaulted: ArrayLike,
        *,
        gain: ArrayLike = 0.0,
        tear_up: ArrayLike = 0.0,
        means: ArrayLike = np.inf,
        called: ArrayLike = 0.0,
        events: ArrayLike | None = None,
    ) -> Settled:
        """The same for arrays (..., n): scenarios on the leading axes, n members on the last.

        Parameters as in :meth:`run`, `defaulted` bool, `events` (...); they broadcast.

        Example
        -------
        >>> import numpy as np
        >>> manager = DefaultManager(before=10, per_event=2.75, per_period=5.5, haircut=0)
        >>> gone = np.array([[True, False, False], [True, True, False]])
        >>> loss = np.array([[400.0, 0, 0], [200, 200, 0]])
        >>> manager.settle(loss, 0, [0, 0, 100], gone).uncovered
        array([15.,  0.])
        """
        given = {"loss": loss, "margin": margin, "contribution": contribution, "gain": gain}
        given |= {"tear_up": tear_up, "means": means, "called": called}
        arrays = {name: np.asarray(values, float) for name, values in given.items()}
        arrays["gain"] = np.maximum(arrays["gain"], 0.0)
        for name, values in arrays.items():
            if not (values >= 0).all() or (name != "means" and np.isinf(values).any()):
                raise RuleError(f"{name!r} is empty, infinite or negative; it is an amount >= 0.")
        out = np.asarray(defaulted, bool)
        shape = np.broadcast_shapes(out.shape, *(values.shape for values in arrays.values()))
        arrays = {name: np.broadcast_to(values, shape) for name, values in arrays.items()}
        arrays["defaulted"] = np.broadcast_to(out, shape)
        if not self.tear_up:
            arrays["tear_up"] = np.zeros(shape)
        own = {BEFORE: self.before, BESIDE: self.beside, AFTER: self.after}
        own |= {ALONG: self.beside_assessments, LAST: self.last}
        row = {name: np.full(shape[:-1], amount, float) for name, amount in own.items()}
        count = arrays["defaulted"].sum(-1) if events is None else np.asarray(events, float)
        cap = np.inf if self.per_period is None else self.per_period
        multiple = np.broadcast_to(np.minimum(self.per_event * count, cap), shape[:-1])
        return settle(arrays, row, multiple, self.haircut)

    def rule(self) -> Waterfall:
        """The order as the rule of a node; :meth:`claims` builds the matching claims."""
        own = {"before": self.before, "after": self.after, "last": self.last}
        none = None if self.per_event or self.beside_assessments else 0.0
        return rule(**own, assessments=none, haircut=self.haircut, tear_up=self.tear_up)

    def claims(self, members: Any, defaulters: Any, *, house: str = HOUSE) -> pd.DataFrame:
        """The claims of house and members in the layers of :meth:`rule`.

        Parameters as in :meth:`run`. `rule().allocate(Σ loss, claims)` gives the same result as
        :meth:`run` if no member defaults on its assessment. On a graph the claimant is the
        creditor, the house is the debtor and its own capital is a separate node. The rows in layer
        `assessments` go to `net.with_guarantees`, which also finds members that cannot pay. The
        surplus of a defaulter is a claim in no layer, so it loses after all others.

        Returns
        -------
        DataFrame : claimant, layer, amount.
        """
        table, out = self._read(members, defaulters)
        arrays = {name: table[name].to_numpy(float) for name in COLUMNS}
        found = self.settle(**arrays | {"means": np.full(len(out), np.inf)}, defaulted=out)
        worth = found.capacity | {GAINS: np.maximum(arrays["gain"], 0.0)}
        used = (MARGIN, CONTRIBUTION)
        worth |= {layer: found.absorbed[layer] for layer in used}
        inside, frames = {BESIDE: FUND, ALONG: ASSESSMENTS}, []
        absent = [GAINS] * (not self.haircut) + [TEAR_UP] * (not self.tear_up)
        for layer, amount in worth.items():
            if layer in absent or (layer in OWN and not amount):
                continue
            who = out if layer in used else ~out
            frame = (
                {"claimant": [house], "amount": float(amount)}
                if layer in OWN
                else {"claimant": table["member"][who], "amount": amount[who]}
            )
            frames.append(pd.DataFrame(frame).assign(layer=inside.get(layer, layer)))
        back = found.returned > 0
        frame = {"claimant": table["member"][back], "amount": found.returned[back]}
        frames.append(pd.DataFrame(frame).assign(layer=None))
        return pd.concat(frames, ignore_index=True)[["claimant", "layer", "amount"]]

    def _read(self, members: Any, defaulters: Any) -> tuple[pd.DataFrame, np.ndarray]:
        """The members with all columns, and a mask (n,) of those in default."""
        table = pd.DataFrame(dict(members) if isinstance(members, Mapping) else members)
        asked = ["gain"] * (self.haircut > 0) + ["tear_up"] * self.tear_up
        for column in ("member", "contribution", "loss", *asked):
            if column not in table:
                why = "; haircut=0 takes nothing from gains" if column == "gain" else ""
                raise RuleError(
                    f"The members have no column {column!r}; they have "
                    f"{listing(table.columns, 9)}{why}."
                )
        name = table["member"]
        if name.duplicated().any():
            raise RuleError(f"Member {name[name.duplicated()].iloc[0]!r} occurs twice.")
        many = isinstance(defaulters, Collection) and not isinstance(
            defaulters, str | bytes | tuple
        )
        gone, known = list(defaulters) if many else [defaulters], name.tolist()
        for each in gone:
            known_name(each, known, "member", "defaulters")
        filled = {column: least for column, least in OPTIONAL.items() if column not in table}
        table = table.assign(**filled)
        for column in COLUMNS:
            table[column] = _numbers(table, column)
        return table, name.isin(gone).to_numpy()


def rule(
    margin: float | None = None,
    contribution: float | None = None,
    before: float | None = None,
    default_fund: float | None = None,
    assessments: float | None = None,
    haircut: float = 1.0,
    tear_up: bool = False,
    after: float = 0.0,
    last: float = 0.0,
) -> Waterfall:
    """The order of :class:`DefaultManager` as the rule of one node.

    Parameters
    ----------
    margin, contribution : of defaulters, the amounts used for their own losses; `None`: the sum of
        the claims in the layer, 0: there is none.
    before, default_fund, assessments : capacities of own capital before the fund, of the
        contributions of survivors and of their assessments, likewise.
    haircut : largest share of a gain that is taken, 0 to 1.
    tear_up : whether the claims in layer `tear-up` lose after the gains; if not, the remainder is
        uncovered.
    after, last : own capital after the fund, and after the assessments, amounts.

    Claims: layers `defaulter margin`, `defaulter contribution`, `own capital before the fund`,
    `default fund` (own capital beside the members is a claim in it), `own capital after the fund`,
    `assessments`, `own capital at the end`, `gains haircut`, `tear-up`;
    :meth:`DefaultManager.claims` builds them.

    On a graph the clearing house is a node without equity: margin, funds and payments of members
    with losses are its assets, and members hold claims on it in these layers. Equity of the node
    would lose before the defaulter's margin, so own capital is a separate node ("ccp capital") with
    a claim in its layer. Assessments are not claims there but guarantees (`net.with_guarantees`
    with layer="assessments"): they are called at that place, and unpaid if the member cannot pay.

    The order after the fund is unverified in general (high confidence); houses differ.

    Raises
    ------
    RuleError : a parameter out of range.

    Example
    -------
    Loss 500; margin 120, contribution 20, own capital 15, fund 150, assessments 150, gains of 100:

    >>> from contagion.venues import ccp
    >>> gains = {"claimant": ["a", "b"], "amount": [60.0, 40.0], "layer": "gains haircut"}
    >>> done = ccp.rule(120, 20, 15, 150, 150).allocate(500, gains)
    >>> done.layers["absorbed"].tolist(), done.uncovered
    ([120.0, 20.0, 15.0, 150.0, 150.0, 45.0], 0.0)

    Source: as for :class:`DefaultManager`.
    """
    second, end = money(after, "after"), money(last, "last")
    part = share(haircut, "haircut")
    layers = [
        Layer(MARGIN, capacity=capacity(margin, "margin"), owner="defaulter"),
        Layer(CONTRIBUTION, capacity=capacity(contribution, "contribution"), owner="defaulter"),
        Layer(BEFORE, capacity=capacity(before, "before"), owner=HOUSE),
        Layer(FUND, capacity=capacity(default_fund, "default_fund"), owner="survivors"),
        *([Layer(AFTER, capacity=second, owner=HOUSE)] if second else []),
        Layer(ASSESSMENTS, capacity=capacity(assessments, "assessments"), owner="survivors"),
        *([Layer(LAST, capacity=end, owner=HOUSE)] if end else []),
        *([Layer(GAINS, at_most(part))] if part else []),
        *([Layer(TEAR_UP)] if tear_up else []),
    ]
    return Waterfall(layers)


def _numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    least = -np.inf if column == "gain" else 0.0
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.isnan(values) | (values < least) | (np.isinf(values) & (column != "means"))
    if bad.any():
        who = listing(table["member"][bad])
        sign = "" if least < 0 else " or negative"
        raise RuleError(f"{column!r} is empty, infinite{sign} for {who}; it is money.")
    return np.asarray(values)


TERMS = Terms(
    fund="margin and contribution of the defaulter, own capital, default fund",
    basis="contribution, then gains",
    price="gains cut or positions torn up, where the order has these layers",
    cap="assessments: a multiple of the contribution",
)
CATALOGUE = (
    Venue(
        name="ccp",
        build=rule,
        title="Default waterfall of a clearing house",
        documents=(
            Document("Swiss Financial Market Infrastructure Act, art. 53", "2015-06-19", "in full"),
            Document("ESMA, Q&A 886 and 887", "undated", "in full"),
            Document(
                "ISDA, CCP Loss Allocation at the End of the Waterfall, a summary",
                "2013-08",
                "excerpt",
            ),
            Document("order after the fund", "undated", "memory"),
        ),
        read="The order of layers 1 to 4 in the Swiss law; of ISDA (2013) a summary; the order "
        "of 5 to 7 is unverified (high confidence).",
        simplified="No replenishing, no auction that ranks bidders, one round of each layer.",
        terms=TERMS,
    ),
)
