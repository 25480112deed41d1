"""One file a model, and the registry that the command line, the tests and the README read."""

from __future__ import annotations

from ..model import Model
from .debtrank import DebtRank
from .eisenberg_noe import EisenbergNoe
from .furfine import Furfine
from .gai_kapadia import GaiKapadia
from .rogers_veraart import RogersVeraart

MODELS: dict[str, type[Model]] = {
    "eisenberg-noe": EisenbergNoe,
    "rogers-veraart": RogersVeraart,
    "debtrank": DebtRank,
    "furfine": Furfine,
    "gai-kapadia": GaiKapadia,
}

__all__ = ["MODELS", "DebtRank", "EisenbergNoe", "Furfine", "GaiKapadia", "Model", "RogersVeraart"]
