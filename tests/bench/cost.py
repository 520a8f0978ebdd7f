"""Processor time of process trees, their ended children included.

Rates swing with whatever else the machine does; what a request costs in processor
time hardly does. So both are told.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from pathlib import Path

import psutil


def seconds_of(*pids: int) -> float:
    """Give the processor time that processes and all under them have had so far."""
    total = 0.0
    for pid in pids:
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                total += times.children_user + times.children_system
    return total


def durable_ms(folder: Path, writes: int = 100) -> float:
    """Give how many milliseconds a page takes to the disk, in the median."""
    took = []
    with (folder / "durable").open("wb", buffering=0) as file:
        for _ in range(writes):
            file.write(bytes(8192))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def machine() -> str:
    """Name the machine by its cores and their model."""
    model = "unknown processor"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} cores ({model})"
