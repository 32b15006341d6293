"""Worker processes: errors come back whole, and what kills a worker is said."""

import errno
import os
import pickle
import signal
from multiprocessing import active_children, get_context

import pytest

from kilnsight.errors import InputError
from kilnsight.i18n import current_language, use_language
from kilnsight.workers import run


def double(number: int) -> int:
    return 2 * number


def refuse(number: int) -> int:
    raise InputError("It is odd.", remedy="Make it even.", file="numbers.txt")


def fill_disk(number: int) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.tif")


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def language(number: int) -> str:
    return current_language()


def test_every_task_has_its_result():
    assert dict(run(double, range(20), workers=2)) == {n: 2 * n for n in range(20)}
    assert list(run(double, [], workers=2)) == []


def test_input_errors_survive_the_way_between_processes():
    error = InputError("It is odd.", remedy="Make it even.", file="numbers.txt")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.problem, copy.remedy, copy.file) == (error.problem, error.remedy, error.file)
    assert str(copy) == str(error)
    with pytest.raises(InputError) as caught:
        list(run(refuse, [1, 2], workers=1))
    assert str(caught.value) == "numbers.txt: It is odd. Make it even."


def test_a_full_disk_keeps_its_number():
    with pytest.raises(OSError) as caught:
        list(run(fill_disk, [1], workers=1))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "a.tif")


def test_a_killed_worker_is_told_as_lack_of_memory():
    with pytest.raises(InputError, match="memory ran out"):
        list(run(die, [1], workers=1))


def test_workers_speak_the_language_of_their_parent():
    before = current_language()
    try:
        use_language("zh_Hans")
        assert dict(run(language, [1], workers=1)) == {1: "zh_Hans"}
    finally:
        use_language(before)


def test_ending_early_ends_the_own_workers_alone():
    other = get_context("spawn").Process(target=signal.pause)
    other.start()
    try:
        results = run(double, range(50), workers=1)
        next(results)
        results.close()
        assert active_children() == [other]
    finally:
        other.kill()
        other.join()


def test_ctrl_c_works_as_before_afterwards():
    before = signal.getsignal(signal.SIGINT)
    list(run(double, [1], workers=1))
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
