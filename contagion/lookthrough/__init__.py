"""Look-through: the base assets that back a claim, through any number of wrappers.

A token is backed by a protocol that holds another token, and so on. :func:`look_through` resolves
such chains, including closed cycles, and preserves the total of the base assets.
:func:`who_holds_the_bag` returns the ultimate holders of an asset or token,
:func:`rehypothecation` the number of times a base asset is reused and the depth of the chains, and
:func:`blast_radius` the nodes and amounts that depend on one oracle, bridge or chain.
"""

from __future__ import annotations

from .dependents import blast_radius
from .look_through import LookThrough, look_through
from .rehypothecation import rehypothecation
from .ultimate_holders import who_holds_the_bag

__all__ = ["LookThrough", "blast_radius", "look_through", "rehypothecation", "who_holds_the_bag"]
