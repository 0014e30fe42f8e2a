"""ARCHITECTURE.md: the map of core is the listing that its files keep."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "rust" / "core" / "src"


def listed(door: Path) -> list[str]:
    return re.findall(r"^(?:pub )?mod (\w+);", door.read_text(), re.MULTILINE)


def test_the_map_of_core_names_each_file_in_the_order_of_the_listing() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    start, end = text.index("rust/core/src/ "), text.index("rust/core/tests/it/ ")
    mapped: list[str] = re.findall(r"^ (?: |   )(\w+(?:\.rs|/))(?= |$)", text[start:end], re.MULTILINE)
    expected: list[str] = []
    for room in listed(CORE / "lib.rs"):
        door = CORE / room / "mod.rs"
        files = [f"{room}/", *(f"{file}.rs" for file in listed(door))] if door.exists() else [f"{room}.rs"]
        expected += files
    assert mapped == expected
