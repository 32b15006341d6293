"""The command line as a user runs it, in processes that can be watched and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

COMMAND = [sys.executable, "-m", "kilnsight"]
PATIENCE_S = 240.0
STAGE_LINES = {
    "align": "Placing the photos...", "surface": "Measuring the surface...",
    "ortho": "Painting the orthomosaic...", "findings": "Looking for problems...",
    "report": "Writing the report...",
}


def environment(language: str = "en") -> dict[str, str]:
    return {**os.environ, "KILNSIGHT_LANG": language, "COLUMNS": "200"}


def kilnsight(*arguments: object, language: str = "en") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], env=environment(language), text=True,
        capture_output=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
    )


def _hear_ctrl_c() -> None:
    """Undo that a shell in the background lets all it starts ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Running:
    """A command under way, in a process group of its own, as a terminal starts it."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)], env=environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_hear_ctrl_c,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for_line(self, text: str) -> None:
        """Return when a line holds `text`; fails where the command ends without it."""
        with self._news:
            found = self._news.wait_for(
                lambda: any(text in line for line in self.lines) or not self._reader.is_alive(),
                PATIENCE_S,
            )
        assert found and any(text in line for line in self.lines), self.lines

    def wait_for_worker(self, part: str = "") -> None:
        """Return when a process below this one has `part` in its command line."""
        wait_until(lambda: any(part in " ".join(c) for c in map(command_of, self.children())))

    def children(self) -> list[psutil.Process]:
        """Processes below this one."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> list[psutil.Process]:
        """Kill the main process alone, as kill -9 does; the processes that were below it."""
        children = self.children()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        return children

    def press_ctrl_c(self) -> None:
        """Interrupt the whole group, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> str:
        """Wait for the end; all that was printed."""
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        return "\n".join(self.lines)


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_until(condition, patience_s: float = PATIENCE_S) -> None:
    """Return when `condition()` holds; fails when it takes too long."""
    end = time.monotonic() + patience_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "waited too long"
        pause.wait(0.02)


def gone(processes: list[psutil.Process], *, within_s: float = 10.0) -> list[psutil.Process]:
    """Those of the processes that are still alive after a while."""
    _ended, alive = psutil.wait_procs(processes, timeout=within_s)
    return [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def stamps(survey: Path) -> dict[str, int]:
    """Time of the last change of each file of a survey, `.work` apart."""
    return {
        path.relative_to(survey).as_posix(): path.stat().st_mtime_ns
        for path in survey.rglob("*") if path.is_file() and ".work" not in path.parts
    }
