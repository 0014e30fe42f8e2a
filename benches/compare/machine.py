"""Where and with what a comparison ran: without it a figure says nothing."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from conductor_fast.cli.bench_tree import cpu_model

ROOT = Path(__file__).parents[2]


def facts() -> dict[str, str]:
    """What a reader needs to know, in the order in which it is printed."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": f"{cpu_model()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Rust": _run("rustc", "--version").removeprefix("rustc ").split(" ")[0],
        "load": f"{os.getloadavg()[0]:.1f} before the first round",
        "conductor-python": version("conductor-python"),
        "conductor-fast": f"{version('conductor-fast')}, commit {_commit()}",
    }


def _commit() -> str:
    try:
        commit = _run("git", "rev-parse", "--short", "HEAD")
        changed = _run("git", "status", "--porcelain", "--", "rust", "python", "benches")
        return commit + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
