"""The formulas of the appendix: set once as TeX, drawn as paths that need no font."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ..media import page

NOTATION = (
    "L_ij is the debt of i to j, p̄_i its total debts, Π_ij = L_ij / p̄_i; a_i are external assets, "
    "e_i is equity, R a recovery rate, ℓ(j|i) the loss of the owners of j when i defaults, K_j the "
    "equity of j, N the number of nodes."
)
SIZE = 13.0  # points


@dataclass(frozen=True)
class Formula:
    """One formula: its title, its TeX, and the models or parts of the report that use it."""

    title: str
    tex: str
    used: frozenset[str]


def _all(*rows: tuple[str, str, str]) -> tuple[Formula, ...]:
    return tuple(Formula(title, tex, frozenset(used.split())) for title, tex, used in rows)


FORMULAS = _all(
    ("Clearing payments", r"p_i = \min\{\,\bar p_i,\; a_i + \sum_j \Pi_{ji}\, p_j \,\}",
     "EisenbergNoe"),
    ("Clearing with default costs",
     r"p_i = \bar p_i \;\mathrm{if}\; a_i + \sum_j \Pi_{ji}\, p_j \geq \bar p_i,\quad"
     r"\mathrm{else}\;\; \alpha\, a_i + \beta \sum_j \Pi_{ji}\, p_j", "RogersVeraart"),
    ("Default cascade", r"i \;\mathrm{defaults\;when}\; \sum_{j \in D} (1 - R)\, L_{ji} > e_i",
     "Furfine GaiKapadia"),
    ("DebtRank",
     r"h_i(t+1) = \min\{\,1,\; h_i(t) + \sum_j \dfrac{L_{ji}}{e_i}\,[\,h_j(t) - h_j(t-1)\,]\,\}",
     "DebtRank"),
    ("What the shock takes at once", r"d_i = \min\{\, \mathrm{initial}_i,\; e_i^{+},\;"
     r"\mathrm{loss\;of\;owners}_i \,\}", "ledger"),
    ("The ledger", r"\sum_i (\mathrm{shock}_i + \mathrm{contagion}_i) ="
     r"\mathrm{initial\;loss} + \mathrm{deadweight} + \mathrm{relief}", "ledger"),
    ("Socialized share", r"s = \dfrac{\sum_i \mathrm{contagion}_i}{\mathrm{initial\;loss} +"
     r"\mathrm{deadweight} + \mathrm{relief}}", "ledger"),
    ("Amplification", r"A = \dfrac{\mathrm{initial\;loss} + \mathrm{deadweight}}"
     r"{\mathrm{initial\;loss}}", "ledger"),
    ("Concentration", r"\mathrm{HHI} = \sum_i s_i^2,\quad CR_k = \sum_{i \leq k} s_{(i)}",
     "network"),
    ("Leverage matrix and its spectral radius", r"\Lambda_{ij} = \dfrac{L_{ji}}{e_i},\quad"
     r"r(\Lambda) < 1 :\;\mathrm{small\;losses\;shrink}", "network"),
    ("Contagion index", r"CI_i = 100\, \dfrac{\sum_{j \neq i} \ell(j|i)}{\sum_{j \neq i} K_j}",
     "ranking triggers"),
    ("Vulnerability index", r"VI_i = 100\, \dfrac{\sum_{j \neq i} \ell(i|j)}{(N-1)\, K_i}",
     "ranking triggers"),
    ("Value at risk and expected shortfall",
     r"\mathrm{VaR}_q = \inf\{x : P(X \leq x) \geq q\},\quad"
     r"\mathrm{ES}_q = \dfrac{1}{1-q}\int_q^1 \mathrm{VaR}_u\, du", "stress"),
)  # fmt: skip


@lru_cache(maxsize=64)
def drawn(tex: str) -> str:
    """A formula as one `<svg>` in the colour of the text around it.

    >>> drawn("x^2")[:24]
    '<svg class="formula" rol'
    """
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), f"${tex}$", size=SIZE)
    box = path.get_extents()
    words = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
    steps = [
        "Z" if code == Path.CLOSEPOLY
        else words[code] + " ".join(
            f"{x:.2f} {-y:.2f}" for x, y in zip(points[::2], points[1::2], strict=True)
        )
        for points, code in path.iter_segments(curves=True, simplify=False)
    ]  # fmt: skip
    left, top, width, height = box.x0 - 1, -box.y1 - 1, box.width + 2, box.height + 2
    return (
        f'<svg class="formula" role="img" aria-label="{page(tex)}" width="{width:.1f}pt" '
        f'height="{height:.1f}pt" viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}">'
        f'<path fill="currentColor" d="{"".join(steps)}"/></svg>'
    )
