"""What came out of a run: the outcome of a model, labelled, shared out, explained and audited.

Start with :class:`PropagationResult`, which `model.propagate(network, shock)` returns.

- `outcome`: the arrays that a model hands back; `run_arrays`: inputs, outcome and losses as arrays
- `propagation_result`: one shock through one network, with every number labelled
- `ledger`: who bears what because of the shock, as arrays and as a table
- `socialization`: its sums, how far a loss socializes; `hops`: steps from the shock
- `waterfalls`: how each node shared its shortfall, layer by layer
- `assumed`: whether the share rests on capital that no source gives
- `explain`: the paths behind the loss of one node
- `audit`: whether a result holds: `one_round` recomputed, solved again, the ledger added up
"""

from __future__ import annotations

from .ledger import Ledger
from .outcome import Outcome
from .propagation_result import PropagationResult
from .socialization import Socialization

__all__ = ["Ledger", "Outcome", "PropagationResult", "Socialization"]
