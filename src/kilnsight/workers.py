"""Worker processes: each works on one photo, pair or tile at a time, on one processor."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from kilnsight.errors import InputError
from kilnsight.i18n import gettext as _

Task = TypeVar("Task")
Result = TypeVar("Result")

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def pool(workers: int) -> ProcessPoolExecutor:
    """Executor with `workers` processes that end with this one, however it ends."""
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    # Not forked: the caller may have threads, and a fork of them can hang.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start)


def _start() -> None:
    """Make a worker use one processor, leave Ctrl-C to its parent and end with it."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    # A parent that was killed leaves workers waiting for ever at the other end of a queue.
    connection.wait([sentinel])
    os._exit(1)


def run(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as they come; only a few results wait in memory.

    Raises `InputError` when a worker is killed, as the system does when memory runs out.
    """
    waiting = iter(tasks)
    running: dict[Future[Result], Task] = {}
    count = max(1, min(workers, len(tasks)))
    executor = pool(count)
    try:
        while True:
            while len(running) < 2 * count and (task := next(waiting, None)) is not None:
                running[executor.submit(function, task)] = task
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    except BrokenProcessPool as error:
        raise InputError(
            _("A worker process was killed, most likely because memory ran out."),
            remedy=_("Close other programs or give fewer workers (--workers 1) and run the same"
                     " command again: finished stages are kept."),
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
