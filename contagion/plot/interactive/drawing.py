"""A map as one `<svg>`: the marks, links and labels as on axes, with attributes for the script.

CSS classes define the appearance, so that one style sheet has both the light and the dark mode.
Names are escaped by :func:`contagion.media.page`; all numbers come from this package.
"""

from __future__ import annotations

import numpy as np

from ...media import page
from ..maps.choice import STATES
from ..maps.curves import Curve
from ..maps.labels import LINE, Label
from ..maps.scene import Scene

SQUARE = ("hit", "vault")
ANCHOR = {-1: "end", 0: "middle", 1: "start"}


def drawing(drawn: Scene, prefix: str, kind: str, label: str) -> str:
    """The map as an element.

    Parameters
    ----------
    drawn : the map; prefix : prefix of every id in it.
    kind : a CSS class, "wide" or "slim".
    label : alternative text for readers who cannot see it.
    """
    parts = [
        f'<svg class="ct-{kind}" viewBox="0 0 {drawn.width:g} {drawn.height:g}" role="img" '
        f'aria-label="{page(label)}" font-size="{drawn.size:g}">'
    ]
    for x, y, across, up in drawn.places.rings:
        parts.append(f'<ellipse class="ring" cx="{x:.0f}" cy="{y:.0f}" rx="{across:.0f}" '
                     f'ry="{up:.0f}"/>')  # fmt: skip
    parts += [_link(curve, k, drawn) for k, curve in enumerate(drawn.curves)]
    order = np.argsort(drawn.chosen.state == "hit", kind="stable")  # nodes hit are on top
    parts += [_mark(drawn, int(k), prefix) for k in order]
    parts += [_text(one, drawn.size) for one in drawn.labels]
    return "".join(parts) + "</svg>"


def patterns(prefix: str) -> str:
    """The hatching, in its own `<svg>`: inside a hidden drawing it would not be displayed."""
    return (
        '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>'
        f'<pattern id="{page(prefix)}-h" width="4" height="4" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0V4" class="ct-hatch"/></pattern></defs></svg>'
    )


def _link(curve: Curve, k: int, drawn: Scene) -> str:
    (x0, y0), (x1, y1), (x2, y2) = curve.points
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve.head)
    red = ("lost" if drawn.result is not None else "loop") if curve.loss > 0 else "still"
    return (
        f'<g class="l {red}" data-l="{len(drawn.curves) - 1 - k}">'
        f'<path d="M{x0:.1f} {y0:.1f}Q{x1:.1f} {y1:.1f} {x2:.1f} {y2:.1f}" '
        f'stroke-width="{curve.width:.1f}"/><polygon points="{head}"/></g>'
    )


def spoken(drawn: Scene, k: int) -> str:
    """One mark in words: name, kind, outcome and loss borne."""
    chosen, state = drawn.chosen, str(drawn.chosen.state[k])
    said = [drawn.names[k]]
    if not (chosen.boxed[k] or chosen.outside[k]):
        said.append(str(chosen.kind[k]))
    if drawn.texts[k]:
        said.append(drawn.texts[k])
    elif drawn.result is not None and not chosen.outside[k]:
        said.append(STATES.get(state, state))
    if chosen.loss[k] > 0 and not chosen.boxed[k]:
        said.append(f"loses {drawn.to.money(float(chosen.loss[k]))}")
    return ", ".join(said)


def _mark(drawn: Scene, k: int, prefix: str) -> str:
    chosen, where = drawn.chosen, drawn.places
    (x, y), (wide, tall) = where.at[k], where.half[k]
    state = str(chosen.state[k])
    kind = "" if drawn.result is not None else f" k{_number(drawn, k)}"
    unknown = " unknown" if drawn.unknown[k] and state in ("loses", "calm") else ""
    label = page(spoken(drawn, k))
    out = f'<g class="m s-{state}{kind}{unknown}" data-m="{k}" role="img" aria-label="{label}">'
    if chosen.boxed[k]:
        out += f'<rect class="b" x="{x - wide:.1f}" y="{y - tall:.1f}" width="{2 * wide:.1f}" '
        out += f'height="{2 * tall:.1f}" rx="5"/><text class="n" x="{x:.1f}" y="{y - 4:.1f}">'
        out += f'{page(drawn.names[k])}</text><text class="v" x="{x:.1f}" y="{y + 11:.1f}">'
        return f"{out}{page(drawn.texts[k])}</text></g>"
    if state in SQUARE:
        side = 0.9 * wide
        out += f'<rect class="d" x="{x - side:.1f}" y="{y - side:.1f}" width="{2 * side:.1f}" '
        out += f'height="{2 * side:.1f}"/>'
    elif chosen.outside[k]:
        points = f"M{x:.1f} {y - wide:.1f}l{wide:.1f} {wide:.1f}l{-wide:.1f} {wide:.1f}"
        out += f'<path class="d" d="{points}l{-wide:.1f} {-wide:.1f}Z"/>'
    else:
        fill = f' style="fill:url(#{page(prefix)}-h)"' if state == "before" else ""
        out += f'<circle class="d" cx="{x:.1f}" cy="{y:.1f}" r="{wide:.1f}"{fill}/>'
        arm = 0.42 * wide
        out += f'<path class="x" d="M{x - arm:.1f} {y - arm:.1f}l{2 * arm:.1f} {2 * arm:.1f}'
        out += f'm0 {-2 * arm:.1f}l{-2 * arm:.1f} {2 * arm:.1f}"/>'
    return f"{out}<title>{label}</title></g>"


def _number(drawn: Scene, k: int) -> int:
    """The number of the colour of a kind; 6 for kinds without their own colour."""
    words = list(kinds(drawn))
    word = str(drawn.chosen.kind[k])
    return min(words.index(word), 6) if word in words else 6


def kinds(drawn: Scene) -> list[str]:
    """The kinds of the nodes drawn, most frequent first, without external creditors."""
    inside = ~drawn.chosen.outside
    words, count = np.unique(drawn.chosen.kind[inside].astype(str), return_counts=True)
    return [str(words[k]) for k in np.argsort(-count, kind="stable")]


def _text(label: Label, size: float) -> str:
    x0, y0, x1, _ = label.box
    x = {-1: x1, 0: (x0 + x1) / 2, 1: x0}[label.side]
    high = LINE * size
    look = [""] * len(label.lines)
    look[-1] = ' class="v"' if label.amount else ""
    lines = [
        f'<tspan{look[k]} x="{x:.1f}" y="{y0 + (k + 0.82) * high:.1f}">{page(text)}</tspan>'
        for k, text in enumerate(label.lines)
    ]
    bold = " bold" if label.bold else ""
    return (
        f'<text class="t{bold}" data-m="{label.mark}" text-anchor="{ANCHOR[label.side]}" '
        f'aria-hidden="true">{"".join(lines)}</text>'
    )
