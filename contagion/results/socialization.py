"""The socialized share of a loss: totals of the ledger, with definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from ..facts import Fact, Sentence
from ..text import listed
from . import ledger
from .assumed import RESTS, assumed_capital
from .hops import along, claims
from .run_arrays import RunArrays

NOTHING = "nothing is destroyed, so that there is nothing to share"
NOISE = 1e-9  # part of a loss below which no sentence mentions an amount
BASELINE, HITS = "baseline", "capital of the nodes hit"  # assumptions that a sentence depends on
DIFFUSE = "no named party bears anything"


@dataclass(frozen=True)
class Socialization:
    """Totals of the ledger. Amounts in the unit of the network, increments over the reference.

    Attributes
    ----------
    initial_loss : value destroyed by the shock, summed over the nodes it hits. For a default set
        by the shock: the assets of the node minus its payments.
    deadweight : value destroyed during contagion by default costs, falling prices, forced sales or
        failure costs; negative where the shock reduces the deadweight of the reference.
    absorbed_by_trigger : Σ `shock` of the ledger: direct loss of the owners of the nodes hit (and
        of the owners of those owners).
    socialized : Σ `contagion` of the ledger, all other losses caused by the shock.
    socialized_share : socialized / (initial loss + deadweight + relief), in [0, 1]; not defined
        where nothing is destroyed.
    socialized_on_hit : part of `socialized` that falls on owners of nodes hit by the shock.
    relief : gains of some parties because of the shock; not netted against losses.
    amplification : (initial loss + deadweight) / initial loss; not defined without initial loss.
    bystander_share : share of the loss that the shock causes (absorbed + socialized) that falls on
        parties without a direct claim on a node hit by the shock (a guarantee for it or a share in
        it counts as a claim), in [0, 1]: parties two or more hops away, and parties one hop away
        that lose only by prices of assets or withdrawn funding. It depends on conduits: a vehicle
        without equity adds a hop. Not defined where nothing is destroyed, as the other shares.
    reach : number of nodes, triggers excluded, that losses reach by any channel and whose owners
        lose more than the threshold.
    depth : hops from the triggers to the farthest node counted in `reach`.
    hhi : concentration over named bearers (owners of nodes, holders): Herfindahl–Hirschman index
        Σ (amount / total of the named bearers)², in (0, 1]; 1 / hhi is the number of equal bearers.
        Not defined where all losses fall on external creditors.
    external_share : part of the loss caused by the shock that falls on external creditors, in
        [0, 1]; they are a diffuse group, not a single bearer.
    missing_before : shortfall without the shock against book values, including its deadweight;
        0 unless `baseline="book"`.
    borne : initial loss + deadweight + relief + missing before, the sum of all rows of the ledger.
    """

    initial_loss: float
    deadweight: float
    absorbed_by_trigger: float
    socialized: float
    socialized_share: float
    socialized_on_hit: float
    relief: float
    amplification: float
    bystander_share: float
    reach: int
    depth: int
    hhi: float
    external_share: float
    missing_before: float
    borne: float

    def to_dict(self) -> dict[str, float]:
        """The record as a dict."""
        return asdict(self)

    @property
    def reasons(self) -> dict[str, str]:
        """{attribute: reason why it is nan}."""
        given = self.to_dict()
        return {
            name: DIFFUSE if name == "hhi" and self.socialized > 0 else NOTHING
            for name, value in given.items()
            if np.isnan(value)
        }


def amounts(result: RunArrays) -> dict[str, float]:
    """The numbers of :class:`Socialization` that need no hops, from the ledger."""
    found, floor, before = result.entries, ledger.noise(result.network), result.before
    initial, dead = float(found.initial[found.triggers].sum()), float(found.destroyed.sum())
    lost, external = float(found.borne.sum()), float(found.outside.sum())
    nothing = not lost > ledger.ROUNDING / ledger.NEGLIGIBLE * float(floor.sum())
    owners = found.shock + found.contagion
    own = owners / owners.sum() if owners.sum() > 0 else np.full(len(owners), np.nan)
    missing = 0.0 if before is None else float(before.borne.sum())
    return {
        "initial_loss": initial,
        "deadweight": dead,
        "absorbed_by_trigger": float(found.shock.sum()),
        "socialized": float(found.socialized),
        "socialized_share": np.nan if nothing else float(found.socialized) / lost,
        "socialized_on_hit": float(found.contagion[found.triggers].sum()),
        "relief": float(np.where(found.relief > floor, found.relief, 0.0).sum()),
        "amplification": (initial + dead) / initial if initial > 0 else np.nan,
        "hhi": float((own**2).sum()),
        "external_share": np.nan if nothing else external / lost,
        "missing_before": missing,
        "borne": lost + missing,
    }


def summarize(result: RunArrays, hop: np.ndarray, threshold: float = 0.0) -> Socialization:
    """The numbers of :class:`Socialization`, from the ledger and :func:`~.hops.hops`.

    A node counts for `reach` if its owners lose more than `threshold` (an amount).
    """
    found, floor, known = result.entries, ledger.noise(result.network), amounts(result)
    owners = found.shock + found.contagion
    near = found.triggers.copy()
    near[along(np.flatnonzero(found.triggers), (claims(result),))] = True
    near_outside = found.triggers | (hop < 0)
    far = float(owners[(hop >= 1) & ~near].sum() + found.outside[~near_outside].sum())
    reached = result.caused.loss > np.maximum(threshold, floor)
    reached &= ~found.triggers & (hop > 0)
    nothing = np.isnan(known["socialized_share"])
    return Socialization(
        **known,
        bystander_share=np.nan if nothing else far / float(found.borne.sum()),
        reach=int(reached.sum()),
        depth=int(hop[reached].max(initial=0)),
    )


def sentences(
    result: RunArrays,
    s: Mapping[str, float],
    why: Fact | None = None,
    run: str = "",
    exhibit: str = "S1",
    called: Callable[[str], str] = str,
) -> list[Sentence]:
    """The ledger in sentences: the value destroyed, then the socialized part of it.

    Parameters
    ----------
    s : the sums of the ledger of the result, by name: :func:`amounts` and possibly others.
    why : the shock as a sentence, printed with the value that it destroys.
    run, exhibit : the run of the numbers, and the exhibit of a report that prints them.
    called : function that rewrites an assumption for readers.
    """
    unit = result.network.unit
    facts = {
        key: Fact(key.replace("_", " "), value, "share" if key == "socialized_share" else "money",
                  (run,), exhibit, unit)
        for key, value in s.items()
    }  # fmt: skip
    dead = {cause: float(x.sum()) for cause, x in result.entries.deadweight.items()}
    facts |= {
        cause: Fact(f"deadweight by {cause}", x, "size", (run,), exhibit, unit)
        for cause, x in dead.items()
    }
    facts |= {} if why is None else {"why": why}
    floor, hit = NOISE * max(s["borne"], s["initial_loss"]), bool(result.triggers.any())
    text = ["{why}" if why is not None else "No shock."]
    if hit:
        head = "{initial_loss}" if s["initial_loss"] > floor else "Nothing"
        text = [f"{head} is destroyed" + (": {why}" if why is not None else ".")]
    more = [f"{{{x}}} more by {x}" for x in dead if dead[x] > floor]
    text += [f"This destroys {listed(more)} on the way."] if more else []
    less = [f"{x} would have destroyed {{{x}}} more" for x in dead if dead[x] < -floor]
    text += [f"Without it, {listed(less)}."] if less else []
    if s["relief"] > floor:
        text.append("Others get {relief} more because of it; that is not netted.")
    if s["missing_before"] > floor:
        text.append(
            f"{{missing_before}} {'was missing before the shock' if hit else 'is missing'}."
        )
    lines = [Sentence(" ".join(text), facts, (BASELINE,))]
    if not np.isnan(s["socialized_share"]):
        said = (
            "{socialized} ({socialized_share}) is socialized, that is, borne by contagion; the "
            "owners of the nodes hit absorb {absorbed_by_trigger} at once."
        )
        if s["socialized_on_hit"] > NOISE * s["socialized"]:
            said += " Of it {socialized_on_hit} falls on owners of nodes hit too."
        first, *others = assumed_capital(result) or [""]
        if first:
            facts["first"] = Fact("assumption", called(first), "text", ("the data",), "T3")
            said += f" {RESTS}{' and others' if others else ''}."
        lines.append(Sentence(said, facts, (BASELINE, HITS)))
    return lines
