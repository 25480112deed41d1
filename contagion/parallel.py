"""Independent tasks in order, in one process or several, with an optional progress bar."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar
from uuid import uuid4

Result = TypeVar("Result")
TURN = 8  # calls for each process in a batch, if the backend does not return results one by one
PLAIN = (type(None), bool, int, float, str, bytes, tuple)  # as cheap to send as a reference


@contextmanager
def bar(
    progress: bool, label: str, total: int | None = None, unit: str = "run"
) -> Iterator[Callable[[int], None]]:
    """A progress bar as a function that advances it; without `progress` it does nothing.

    >>> with bar(False, "sweep", 2) as move:
    ...     move(1)
    """
    if not progress:
        yield lambda count: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=label, unit=f" {unit}s" if total is None else unit) as shown:
        yield shown.update


def each(
    run: Callable[..., Result],
    tasks: Iterable[tuple[Any, ...]],
    *,
    n_jobs: int = 1,
    progress: bool = False,
    label: str = "",
    unit: str = "run",
) -> Iterator[Result]:
    """The results of `run(*task)` for every task, in the order of the tasks for any `n_jobs`.

    Parameters
    ----------
    run : function of independent tasks; with several processes it is pickled, closures too.
    tasks : read as results are returned; for a list the bar shows the total.
    n_jobs : number of processes (joblib; −1 for all cores).
    progress, label, unit : whether to show a bar, its label, and the noun for the tasks it counts.

    >>> list(each(pow, [(2, 3), (3, 2)]))
    [8, 9]
    """
    total = len(tasks) if isinstance(tasks, Sized) else None
    with bar(progress, label, total, unit) as move:
        for result in _results(run, tasks, n_jobs):
            move(1)
            yield result


def _results(
    run: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], n_jobs: int
) -> Iterator[Result]:
    if n_jobs == 1:
        yield from (run(*task) for task in tasks)
        return
    from joblib import delayed

    parcels = _parcels(run, iter(tasks))
    for first in islice(parcels, 1):
        calls = (delayed(_called)(*call) for call in chain([first], parcels))
        with workers(n_jobs, first[0]) as pool, closing(pool(calls)) as results:
            yield from results


@contextmanager
def workers(
    n_jobs: int, shipped: Shipped | None = None
) -> Iterator[Callable[[Iterator[Any]], Any]]:
    """A pool of processes as a function: it yields the results of `joblib.delayed` calls in order.

    Some backends of joblib return all results together (multiprocessing, ray). They get the calls
    in small batches, so that memory does not grow with the number of calls. On dask, `shipped` is
    sent to every worker before the first call. joblib alone would send it to one worker, and lose
    it if this worker died before another one had copied it.

    >>> from joblib import delayed
    >>> with workers(1) as pool:
    ...     list(pool(iter([delayed(pow)(2, 3), delayed(pow)(3, 2)])))
    [8, 9]
    """
    from joblib import Parallel, effective_n_jobs
    from joblib.parallel import get_active_backend

    backend = get_active_backend()[0]
    streams = backend.supports_return_generator
    sent = getattr(backend, "data_futures", None)  # of dask: {id of an argument: its copies}
    if sent is not None and shipped is not None:
        copies = backend.client.scatter([shipped], broadcast=True, hash=False)
        sent[id(shipped)] = copies[0]
    try:
        with Parallel(n_jobs=n_jobs, return_as="generator" if streams else "list") as pool:
            yield pool if streams else partial(_by_turns, pool, TURN * effective_n_jobs(n_jobs))
    finally:
        if sent is not None:
            sent.pop(id(shipped), None)


def _by_turns(
    pool: Callable[[list[Any]], list[Result]], many: int, calls: Iterator[Any]
) -> Iterator[Result]:
    while few := list(islice(calls, many)):
        yield from pool(few)


# -- data that all tasks share ------------------------------------------------------------------


def _parcels(
    run: Callable[..., Any], tasks: Iterator[tuple[Any, ...]]
) -> Iterator[tuple[Shipped, tuple[Any, ...]]]:
    """Each task as a pair: the arguments that it shares with other tasks, and the other arguments.

    Arguments are shared if the first two tasks have the same object there, such as a network.
    """
    first = list(islice(tasks, 2))
    same = [
        place
        for place, (one, *others) in enumerate(zip(*first, strict=False))
        if others and one is others[0] and not isinstance(one, PLAIN)
    ]
    parcel: Shipped | None = None
    for task in chain(first, tasks):
        shared = {place: task[place] for place in same}
        if parcel is None or any(parcel.job[1][place] is not x for place, x in shared.items()):
            parcel = Shipped((run, shared))
        yield parcel, tuple(None if place in shared else x for place, x in enumerate(task))


def _called(parcel: Shipped, rest: tuple[Any, ...]) -> Any:
    run, shared = parcel.job
    return run(*(shared.get(place, x) for place, x in enumerate(rest)))


class Shipped:
    """Data that many tasks need; a process receives them once and not with every task.

    They are pickled on first use, once for all tasks. joblib passes large arrays as memory maps;
    dask sends objects with a large reported size to each worker once. A process that has unpacked
    the data caches them for the next task.

    >>> import pickle
    >>> shipped = Shipped({"network": "large"})
    >>> pickle.loads(pickle.dumps(shipped)).job
    {'network': 'large'}
    """

    def __init__(self, job: Any):
        self.job = job
        self.token = uuid4().hex
        self._packed: Any = None

    @property
    def packed(self) -> Any:
        """(bytes,) the pickled job."""
        if self._packed is None:
            import cloudpickle  # type: ignore[import-untyped]
            import numpy as np

            self._packed = np.frombuffer(cloudpickle.dumps(self.job), np.uint8)
        return self._packed

    def __sizeof__(self) -> int:
        """The size by which dask decides whether to send the data separately from the tasks."""
        return object.__sizeof__(self) + len(self.packed)

    def __reduce__(self) -> tuple[Any, ...]:
        return unpacked, (self.token, self.packed)


def unpacked(token: str, packed: Any) -> Shipped:
    """The data of a token, from the cache of this process if it was received before."""
    with _LOCK:
        if token not in _HERE:
            while len(_HERE) >= 2:
                _HERE.pop(next(iter(_HERE)))
            _HERE[token] = Shipped(pickle.loads(packed.tobytes()))
        return _HERE[token]


_LOCK = threading.Lock()
_HERE: dict[str, Shipped] = {}
