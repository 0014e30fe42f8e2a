"""Python: who may import whom, read from the folders' own doors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "conductor_fast"

# ARCHITECTURE.md's listing. The package's own public names import from all of "host" and above.
ROOMS = (
    "model",
    "settings",
    "interop",
    "client",
    "observe",
    "worker",
    "host",
    "",
    "testing",
    "accelerate",
    "cli",
)
PUBLIC_DOORS = ("", "testing", "accelerate")
"""Folders whose `__init__.py` holds names, because users import from it."""
MEASURING = ("cli", "bench_tree")
"""What the benchmarks have in common with `conductor-fast bench`."""


def import_order(root: Path) -> list[str]:
    """Imports within the package that point down: to a later folder, or to a later file of the folder."""
    package = root / "python" / PACKAGE
    return [
        f"{file.relative_to(root)}:{line} imports {'.'.join((PACKAGE, *target))}, which is listed below it"
        for file in sorted(package.rglob("*.py"))
        if file != package / "__init__.py"
        for line, target in imports(file, package)
        if not _may_import(_position(file, package), target, package)
    ]


def doors(root: Path) -> list[str]:
    """Folders whose `__init__.py` does not say what they are for, lists other files, or holds code."""
    package = root / "python" / PACKAGE
    return [
        f"{folder.relative_to(root)}/__init__.py {problem}"
        for folder in sorted({file.parent for file in package.rglob("*.py")})
        for problem in _problems_of_door(folder, str(folder.relative_to(package)).removeprefix("."))
    ]


def public_imports_only(root: Path) -> list[str]:
    """Imports of the package's inner parts by tests, benches and examples; tests/unit may."""
    package = root / "python" / PACKAGE
    return [
        f"{file.relative_to(root)}:{line} imports {'.'.join((PACKAGE, *target))}, which is not public"
        for folder in ("tests", "benches", "examples")
        for file in sorted((root / folder).rglob("*.py"))
        if root / "tests" / "unit" not in file.parents
        for line, target in imports(file, package)
        if not _is_public(target) and not (folder == "benches" and target[:2] == MEASURING)
    ]


def imports(file: Path, package: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and target, below the package, of every import in `file`: `("model", "task")`, `("Task",)`, `()`.

    Imports inside functions and for type checkers count as well: they bind two files just the same.
    """
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, file, package)
            names = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for name in names:
            if name[0] == PACKAGE:
                yield node.lineno, _module(tuple(name[1:]), package)


def _base(node: ast.ImportFrom, file: Path, package: Path) -> list[str]:
    named = node.module.split(".") if node.module else []
    if not node.level:
        return named
    folder = file.parents[node.level - 1]
    return [*folder.relative_to(package.parent).parts, *named] if package.parent in folder.parents else named


def _module(target: tuple[str, ...], package: Path) -> tuple[str, ...]:
    """`target` without the name that a `from` import takes out of its module."""
    path = package.joinpath(*target)
    is_module = path.is_dir() or path.with_suffix(".py").exists()
    return target if is_module or target[-1:] == ("_core",) or len(target) < 2 else target[:-1]


def _position(file: Path, package: Path) -> tuple[str, ...]:
    return file.relative_to(package).with_suffix("").parts


def _may_import(position: tuple[str, ...], target: tuple[str, ...], package: Path) -> bool:
    if target[:1] == ("_core",):
        return True
    room, target_room = position[0], target[0] if target[:1] and target[0] in ROOMS else ""
    if room not in ROOMS:
        return False
    if room != target_room:
        return ROOMS.index(target_room) < ROOMS.index(room)
    if position[1:] == ("__init__",):
        return room in PUBLIC_DOORS
    listed = listing(package / room)
    return len(target) > 1 and _index(listed, target[1]) < _index(listed, position[1])


def _index(listed: list[str], name: str) -> int:
    return listed.index(name) if name in listed else len(listed)


def listing(folder: Path) -> list[str]:
    """The folder's files in their order, from its door's docstring."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return re.findall(r"\b(\w+)\.py\b", docstring)


def _problems_of_door(folder: Path, room: str) -> Iterator[str]:
    door = folder / "__init__.py"
    if not door.exists():
        yield "is missing"
        return
    body = ast.parse(door.read_text()).body
    if not body or ast.get_docstring(ast.Module(body, [])) is None:
        yield "does not say in a docstring what the folder is for"
    if room not in PUBLIC_DOORS and len(body) > 1:
        yield "holds more than its docstring"
    listed, files = listing(folder), {file.stem for file in folder.glob("*.py")} - {"__init__"}
    if room and sorted(listed) != sorted(files):
        yield f"lists {listed}, and the folder holds {sorted(files)}"


def _is_public(target: tuple[str, ...]) -> bool:
    return len(target) <= 1 and not any(name.startswith("_") for name in target) and target not in _INNER


_INNER = {(room,) for room in ROOMS if room not in PUBLIC_DOORS}
