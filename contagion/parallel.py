"""Independent runs in order, in one process or several, with a progress bar for those who wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import closing, contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


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
    from joblib import Parallel, delayed

    calls = (delayed(run)(*task) for task in tasks)
    with closing(Parallel(n_jobs=n_jobs, return_as="generator")(calls)) as results:
        yield from results
