"""What the codecs are measured on."""

from __future__ import annotations

from typing import Any

DOCUMENTS: dict[str, dict[str, Any]] = {
    "4_fields": {"result": 3, "status": "ok", "name": "a b c", "flag": True},
    "8_kb_numbers": {
        "rows": [{"id": i, "name": f"name {i}", "tags": ["x", "y"], "price": i / 7} for i in range(120)]
    },
    "7_kb_text": {
        "rows": [
            {"key": f"value of field number {i} with some text", "description": "x" * 60, "city": "Zürich"}
            for i in range(50)
        ]
    },
    "1_mb_text": {"text": ["ä" * 100 + "\\n"] * 4_700},
}
