"""`conductor-fast accelerate` runs a program as Python does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.accelerate.program import COMMAND, PYTHON

LOOK = """
import sys, __main__
print(sys.argv, sys.path[0], __name__, __file__, __package__, __spec__ and __spec__.name)
print(__main__.__dict__ is globals(), sys.modules["__main__"] is __main__, __doc__, type(__loader__))
"""

PROGRAMS = {
    "what it sees": '"""Its words."""\n' + LOOK,
    "exits with a number": "import sys; sys.exit(3)",
    "exits with words": "import sys; sys.exit('these words')",
    "raises": "def deep():\n    raise ValueError('no such thing')\ndeep()",
    "raises from another": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('this')",
    "raises a group": "raise OSError(2, 'gone', 'a_file')",
    "cannot be compiled": "def broken(:\n    pass",
    "is interrupted": (
        "import atexit, os, signal\natexit.register(print, 'at exit', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGINT)\nwhile True: pass"
    ),
    "has a hook for exceptions": (
        "import sys\nsys.excepthook = lambda *given: print('hook', given[0])\nraise ValueError"
    ),
    "aborts": "import os; os.abort()",
    "starts a process of its own": (
        "import multiprocessing\ndef work():\n    print('child', __name__)\n"
        "if __name__ == '__main__':\n"
        "    process = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    process.start()\n    process.join()\n    print(process.exitcode)"
    ),
    "pickles what is its own": (
        "import pickle\nclass Own: pass\nprint(pickle.loads(pickle.dumps(Own())).__class__)"
    ),
    "leaves a thread behind": (
        "import threading, time\nname = 'still here'\n"
        "def later():\n    time.sleep(0.2)\n    print(name)\nthreading.Thread(target=later).start()"
    ),
}


def _ran(command: list[str], folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("case", PROGRAMS)
def test_a_file_runs_as_python_runs_it(tmp_path: Path, case: str) -> None:
    """The same exit code, output and traceback, from another folder and with options of its own."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "app.py").write_text(PROGRAMS[case])
    arguments = ["scripts/app.py", "one", "-m", "--help", "--", "two"]
    assert _ran([*COMMAND, *arguments], tmp_path) == _ran([*PYTHON, *arguments], tmp_path)


@pytest.mark.parametrize("name", ["shop", "shop.workers", "shop.broken"])
def test_a_module_runs_as_python_runs_it(tmp_path: Path, name: str) -> None:
    """A module of a package, which imports its neighbour, and the package itself."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("print('the package', __name__)\n")
    (package / "workers.py").write_text("from . import neighbour\n" + LOOK)
    (package / "neighbour.py").write_text("print('the neighbour', __name__)\n")
    (package / "__main__.py").write_text("from . import neighbour\n" + LOOK)
    (package / "broken.py").write_text("raise RuntimeError('at once')\n")
    arguments = ["-m", name, "one", "--help", "-m"]
    ours, pythons = _ran([*COMMAND, *arguments], tmp_path), _ran([*PYTHON, *arguments], tmp_path)
    # Python shows the frames of its own runpy.
    shown = [line for line in pythons[2].splitlines() if "runpy" not in line]
    assert (ours[:2], ours[2].splitlines()) == (pythons[:2], shown)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["gone.py"], 2, "can't open file 'gone.py': No such file or directory"),
        (["-m", "no.such.module"], 1, "No module named"),
        ([], 2, "name a file or a module"),
        (["--unknown", "app.py"], 2, "No such option"),
    ],
)
def test_what_cannot_be_run_is_said(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    returned, _, errors = _ran([*COMMAND, *arguments], tmp_path)
    assert (returned, words in errors) == (code, True), errors


def test_the_sdk_is_not_imported_for_a_program_that_does_not(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import sys\nprint([name for name in sys.modules if name == 'conductor'])"
    )
    assert _ran([*COMMAND, "app.py"], tmp_path) == (0, "[]\n", "")


def test_it_may_be_called_twice_before_the_sdk_is_imported(tmp_path: Path) -> None:
    """The second call, and the import, put everything in once."""
    program = (
        "import sys\nfrom conductor_fast.accelerate import install\n"
        "assert install() and install()\n"
        "from conductor.client.automator.task_handler import TaskHandler\n"
        "patched = TaskHandler.start_processes\nassert install()\n"
        "print(TaskHandler.start_processes is patched, patched.__code__.co_filename.endswith("
        "'accelerate/task_handler.py'))"
    )
    assert _ran([*PYTHON, "-c", program], tmp_path)[:2] == (0, "True True\n")
    assert sys.modules  # the interpreter of the tests is not touched
