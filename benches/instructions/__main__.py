"""`python -m benches.instructions`: what `make instructions` runs.

callgrind counts the instructions of a loop, less those of the same program without one. Two counts of one
build differ by less than 0.1 %, so the tolerance is for code that moved, not for noise. What depends on the
interpreter's build and on the compiler has a baseline for each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASELINES = Path(__file__).with_name("baselines.json")
REQUIRED = "CONDUCTOR_FAST_REQUIRE_INSTRUCTIONS"
"""In the environment: a missing valgrind or baseline is a failure, not a line."""

TOLERANCE = 0.03

WIRE = [str(ROOT / "target" / "release" / "conductor-bench-instructions")]
CODEC = [sys.executable, "-S", "-s", str(ROOT / "tests" / "unit" / "convert" / "codec_loop.py")]
CASES = {
    # Per task, per result, per document; the last is how often it is done.
    "split": (WIRE, ["split"], 6_400),
    "write": (WIRE, ["write"], 6_400),
    "metrics": (WIRE, ["metrics"], 6_400),
    # Over a socket, with the server's part.
    "update": (WIRE, ["update"], 6_400),
    **{
        f"{what} {document}": (CODEC, [what, document], times)
        for what in ("decode", "encode")
        for document, times in {"4_fields": 1_000, "8_kb_numbers": 40, "7_kb_text": 40}.items()
    },
}
# Runs without a loop: all a program does besides.
STARTS = {
    "start wire": (WIRE, ["write"], 0),
    "start update": (WIRE, ["update"], 0),
    "start codec": (CODEC, ["decode", "4_fields"], 0),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benches.instructions", description=__doc__)
    parser.add_argument("--bless", action="store_true", help="keep what is counted as the baseline")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        _cannot("valgrind is not installed (Debian, Ubuntu: apt-get install valgrind)")
        return
    counted = _count()
    baselines: dict[str, dict[str, int]] = json.loads(BASELINES.read_text())
    if given.bless:
        baselines[_build()] = counted
        BASELINES.write_text(json.dumps(baselines, indent=1, sort_keys=True) + "\n")
    baseline = baselines.get(_build(), {})
    print(f"instructions, {_build()}")
    for case, count in counted.items():
        change = f"{count / baseline[case] - 1:+9.1%}" if case in baseline else "no baseline"
        print(f"  {case:22}{count:>12,}  {change}")
    if missing := counted.keys() - baseline.keys():
        _cannot(
            f"no baseline of {', '.join(sorted(missing))}: make instructions ARGS=--bless keeps this count"
        )
        return
    if dearer := [case for case in counted if counted[case] > baseline[case] * (1 + TOLERANCE)]:
        sys.exit(
            f"more than {TOLERANCE:.0%} dearer than the baseline: {', '.join(dearer)}. If that is the price "
            "of something worth it: make instructions ARGS=--bless, and commit baselines.json with the reason"
        )
    if any(counted[case] < baseline[case] * (1 - TOLERANCE) for case in counted):
        print("cheaper than the baseline: make instructions ARGS=--bless keeps it so")


def _count() -> dict[str, int]:
    """Instructions per piece of each case."""
    runs = STARTS | CASES
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda run: _callgrind([*run[0], *run[1], str(run[2])]), runs.values())
        totals = dict(zip(runs, counts, strict=True))
    return {
        case: round((totals[case] - totals[_start(case, program)]) / times)
        for case, (program, _, times) in CASES.items()
    }


def _start(case: str, program: list[str]) -> str:
    if f"start {case}" in STARTS:
        return f"start {case}"
    return "start wire" if program is WIRE else "start codec"


def _callgrind(command: list[str]) -> int:
    # Nothing of the caller's environment, whose size and settings would be counted.
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT / "python")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    with tempfile.NamedTemporaryFile() as out:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}"]
        ended = subprocess.run([*valgrind, *command], capture_output=True, text=True, env=environment)
        totals = re.search(r"^(?:totals|summary): (\d+)", Path(out.name).read_text(), re.MULTILINE)
    if ended.returncode or totals is None:
        sys.exit(f"{' '.join(command)}: {ended.stderr[-2_000:]}")
    return int(totals[1])


def _build() -> str:
    rustc = subprocess.run(
        ["rustc", "--version"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    python = f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()})"
    return f"{python}, rustc {rustc.split()[1]}, {platform.machine()}"


def _cannot(why: str) -> None:
    print(f"instructions: not compared: {why}")
    if os.environ.get(REQUIRED):
        sys.exit(1)


if __name__ == "__main__":
    main()
