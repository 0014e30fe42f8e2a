"""Running a program the way `python app.py` and `python -m module` do."""

from __future__ import annotations

import atexit
import importlib.machinery
import importlib.util
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

_former_mains: list[ModuleType] = []
"""Held, because a module that nobody refers to loses its names."""


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Run the file at `path` as the program `__main__`.

    OSError if it cannot be read. What the program raises ends as in Python: with its traceback and 1, or with
    what it gave `sys.exit`, as SystemExit.
    """
    absolute = str(Path(path).absolute())
    with io.open_code(absolute) as file:
        source = file.read()
    _set_path(str(Path(path).resolve().parent))
    main = ModuleType("__main__")
    main.__file__ = absolute
    main.__loader__ = importlib.machinery.SourceFileLoader("__main__", absolute)
    main.__dict__["__cached__"] = None
    _run(main, lambda: compile(source, absolute, "exec", dont_inherit=True), [path, *arguments])


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Run the module `name`, or a package's `__main__`, as the program. ImportError if there is none."""
    _set_path(str(Path.cwd()))
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        name = f"{name}.__main__"
        spec = importlib.util.find_spec(name)
    loader: Any = None if spec is None else spec.loader
    if spec is None or not hasattr(loader, "get_code"):
        raise ImportError(f"No module named {name}", name=name)
    main = ModuleType("__main__")
    main.__file__, main.__loader__, main.__spec__ = spec.origin, loader, spec
    main.__package__ = spec.parent
    main.__dict__["__cached__"] = spec.cached
    _run(main, lambda: loader.get_code(name), [spec.origin or name, *arguments])


def _set_path(folder: str) -> None:
    if not getattr(sys.flags, "safe_path", False):
        # In the place of the folder of this command.
        sys.path[:1] = [folder]


def _run(main: ModuleType, compiled: Any, argv: list[str]) -> None:
    _former_mains.append(sys.modules["__main__"])
    sys.modules["__main__"] = main
    sys.argv[:] = argv
    interrupted: list[bool] = []
    # First, so that it is called last: after all that the program registers.
    atexit.register(_end_as_interrupted, interrupted)
    try:
        code: CodeType = compiled()
        exec(code, main.__dict__)  # noqa: S102 - the user's own program
        return
    except SystemExit:
        raise
    except BaseException as error:
        interrupted += [True] * isinstance(error, KeyboardInterrupt)
        shown = error.with_traceback(_without_ours(error.__traceback__))
        sys.last_type, sys.last_value, sys.last_traceback = type(shown), shown, shown.__traceback__
        sys.excepthook(type(shown), shown, shown.__traceback__)
    sys.exit(1)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _end_as_interrupted(interrupted: list[bool]) -> None:
    """Python ends by SIGINT itself after a KeyboardInterrupt, so that a shell stops as well."""
    if interrupted:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
