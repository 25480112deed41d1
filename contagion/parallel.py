"""Independent runs in order, in one process or several, with a progress bar for those who wait."""

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
TURN = 8  # calls for each process at a time, where results do not come one by one
PLAIN = (type(None), bool, int, float, str, bytes, tuple)  # what costs as little as a reference


@contextmanager
def bar(
    progress: bool, label: str, total: int | None = None, unit: str = "run"
) -> Iterator[Callable[[int], None]]:
    """A progress bar as a function that moves it; without `progress` it does nothing.

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
    """`run(*task)` of every task, in their order, whatever `n_jobs`.

    Parameters
    ----------
    run : of independent tasks; with more processes it is pickled, closures too.
    tasks : consumed as results come; a list tells the bar how many there are.
    n_jobs : processes (joblib; −1 for all cores).
    progress, label, unit : a bar, what it says, and what it counts.

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

    calls = (delayed(_called)(*call) for call in _parcels(run, iter(tasks)))
    with workers(n_jobs) as pool, closing(pool(calls)) as results:
        yield from results


@contextmanager
def workers(n_jobs: int) -> Iterator[Callable[[Iterator[Any]], Any]]:
    """Processes as a function: the results of calls (`joblib.delayed`), in order, as they come.

    A backend of joblib that gives results only all together (multiprocessing, ray) gets a few calls
    for each process at a time, so that memory does not grow with their number.

    >>> from joblib import delayed
    >>> with workers(1) as pool:
    ...     list(pool(iter([delayed(pow)(2, 3), delayed(pow)(3, 2)])))
    [8, 9]
    """
    from joblib import Parallel, effective_n_jobs
    from joblib.parallel import get_active_backend

    streams = get_active_backend()[0].supports_return_generator
    with Parallel(n_jobs=n_jobs, return_as="generator" if streams else "list") as pool:
        yield pool if streams else partial(_by_turns, pool, TURN * effective_n_jobs(n_jobs))


def _by_turns(
    pool: Callable[[list[Any]], list[Result]], many: int, calls: Iterator[Any]
) -> Iterator[Result]:
    while few := list(islice(calls, many)):
        yield from pool(few)


# -- what all tasks share -----------------------------------------------------------------------


def _parcels(
    run: Callable[..., Any], tasks: Iterator[tuple[Any, ...]]
) -> Iterator[tuple[Shipped, tuple[Any, ...]]]:
    """Each task as what it shares with the others, and the rest of it.

    Shared are the places in which the first two tasks have the same object, such as a network.
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
    """The data that many tasks need; a process receives them once and not with every task.

    It is pickled on first use, for all tasks together. joblib hands large arrays over as memory
    maps; dask sends what says that it is large to each worker once and leaves it there. A process
    that has unpacked it keeps it for the next task.

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
        """By it dask decides whether to send it apart from the tasks."""
        return object.__sizeof__(self) + len(self.packed)

    def __reduce__(self) -> tuple[Any, ...]:
        return unpacked, (self.token, self.packed)


def unpacked(token: str, packed: Any) -> Shipped:
    """The job of a token: from this process if it was here before."""
    with _LOCK:
        if token not in _HERE:
            while len(_HERE) >= 2:
                _HERE.pop(next(iter(_HERE)))
            _HERE[token] = Shipped(pickle.loads(packed.tobytes()))
        return _HERE[token]


_LOCK = threading.Lock()
_HERE: dict[str, Shipped] = {}
