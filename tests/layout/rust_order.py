"""Rust: who may use whom within a crate, read from the order of the `mod` lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

CRATES = ("core", "devserver", "bridge")

_MOD_LINE = re.compile(r"^\s*(?:pub(?:\([\w ]+\))?\s+)?mod\s+(\w+)\s*;", re.MULTILINE)
_RE_EXPORT = re.compile(r"^\s*pub(?:\([\w ]+\))?\s+use\s+(?:self::)?(\w+)::([^;]+);", re.MULTILINE)
_START = re.compile(r"\b(crate|self|super(?:\s*::\s*super)*)\s*::\s*(?=[\w{*])")
_WORD = re.compile(r"\s*(\w+|\*)\s*")
# Comments, strings (raw ones too) and characters: where a path is only text.
_TEXT = re.compile(
    r"//[^\n]*|/\*.*?\*/|r(#*)\".*?\"\1|b?\"(?:\\.|[^\"\\])*\"|'(?:\\[^\n']+|[^\\\n'])'", re.DOTALL
)


def import_order(root: Path) -> list[str]:
    """Uses within a crate that point down: to a later module, or to a later file of the folder."""
    found: list[str] = []
    for crate in CRATES:
        source = root / "rust" / crate / "src"
        for file in sorted(source.rglob("*.rs")):
            if file.name == "main.rs":
                continue
            module = _module(file, source)
            is_folder = file.name in {"mod.rs", "lib.rs"}
            for line, target in uses(code(file.read_text()), module, is_folder):
                if not _may_use(module, target, source):
                    path = "::".join(("crate", *target))
                    found.append(f"{file.relative_to(root)}:{line} uses {path}, which is listed below it")
    return found


def doors(root: Path) -> list[str]:
    """Folders whose `mod.rs` or `lib.rs` does not begin with what they are for."""
    return [
        f"{file.relative_to(root)} does not begin with //!"
        for crate in CRATES
        for name in ("mod.rs", "lib.rs")
        for file in sorted((root / "rust" / crate / "src").rglob(name))
        if not file.read_text().startswith("//!")
    ]


def code(text: str) -> str:
    """`text` with comments and strings blanked, and without the tests, which stand at its end."""
    blanked = _TEXT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return re.split(r"#\[cfg\(test\)\]\s*(?:pub(?:\([\w ]+\))?\s+)?mod\b", blanked)[0]


def uses(text: str, module: tuple[str, ...], is_folder: bool) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and absolute path of all that `text`, the code of `module`, takes from its own crate."""
    for match in _START.finditer(text):
        if match.group(1) == "crate":
            base: tuple[str, ...] = ()
        else:
            # A folder's own file is one level above the files beside it.
            supers = match.group(1).count("super")
            base = module[: len(module) - supers]
        line = text.count("\n", 0, match.start()) + 1
        if match.group(1) == "self" and not is_folder:
            continue
        for path, _end in _tree(text, match.end()):
            yield line, (*base, *path)


def _tree(text: str, start: int) -> list[tuple[tuple[str, ...], int]]:
    """The paths of one use tree (`a::{b, c::d}`), each with the position behind it."""
    if text[start] == "{":
        paths: list[tuple[tuple[str, ...], int]] = []
        position = start + 1
        while True:
            while text[position] in " \n\t,":
                position += 1
            if text[position] == "}":
                return [(path, position + 1) for path, _ in paths]
            branch = _tree(text, position)
            paths += branch
            position = branch[-1][1]
    word = _WORD.match(text, start)
    if not word:
        return [((), start + 1)]
    if text.startswith("::", word.end()) and _is_path(text, word.end() + 2):
        rest = _tree(text, word.end() + 2)
        return [((word.group(1), *path), end) for path, end in rest]
    renamed = re.compile(r"as\s+\w+\s*").match(text, word.end())
    return [((word.group(1),), renamed.end() if renamed else word.end())]


def _is_path(text: str, position: int) -> bool:
    return text[position] == "{" or bool(_WORD.match(text, position))


def _module(file: Path, source: Path) -> tuple[str, ...]:
    parts = file.relative_to(source).with_suffix("").parts
    return parts[:-1] if parts[-1] in {"mod", "lib"} else parts


def _may_use(module: tuple[str, ...], target: tuple[str, ...], source: Path) -> bool:
    shared = 0
    while shared < min(len(module), len(target)) and module[shared] == target[shared]:
        shared += 1
    if shared == len(module):
        return True
    door = source.joinpath(*module[:shared], "mod.rs" if shared else "lib.rs")
    text = code(door.read_text())
    listed = _MOD_LINE.findall(text)
    name = target[shared] if shared < len(target) else "*"
    if name not in listed:
        # Something that the folder gives out: it counts as the file that it comes from.
        name = next((file for file, names in _RE_EXPORT.findall(text) if _names(name, names)), "*")
    return name in listed and module[shared] in listed and listed.index(name) < listed.index(module[shared])


def _names(name: str, exported: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", exported) is not None if name != "*" else False
