"""Code blocks of a markdown file, each with the headings that it stands under."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTED_URL = "http://localhost:8080/api"

_HEADING_OR_BLOCK = re.compile(r"^(#{2,3}) ([^\n]+)$|^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block; `section` and `title` are the headings of levels 2 and 3 before it."""

    section: str
    title: str
    language: str
    code: str


def read_blocks(file: Path) -> list[Block]:
    """All of them, in order; a fence that this reader would miss is an AssertionError."""
    text = file.read_text()
    blocks: list[Block] = []
    section = title = ""
    for match in _HEADING_OR_BLOCK.finditer(text):
        level, heading, language, code = match.groups()
        if level == "##":
            section, title = heading, ""
        elif level:
            title = heading
        else:
            blocks.append(Block(section, title, language, code))
    assert len(blocks) * 2 == text.count("```"), f"{file.name} has fences that are no blocks"
    return blocks


def at(code: str, url: str) -> str:
    """`code` with the server at `url` in place of the documented one."""
    return code.replace(DOCUMENTED_URL, url)
