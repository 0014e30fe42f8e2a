"""The SDKs of other languages: built here from ../peers, into target/peers, before anything is measured."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benches.compare.machine import ROOT
from tests.server.installation import NotInstalledError, find_java

SOURCES = ROOT / "benches" / "peers"
BUILT = ROOT / "target" / "peers"
_BUILD_SECONDS = 1_500.0


class NotBuiltError(Exception):
    """Why a peer cannot be measured here."""


@dataclass(frozen=True)
class Peer:
    """`build` makes the program and gives its command, to which URL and settings are appended."""

    title: str
    build: Callable[[], list[str]]


def _go() -> list[str]:
    worker = BUILT / "go" / "worker"
    _run(["go", "build", "-trimpath", "-o", str(worker), "."], SOURCES / "go")
    return [str(worker)]


def _rust() -> list[str]:
    target = BUILT / "rust"
    _run(["cargo", "build", "--release", "--locked", "--target-dir", str(target)], SOURCES / "rust")
    return [str(target / "release" / "worker")]


def _java() -> list[str]:
    try:
        java = find_java()
    except NotInstalledError as error:
        raise NotBuiltError(str(error).replace("the real server needs", "it needs")) from error
    target = BUILT / "java"
    goals = ["compile", "dependency:copy-dependencies", f"-DoutputDirectory={target / 'lib'}"]
    command = ["mvn", "-q", "-B", "-f", str(SOURCES / "java"), f"-Dto={target}", *goals]
    _run(command, SOURCES / "java", {"JAVA_HOME": str(java.parents[1])})
    # One size from the start, so that no round pays for growth; all of it counts as memory once it is used.
    heap = ["-Xms256m", "-Xmx256m"]
    return [str(java), *heap, "-cp", f"{target / 'classes'}:{target / 'lib'}/*", "bench.NoopWorker"]


def _javascript() -> list[str]:
    # Where the packages go, the sources have to be: node looks for them beside the program.
    target = BUILT / "javascript"
    shutil.copytree(SOURCES / "javascript", target, dirs_exist_ok=True)
    _run(["npm", "ci", "--no-audit", "--no-fund"], target)
    return ["node", str(target / "worker.mjs")]


PEERS = {
    "go": Peer("Go SDK 1.5.4", _go),
    "java": Peer("Java SDK 6.0.0", _java),
    "rust": Peer("Rust SDK 0.2.0", _rust),
    "javascript": Peer("JavaScript SDK 4.0.0", _javascript),
}


@functools.cache
def command_of(program: str) -> list[str]:
    """The command of a peer, which is built first. NotBuiltError."""
    return PEERS[program].build()


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    tool = shutil.which(command[0])
    if tool is None:
        raise NotBuiltError(f"there is no {command[0]} on this machine")
    try:
        done = subprocess.run(
            [tool, *command[1:]],
            cwd=folder,
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotBuiltError(f"{' '.join(command[:2])} took longer than {_BUILD_SECONDS:.0f} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise NotBuiltError(f"{' '.join(command[:2])} failed: {' / '.join(said)}")
