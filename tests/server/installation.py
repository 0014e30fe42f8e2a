"""Finds what the real server needs on this machine: a Java and the server's jar."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# The newest release of the server whose answers the design notes were checked against.
SERVER_VERSION = "3.32.3"
# The jar holds class files of this release; an older Java stops with UnsupportedClassVersionError.
OLDEST_JAVA = 21
# 457 MB from Maven Central: minutes on a slow line, but not for ever on a dead one.
FETCH_TIMEOUT_SECONDS = 900.0


class NotInstalledError(Exception):
    """The machine lacks something that the real server needs; the text says what."""


def find_java() -> Path:
    """Return a `java` of at least `OLDEST_JAVA`, whichever release the machine starts by default."""
    tried = []
    for java in _java_candidates():
        release = _release(java)
        if release >= OLDEST_JAVA:
            return java
        tried.append(f"{java} ({release or 'does not run'})")
    seen = ", ".join(tried) or "none"
    raise NotInstalledError(f"the real server needs Java {OLDEST_JAVA} or newer; set JAVA_HOME. Seen: {seen}")


def find_server_jar() -> Path:
    """Return the server's jar from the local Maven repository, fetching it there when missing."""
    jar = (
        Path.home() / ".m2/repository/org/conductoross/conductor-server" / SERVER_VERSION
    ) / f"conductor-server-{SERVER_VERSION}-boot.jar"
    if jar.is_file():
        return jar
    maven = shutil.which("mvn")
    if maven is None:
        raise NotInstalledError(
            f"{jar.name} is not in the local Maven repository and there is no mvn to fetch it"
        )
    artifact = f"org.conductoross:conductor-server:{SERVER_VERSION}:jar:boot"
    command = [maven, "-q", "-B", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false"]
    try:
        fetch = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError(f"mvn did not fetch {artifact} in {FETCH_TIMEOUT_SECONDS:.0f} s") from error
    if fetch.returncode != 0 or not jar.is_file():
        raise NotInstalledError(f"mvn did not fetch {artifact}: {(fetch.stdout + fetch.stderr)[-1000:]}")
    return jar


def _java_candidates() -> Iterator[Path]:
    """JAVA_HOME, then PATH, then the JDKs installed beside these two."""
    homes = []
    if "JAVA_HOME" in os.environ:
        homes.append(Path(os.environ["JAVA_HOME"]))
    on_path = shutil.which("java")
    if on_path is not None:
        homes.append(Path(on_path).resolve().parent.parent)
    siblings = [sibling for home in homes for sibling in sorted(home.parent.iterdir())]
    for home in dict.fromkeys(homes + siblings):
        java = home / "bin" / "java"
        if java.is_file():
            yield java


def _release(java: Path) -> int:
    """The feature release of a `java`, or 0 when it does not run."""
    try:
        # It prints to stderr: openjdk version "21.0.4" 2024-07-16
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', shown.stderr)
    return int(found.group(1)) if found else 0
