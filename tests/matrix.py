"""`make matrix`: the package on each CPython that it supports and that this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".cache" / "matrix"
MINOR_VERSIONS = (10, 11, 12, 13)
TESTS = ["tests/unit", "tests/test_worker_host.py", "tests/test_async_workers.py", "tests/test_process.py"]


def find_interpreter(minor: int) -> Path | None:
    """The newest CPython 3.`minor`: on the PATH, else among pyenv's, whose shims answer for one only."""
    name = f"python3.{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [Path(found)] if (found := shutil.which(name)) else []
    candidates += sorted(pyenv.glob(f"versions/3.{minor}.*/bin/{name}"), reverse=True)
    for candidate in candidates:
        asked = subprocess.run([candidate, "-c", "import ensurepip, venv"], capture_output=True, check=False)
        if asked.returncode == 0:
            return candidate
    return None


def run(*command: str | Path) -> None:
    """Run a command in the project's folder; CalledProcessError if it fails."""
    subprocess.run(command, cwd=ROOT, check=True)


def test(minor: int, interpreter: Path) -> None:
    """Build a wheel for `interpreter`, install it in a venv of its own, and test that."""
    folder = FOLDER / f"3.{minor}"
    shutil.rmtree(folder, ignore_errors=True)
    run(interpreter, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    maturin = Path(sys.executable).parent / "maturin"
    run(maturin, "build", "--quiet", "--profile", "matrix", "--interpreter", python, "--out", folder / "dist")
    (wheel,) = (folder / "dist").glob("*.whl")
    pip: list[str | Path] = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(*pip, "install", "pip>=25.1")  # the first with --group
    run(*pip, "install", "--group", "test", wheel)
    # Not from the source tree, which holds another interpreter's extension.
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)


def main() -> int:
    found = {minor: interpreter for minor in MINOR_VERSIONS if (interpreter := find_interpreter(minor))}
    failed: list[int] = []
    for minor, interpreter in found.items():
        sys.stdout.write(f"CPython 3.{minor}: {interpreter}\n")
        sys.stdout.flush()
        try:
            test(minor, interpreter)
        except subprocess.CalledProcessError as error:
            sys.stdout.write(f"CPython 3.{minor}: {error}\n")
            failed.append(minor)
    missing = [minor for minor in MINOR_VERSIONS if minor not in found]
    for title, minors in (("passed", set(found) - set(failed)), ("failed", failed), ("not here", missing)):
        sys.stdout.write(f"{title}: {', '.join(f'3.{minor}' for minor in sorted(minors)) or 'none'}\n")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
