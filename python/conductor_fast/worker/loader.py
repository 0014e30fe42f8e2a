"""Importing packages for the workers that are decorated in them."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path

from conductor_fast.model.exceptions import ConfigurationError
from conductor_fast.worker.registry import get_registered_worker_names, get_registered_workers
from conductor_fast.worker.worker import Worker

_logger = logging.getLogger("conductor_fast.worker")


class WorkerLoader:
    """Imports modules, whose decorated functions then are registered (client/worker/worker_loader.py).

    The registry is the process's: `get_workers` gives what anybody has registered.
    """

    def __init__(self) -> None:
        self._scanned_modules: set[str] = set()

    def scan_packages(self, package_names: Iterable[str], recursive: bool = True) -> None:
        """Import every module of the packages, with `recursive` those of their subpackages too.

        What cannot be imported raises what the import raised. `__main__` modules are left out: importing
        one runs a program.
        """
        if isinstance(package_names, str):
            raise ConfigurationError(
                f"package_names {package_names!r} is one name; give a list, [{package_names!r}]"
            )
        for name in package_names:
            self._scan_package(name, recursive)

    def scan_module(self, module_name: str) -> None:
        """Import one module."""
        importlib.import_module(module_name)
        self._scanned_modules.add(module_name)

    def scan_path(self, path: str, package_prefix: str = "") -> None:
        """Import the modules below a folder, under `package_prefix` or the folder's own name.

        Modules whose name starts with an underscore are left out; one that cannot be imported is warned
        about and left out. ValueError for what is no folder.
        """
        folder = Path(path).resolve()
        if not folder.exists():
            raise ValueError(f"Path does not exist: {path}")
        if not folder.is_dir():
            raise ValueError(f"Path is not a directory: {path}")
        if str(folder.parent) not in sys.path:
            sys.path.insert(0, str(folder.parent))
        prefix = package_prefix or folder.name
        for file in sorted(folder.rglob("*.py")):
            if file.name.startswith("_"):
                continue
            name = ".".join((prefix, *file.relative_to(folder).with_suffix("").parts))
            try:
                self.scan_module(name)
            except Exception as error:
                _logger.warning("cannot import %s, its workers are missing: %s", name, error, exc_info=True)

    def get_workers(self) -> list[Worker]:
        """A worker for every decorated function of the process."""
        return get_registered_workers()

    def get_worker_count(self) -> int:
        return len(get_registered_worker_names())

    def get_worker_names(self) -> list[str]:
        return get_registered_worker_names()

    def print_summary(self) -> None:
        """Write the task types to stdout."""
        names = get_registered_worker_names()
        lines = [f"Discovered {len(names)} workers from {len(self._scanned_modules)} modules:"]
        sys.stdout.write("\n".join(("", *lines, *(f"  • {name}" for name in names), "", "")))

    def _scan_package(self, name: str, recursive: bool) -> None:
        self.scan_module(name)
        for module in pkgutil.iter_modules(getattr(sys.modules[name], "__path__", []), f"{name}."):
            if module.name.endswith(".__main__"):
                continue
            if not module.ispkg:
                self.scan_module(module.name)
            elif recursive:
                self._scan_package(module.name, recursive)


def scan_for_workers(*package_names: str, recursive: bool = True) -> WorkerLoader:
    """A loader that has scanned the packages."""
    loader = WorkerLoader()
    loader.scan_packages(package_names, recursive)
    return loader


def auto_discover_workers(
    packages: list[str] | None = None, paths: list[str] | None = None, print_summary: bool = True
) -> WorkerLoader:
    """A loader that has scanned packages and folders, and written what it found to stdout."""
    loader = WorkerLoader()
    loader.scan_packages(packages or [])
    for path in paths or []:
        loader.scan_path(path)
    if print_summary:
        loader.print_summary()
    return loader
