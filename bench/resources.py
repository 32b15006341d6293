"""Wall time, processor time and peak memory of a command with all its processes."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

import psutil

INTERVAL_S = 0.3
"""Seconds between two looks at the memory; a shorter peak can be missed."""


@dataclass(frozen=True)
class Usage:
    """What a command took: seconds of wall and processor, and MiB at the peak.

    Memory is the proportional set size summed over the processes: pages that several of them
    share count once.
    """

    code: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str


def measure(command: list[str]) -> Usage:
    """Run a command to its end and give back what it took."""
    started = time.perf_counter()
    before = _children_cpu()
    process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _tree_mib(process))
        time.sleep(INTERVAL_S)
    output = process.stdout.read() if process.stdout else ""
    wall = time.perf_counter() - started
    return Usage(process.returncode, wall, _children_cpu() - before, peak, output)


def _children_cpu() -> float:
    """Processor seconds of all ended children."""
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


def _tree_mib(process: psutil.Popen) -> float:
    """Memory of a process and its children, MiB."""
    total = 0.0
    try:
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_full_info().pss / 2**20
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
    except psutil.NoSuchProcess:
        pass
    return total


def load() -> float:
    """How busy the machine is with other work: the load average of the last minute."""
    return psutil.getloadavg()[0]
