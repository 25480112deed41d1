"""The command `reverse`: the smallest shock that has a given effect."""

from __future__ import annotations

from typing import Annotated, Any

from ..errors import ArgumentError
from ..shocks import Shock
from ..study.texts import number
from . import options
from .grouped import grouped
from .options import SHOCK, option, print_json
from .specifying import Data, modelled
from .terminal import say


@grouped
def reverse_stress(
    source: options.Source,
    fail: Annotated[
        list[str] | None,
        option("NODE", "Goal: this node defaults. Repeatable: all of them default.", SHOCK),
    ] = None,
    reach: Annotated[
        str | None, option("AMOUNT", "Or the goal: total loss of owners, such as 200m.", SHOCK)
    ] = None,
    norm: Annotated[
        str | None,
        option(
            "NORM",
            "Size of a shock: money (total loss, the default), largest (loss of one node), or "
            "relative (to external assets).",
            SHOCK,
        ),
    ] = None,
    hit: Annotated[
        list[str] | None, option("NODE", "Node that may be hit. Repeatable; by default all.", SHOCK)
    ] = None,
    proportional: Annotated[
        bool, option(None, "All external assets fall by the same share.", SHOCK, "--proportional")
    ] = False,
    triggers: Annotated[
        bool, option(None, "The fewest defaults instead of the smallest loss.", SHOCK, "--triggers")
    ] = False,
    recovery: options.Recovery = None,
    default: options.Default = None,
    model: options.ModelName = "eisenberg-noe",
    param: options.Param = None,
    as_json: options.Json = False,
    *,
    data: Data,
) -> None:
    """Find the smallest shock, or the fewest defaults, that cause a default or reach a loss.

    With --default, those nodes default in any case and the shock is added. The answer says whether
    it is exact (a mathematical programme solved to the optimum) or bracketed by runs.

    Example: contagion reverse cefi_credit_2022 --fail voyager --norm relative
    """
    if triggers and (hit or proportional or default):
        raise ArgumentError(
            "--triggers looks for defaults: leave out --hit, --proportional and --default."
        )
    study = modelled(data.study(source), model, param)
    output = "triggers" if triggers else "reverse"
    rate = 0.0 if recovery is None else recovery
    asked: dict[str, Any] = {"fail": fail, "loss": reach and number(reach, "--reach")}
    if triggers:
        asked |= {"recovery": recovery}
    else:
        asked |= {"norm": norm, "hit": hit, "direction": "proportional" if proportional else None}
        asked |= {"given": Shock.default(default, rate)} if default else {}
    own = dict(study.outputs.get(output, {}))
    own |= {name: value for name, value in asked.items() if value is not None}
    if not {"fail", "loss"} & set(own):
        raise ArgumentError("Say what the shock has to do: --fail NODE, or --reach AMOUNT.")
    found = data.begin(study.but(outputs={output: own}))[output]
    if triggers:
        if as_json:
            print_json({**vars(found), "nodes": list(found.nodes)})
        else:
            say(repr(found))
        return
    if as_json:
        print_json({**vars(found), "losses": found.losses.to_dict()})
        return
    say(*repr(found).splitlines())
