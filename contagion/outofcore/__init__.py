"""Networks that are larger than memory: Parquet in, rounds on disk, Parquet out (DuckDB).

Start with :func:`clear` (Eisenberg & Noe) or :func:`distress` (DebtRank); both return a
:class:`DiskRun`. :func:`structure` has degrees, strengths and concentration. A network that fits
into memory is solved faster in memory, by models with more features: tiers, rules, guarantees,
error bounds. `disk` is the folder with its hashes, `inputs` the checks, `fixedpoint` the rounds.
"""

from .diskrun import DiskRun
from .running import clear, distress
from .shape import Structure, structure

__all__ = ["DiskRun", "Structure", "clear", "distress", "structure"]
