"""What to cite: the papers of a model as BibTeX, and the package itself."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("references.bib")
PAPERS: dict[str, tuple[str, ...]] = {  # by the name of the model
    "EisenbergNoe": ("eisenberg2001",),
    "RogersVeraart": ("rogers2013",),
    "Furfine": ("furfine2003",),
    "GaiKapadia": ("gai2010",),
    "DebtRank": ("battiston2012", "bardoscia2015"),
    "NetworkValuation": ("barucca2020",),
    "CreditFunding": ("espinosa2010",),
    "FireSale": ("cifuentes2005",),
    "FailureCosts": ("elliott2014",),
    "CrossHoldings": ("suzuki2002", "elsinger2009", "fischer2014"),
    "LeverageTargeting": ("greenwood2015",),
    "LiquidityHoarding": ("gai2011",),
    "OverlappingPortfolios": ("caccioli2014",),
    "ThresholdDeleveraging": ("cont2017",),
    "JointModel": ("eisenberg2001", "cifuentes2005", "espinosa2010", "barucca2020"),
}


@cache
def entries() -> dict[str, str]:
    """{key: BibTeX} of every paper.

    >>> entries()["gai2010"].splitlines()[0]
    '@article{gai2010,'
    """
    text = FILE.read_text("utf-8")
    return {found[1]: found[0] for found in re.finditer(r"@\w+\{(\w+),.*?\n\}", text, re.S)}


def cite(*models: str) -> str:
    """BibTeX of the package, and of the papers of some models by name.

    >>> print(cite("Furfine").split("@article")[1].splitlines()[1].strip())
    author = {Furfine, Craig H.},
    """
    from . import __version__

    own = (
        "@software{contagion,\n  author = {{The contagion developers}},\n  title = {contagion: how "
        "losses spread through networks of exposures, and who bears them in the end},\n"
        f"  version = {{{__version__}}},\n  url = {{https://github.com/contagion-risk/contagion}}\n}}"
    )
    keys = dict.fromkeys(key for model in models for key in PAPERS.get(model, ()))
    return "\n\n".join([own, *(entries()[key] for key in keys)]) + "\n"
