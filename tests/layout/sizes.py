"""How long files are."""

from __future__ import annotations

from pathlib import Path

MOST_LINES = 400
AIM_LINES = 250
FOLDERS = ("rust", "python", "tests", "benches", "examples")


def too_long(root: Path) -> list[str]:
    """Files that are to be split."""
    return [f"{file} has {lines} lines, {MOST_LINES} is the most" for file, lines in _over(root, MOST_LINES)]


def over_the_aim(root: Path) -> list[str]:
    """Files that are longer than aimed at, but allowed."""
    return [f"{file}: {lines}" for file, lines in _over(root, AIM_LINES)]


def _over(root: Path, limit: int) -> list[tuple[Path, int]]:
    files = (
        file
        for folder in FOLDERS
        for kind in ("*.rs", "*.py", "*.pyi")
        for file in sorted((root / folder).rglob(kind))
    )
    counted = ((file.relative_to(root), len(file.read_text().splitlines())) for file in files)
    return [(file, lines) for file, lines in counted if lines > limit]
