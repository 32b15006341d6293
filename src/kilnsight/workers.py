"""Worker processes: each works on one photo, pair or tile at a time, on one processor."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from types import FrameType
from typing import ParamSpec, TypeVar

from kilnsight.errors import InputError
from kilnsight.i18n import current_language, use_language
from kilnsight.i18n import gettext as _

Task = TypeVar("Task")
Result = TypeVar("Result")
P = ParamSpec("P")

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class _Pool(ProcessPoolExecutor):
    """Pool whose workers start out of reach of Ctrl-C."""

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        """Hand work to a worker, which is started where there are too few."""
        with _ctrl_c_held():
            return super().submit(fn, *args, **kwargs)

    def stop(self) -> None:
        """End the workers of this pool, whatever they are at; other processes go on."""
        # Python 3.14 has terminate_workers() for it.
        for process in list((self._processes or {}).values()):
            process.terminate()


def pool(workers: int) -> _Pool:
    """Executor with `workers` processes that end with this one, however it ends."""
    for name in _THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    # Not forked: the caller may have threads, and a fork of them can hang.
    return _Pool(workers, mp_context=get_context("spawn"), initializer=_start,
                 initargs=(current_language(),))


@contextmanager
def _ctrl_c_held() -> Iterator[None]:
    """Ctrl-C counts after this: a worker that starts meanwhile inherits that it is blocked."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)

    usual = signal.signal(signal.SIGINT, note)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, usual)
        if pressed:
            raise KeyboardInterrupt


def _start(language: str) -> None:
    """Make a worker use one processor, leave Ctrl-C to its parent and end with it."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_language(language)
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

    Raises what `function` raises, and `InputError` when a worker is killed, as the system does
    when memory runs out.
    """
    if not tasks:
        return
    count = max(1, min(workers, len(tasks)))
    executor = pool(count)
    try:
        yield from _results(executor, function, tasks, most=2 * count)
    except BrokenProcessPool as error:
        raise out_of_memory() from error
    except (KeyboardInterrupt, GeneratorExit):
        # Nobody waits for what the workers are at.
        executor.stop()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _results(
    executor: ProcessPoolExecutor, function: Callable[[Task], Result], tasks: Sequence[Task],
    *, most: int,
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, `most` of them in work at a time."""
    waiting = iter(tasks)
    running: dict[Future[Result], Task] = {}
    while True:
        while len(running) < most and (task := next(waiting, None)) is not None:
            running[executor.submit(function, task)] = task
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def out_of_memory() -> InputError:
    """What to say when the system killed a process that worked for this one."""
    return InputError(
        _("A worker process was killed, most likely because memory ran out."),
        remedy=_("Close other programs or give fewer workers (--workers 1) and run the same"
                 " command again: finished stages are kept."),
    )
