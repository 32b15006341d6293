"""Worker processes: one task a photo, a pair or a tile, each on one processor."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _

Task = TypeVar("Task")
Result = TypeVar("Result")

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as they come; only a few results wait in memory.

    Raises `InputError` when a worker is killed, as the system does when memory runs out.
    """
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    waiting = iter(tasks)
    running: dict[Future[Result], Task] = {}
    # Not forked: the caller may have threads, and a fork of them can hang.
    context = multiprocessing.get_context("spawn")
    count = max(1, min(workers, len(tasks)))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_single_thread) as pool:
        try:
            while True:
                while len(running) < 2 * count and (task := next(waiting, None)) is not None:
                    running[pool.submit(function, task)] = task
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise InputError(
                _("A worker process was killed, most likely because memory ran out."),
                remedy=_("Close other programs or give fewer workers (--workers 1), run it again:"
                         " finished stages are kept."),
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _single_thread() -> None:
    """Keep a worker to one processor: the workers are the parallelism."""
    import cv2

    cv2.setNumThreads(1)
