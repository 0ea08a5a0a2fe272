"""Write static/css/steps.css: classes that place a card on the board, for a page that may not carry styles.

The content policy refuses style attributes, and a board should stand before any script runs. So places
are classes in steps of five minutes; scripts that move a card set the same properties through the CSSOM.
"""

import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "static" / "css" / "steps.css"
STEPS_A_DAY = 24 * 12
COLUMNS = 60
LANES = 6
HEAD = "/* Written by tools/board_steps.py. A step is five minutes. */\n\n"


def rules() -> str:
    """The whole stylesheet: s-0 … s-288, d-1 … d-288, n-1 … n-60, of-2 … of-6, at-0 … at-5, w-1 … w-60."""
    lines = [f".s-{n} {{ --s: {n}; }}" for n in range(STEPS_A_DAY + 1)]
    lines += [f".d-{n} {{ --d: {n}; }}" for n in range(1, STEPS_A_DAY + 1)]
    lines += [f".n-{n} {{ --n: {n}; }}" for n in range(1, COLUMNS + 1)]
    lines += [f".of-{n} {{ --of: {n}; }}" for n in range(2, LANES + 1)]
    lines += [f".at-{n} {{ --at: {n}; }}" for n in range(LANES)]
    lines += [f".w-{n} {{ --w: {n}; }}" for n in range(1, COLUMNS + 1)]
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    """Write the file, or with --check say by the exit status whether it is current."""
    if "--check" in sys.argv[1:]:
        return int(not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != rules())
    TARGET.write_text(rules(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
