"""One codec in a loop, for callgrind to count: `python codec_loop.py decode 4_fields 1000`.

A script and no module of the tests, so that callgrind sees little else. It does the same whatever it is
asked, but for the loop: a run without a loop is what the start costs.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

from conductor_fast._core import decode_json, encode_json


def main() -> None:
    what, document, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    documents = runpy.run_path(str(Path(__file__).with_name("documents.py")))["DOCUMENTS"]
    del documents["1_mb_text"]
    texts = {
        name: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        for name, value in documents.items()
    }
    for name, value in documents.items():
        assert decode_json(texts[name]) == value
        assert json.loads(encode_json(value, repr)) == value
    value, text = documents[document], texts[document]
    if what == "decode":
        for _ in range(times):
            decode_json(text)
    else:
        for _ in range(times):
            encode_json(value, repr)


if __name__ == "__main__":
    main()
