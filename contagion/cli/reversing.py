"""The command `reverse`: what it takes."""

from __future__ import annotations

from typing import Annotated, Any

from ..errors import ArgumentError
from ..experiments import reverse as search
from ..shocks import Shock
from . import options
from .grouped import Data, grouped
from .options import SHOCK, number, option, print_json
from .terminal import say


@grouped
def reverse_stress(
    source: options.Source,
    fail: Annotated[
        list[str] | None,
        option("NODE", "What the shock has to do: fail this node. Repeatable: all of them.", SHOCK),
    ] = None,
    reach: Annotated[
        str | None, option("AMOUNT", "Or: make owners lose this much in all, such as 200m.", SHOCK)
    ] = None,
    norm: Annotated[
        str,
        option(
            "NORM",
            "Size of a shock: money (in all), largest (of one node), relative (to assets).",
            SHOCK,
        ),
    ] = "money",
    hit: Annotated[
        list[str] | None, option("NODE", "Node that may be hit. Repeatable; by default all.", SHOCK)
    ] = None,
    proportional: Annotated[
        bool, option(None, "All external assets fall by the same part.", SHOCK, "--proportional")
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
    """Find the smallest shock, or the fewest defaults, that fail a node or reach a loss.

    With --default, those nodes fail anyway and the shock comes on top. The answer says whether
    it is exact (a programme solved to the optimum) or bracketed by runs.

    Example: contagion reverse cefi_credit_2022 --fail voyager --norm relative
    """
    loaded = data.load(source)
    net, chosen = loaded.network, options.model(model, param)
    goal: Any = fail if fail else None
    loss = None if reach is None else number(reach, "--reach")
    rate = 0.0 if recovery is None else recovery
    if triggers:
        if hit or proportional or default:
            raise ArgumentError(
                "--triggers looks for defaults: leave out --hit, --proportional and --default."
            )
        few = search.fewest_triggers(net, chosen, fail=goal, loss=loss, recovery=rate)
        if as_json:
            print_json({**vars(few), "nodes": list(few.nodes)})
        else:
            say(repr(few))
        return
    given = sum((Shock.default(name, rate) for name in default or ()), Shock())
    found = search.smallest_shock(
        net,
        chosen,
        fail=goal,
        loss=loss,
        norm=norm,  # type: ignore[arg-type]
        direction="proportional" if proportional else None,
        hit=hit,
        given=given,
    )
    if as_json:
        print_json({**vars(found), "losses": found.losses.to_dict()})
        return
    say(*repr(found).splitlines())
