"""A result as one interactive page, for a notebook or as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ArgumentTypeError, expect
from ...experiments.stress import StressTest
from ...experiments.sweeping import Sweep
from ...lookthrough import LookThrough
from ...media import ending, page, shown
from ...network.exposure_network import ExposureNetwork
from ...results.propagation_result import PropagationResult
from .. import style
from ..maps.choice import STATES, states
from ..maps.scene import Scene, scene
from .blocks import chart_block, map_block, table_block
from .charts import exceedance_chart, phase_chart
from .token import token_scenes

SLIM: dict[str, Any] = {"width": 380.0, "height": 620.0, "size": 11.0}
ROWS = 25
TOKEN = (
    "The token is in the middle, its backing in the row below, holders on rings by the number of "
    "claims between. Arrows run from a token to its holders. Links of one colour form a loop, in "
    "which amounts are on the books again at each pass."
)


def rendered(
    template: str,
    filters: dict[str, Callable[..., Any]] | None = None,
    finalize: Callable[[Any], Any] | None = None,
    live: bool = True,
    **values: Any,
) -> str:
    """A page from a template of the package, with the style sheet, and the script if `live`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = Environment(
        loader=PackageLoader("contagion", "."), autoescape=True, undefined=StrictUndefined,
        finalize=finalize, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    room.filters |= filters or {}
    return room.get_template(template).render(live=live, **values)


@dataclass(frozen=True, repr=False)
class Interactive:
    """An interactive page.

    Attributes
    ----------
    title : of the page.
    blocks : fragments of HTML: maps, tables, charts.
    height : height of its frame in a notebook, in pixels.
    """

    title: str
    blocks: tuple[str, ...]
    height: int = 900

    @property
    def html(self) -> str:
        """The whole page, which loads nothing."""
        return rendered("plot/interactive/page.html", title=self.title, blocks=self.blocks)

    def write(self, path: str | PathLike[str]) -> Path:
        """Write the page to a file .html or .htm; an existing file is replaced."""
        ending(path, (".html", ".htm"), "page")
        file = Path(path)
        file.write_text(self.html, encoding="utf-8")
        return file

    @shown
    def __repr__(self) -> str:
        return f"Interactive({self.title!r}): a notebook shows it; .write('page.html') keeps it"

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="{page(self.title)}" srcdoc="{page(self.html)}" width="100%" '
            f'height="{self.height}" style="border:0"></iframe>'
        )


def interactive(
    result: PropagationResult | ExposureNetwork | LookThrough | StressTest | Sweep,
    *details: Any,
) -> Interactive:
    """A result as an interactive page: a map, tables, or a chart with values on hover.

    Parameters
    ----------
    result : a result of `propagate` or a network (map and table of nodes), a look-through (the map
        of one token), a stress test (exceedance curve), or a sweep (phase diagram).
    details : for a look-through the token; for a stress test the column; for a sweep the measure
        and its two axes. By default the node with the most claims on it, "loss", and the first
        ones.

    Raises
    ------
    ArgumentTypeError : for anything else.

    Example
    -------
    >>> import contagion as ct
    >>> net = ct.datasets.load("neva_ring3")
    >>> done = ct.EisenbergNoe().propagate(net, ct.Shock.default("A", recovery=0.5))
    >>> ct.plot.interactive(done).html[:15], "src=" in ct.plot.interactive(done).html
    ('<!DOCTYPE html>', False)
    """
    if isinstance(result, PropagationResult):
        return _of_network(result.network, result)
    if isinstance(result, ExposureNetwork):
        return _of_network(result, None)
    if isinstance(result, LookThrough):
        wide, slim, title, said = token_scenes(result, *details)
        block = map_block("token", title, wide, slim, said, TOKEN)
        return Interactive(title, (block,), 800)
    if isinstance(result, StressTest):
        return Interactive(
            "Loss exceedance", (chart_block("chart", exceedance_chart(result, *details)),), 560
        )
    if isinstance(result, Sweep):
        return Interactive(
            "Phase diagram", (chart_block("chart", phase_chart(result, *details)),), 620
        )
    raise ArgumentTypeError(
        "result is a PropagationResult, an ExposureNetwork, a LookThrough, a StressTest or a "
        f"Sweep, and not {type(result).__name__!r}: "
        "ct.plot.interactive(model.propagate(net, shock))."
    )


def scenes(
    network: ExposureNetwork, result: PropagationResult | None = None, coarse: bool = False
) -> tuple[Scene, Scene]:
    """The map of a network for a screen and for a phone."""
    return scene(network, result, coarse=coarse), scene(network, result, coarse=coarse, **SLIM)


def network_block(
    name: str, network: ExposureNetwork, result: PropagationResult | None = None, title: str = "",
    coarse: bool = False,
) -> str:  # fmt: skip
    """The map of a network as a fragment, for a page that has the script and the style sheet.

    Parameters
    ----------
    name : the id of the figure; network, result : the data to draw.
    title : by default the name of the network.
    coarse : for confidential data: size classes in place of sizes, and no amounts except losses.
    """
    expect(network=network)
    if result is not None:
        expect("PropagationResult", result=result)
    wide, slim = scenes(network, result, coarse)
    return map_block(name, title or style.subject(network), wide, slim)


def _of_network(network: ExposureNetwork, result: PropagationResult | None) -> Interactive:
    wide, slim = scenes(network, result)
    title = style.subject(network)
    blocks = map_block("map", title, wide, slim), nodes_block("nodes", wide)
    return Interactive(title, blocks, 1100)


def nodes_block(name: str, drawn: Scene, rows: int = ROWS) -> str:
    """The nodes of a map as a table: those with the largest losses, or else the largest ones."""
    net, result, to = drawn.network, drawn.result, drawn.to
    size, kind = style.sizes(net), style.kinds(net)
    owners, outside = np.zeros((2, len(net))) if result is None else result.borne
    first = np.lexsort((-size, -(owners + outside)))[:rows]
    some = "" if len(first) == len(net) else f"; the {len(first)} largest of {len(net):,}"
    by = "assets" if result is None else "loss borne"
    state = states(net, result)
    head = ["node", "kind", to.named("assets"), to.named("equity before")]
    head += [] if result is None else [
        to.named("owners lose"), to.named("external creditors lose"), "outcome",
    ]  # fmt: skip
    table = []
    for title, i in zip(style.titles(net, first), first, strict=True):
        row = [str(title), str(kind[i]), to(float(size[i])), to(float(net.book.equity[i]))]
        if result is not None:
            word = STATES[str(state[i])]
            word = word if net.book.known[i] else word.replace("stays solvent", STATES["unknown"])
            row += [to(float(owners[i])), to(float(outside[i])), word]
        table.append(row)
    numbers = range(2, 4 if result is None else 6)
    return table_block(name, f"Nodes by {by}{some}", head, table, numbers=numbers)
