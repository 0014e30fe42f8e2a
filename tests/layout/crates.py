"""The walls between the crates: what they depend on, and where `unsafe` may stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tomli

from tests.layout.rust_order import code

FORBIDDEN = {
    "core": {"pyo3", "jiter", "conductor-bridge", "conductor-devserver"},
    "devserver": {"pyo3", "jiter", "conductor-bridge", "conductor-core"},
}
"""Crates that a crate must not list. core's tests may use devserver."""

MAY_BE_UNSAFE = {"convert/decode.rs", "convert/encode.rs", "convert/encode_scalar.rs", "memory.rs"}


def dependencies(root: Path) -> list[str]:
    """Dependencies that would break a wall: listed, or brought in by another."""
    locked = _locked_dependencies(root)
    found: list[str] = []
    for crate, forbidden in FORBIDDEN.items():
        manifest = tomli.loads((root / "rust" / crate / "Cargo.toml").read_text())
        listed = set(_listed(manifest, "dependencies")) | set(_listed(manifest, "build-dependencies"))
        found += [f"rust/{crate} depends on {name}" for name in sorted(listed & forbidden)]
        tests = set(_listed(manifest, "dev-dependencies")) & (forbidden - {"conductor-devserver"})
        found += [f"rust/{crate} has tests that depend on {name}" for name in sorted(tests)]
        if "pyo3" in _closure(f"conductor-{crate}", locked):
            found.append(f"rust/{crate} depends on pyo3 through another crate")
    return found


def unsafe_code(root: Path) -> list[str]:
    """Crates that do not forbid unsafe code, and `unsafe` of the bridge where it may not stand."""
    found: list[str] = []
    for crate in FORBIDDEN:
        source = root / "rust" / crate / "src"
        found += [
            f"{file.relative_to(root)} does not say #![forbid(unsafe_code)]"
            for file in (source / "lib.rs", source / "main.rs")
            if file.exists() and "#![forbid(unsafe_code)]" not in file.read_text()
        ]
    bridge = root / "rust" / "bridge" / "src"
    found += [
        f"{file.relative_to(root)} holds unsafe code"
        for file in sorted(bridge.rglob("*.rs"))
        if str(file.relative_to(bridge)) not in MAY_BE_UNSAFE
        and re.search(r"\bunsafe\b", code(file.read_text()))
    ]
    return found


def _listed(manifest: dict[str, Any], table: str) -> list[str]:
    """The names in `table`, those of `[target.…]` included; the real name of a renamed one."""
    tables = [manifest, *manifest.get("target", {}).values()]
    return [
        specification.get("package", name) if isinstance(specification, dict) else name
        for each in tables
        for name, specification in each.get(table, {}).items()
    ]


def _locked_dependencies(root: Path) -> dict[str, list[str]]:
    packages = tomli.loads((root / "Cargo.lock").read_text())["package"]
    return {
        package["name"]: [dependency.split()[0] for dependency in package.get("dependencies", [])]
        for package in packages
    }


def _closure(name: str, locked: dict[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += locked.get(current, [])
    return seen
