"""Arrays in, arrays out: the fixed points. Last axis nodes, leading axes scenarios.

numpy, scipy and, where there is much to do, numba; no names, no tables, no pandas. Start with
`fixed_point` (the engine) and `segments`.

- `segments`, `ladder`, `shares`: the one form to which every monotone rule of sharing compiles
- `fixed_point`, `blocks`: the engine, for one scenario and for many; `climb*` its compiled loops,
  `closed_groups` where losses go round, `enclosure` the bound on its error
- `clearing*`: clearing payments of a batch of scenarios, in waves and with guarantees
- `calls`, `cover`, `levy`: guarantees, paid when called
- `default_waterfall`, `rationing`: the losses of a default at a clearing house
- `valuation`, `equities*`, `debtrank`, `allnodes*`: claims that lose value before default
- `cascade`, `funding`, `firesale`: default, funding and price cascades
- `market_*`, `closing`: accounts, prices and what is sold, round
  by round
- `ownership`: nodes that own each other; `circulation`: what cycles of claims can cancel
- `linear`: `x = b + A x` for a nonnegative A; `certificate`: how far a fixed point can be
- `adjoint`, `shapley`: derivatives and attributions of a solved system
"""
