"""Look-through: which base assets stand behind a claim, through any number of wrappers.

A token is backed by a protocol that holds another token, and so on. :func:`look_through` unrolls
the chain, loops included, without making or losing money; :func:`who_holds_the_bag` says who holds
an asset or a token in the end, :func:`rehypothecation` how often a base asset is used again and
how deep the chains are, :func:`blast_radius` what depends on one oracle, bridge or chain.
"""

from __future__ import annotations

from .dependents import blast_radius
from .look_through import LookThrough, look_through
from .rehypothecation import rehypothecation
from .ultimate_holders import who_holds_the_bag

__all__ = ["LookThrough", "blast_radius", "look_through", "rehypothecation", "who_holds_the_bag"]
