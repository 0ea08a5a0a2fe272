"""Write static/icons.svg, the one sprite of the pages, from the drawings beside this script.

Each `tools/drawings/<name>.svg` (24-unit grid, stroke 1.75, colour from currentColor) becomes a
symbol of that name. Run `python tools/icons.py` after adding a drawing; `--check` only compares.
"""

import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
DRAWINGS = ROOT / "tools" / "drawings"
SPRITE = ROOT / "static" / "icons.svg"
SVG = "http://www.w3.org/2000/svg"


def symbol(drawing: Path) -> ElementTree.Element:
    """One drawing as a <symbol> that keeps its view box and pen."""
    picture = ElementTree.parse(drawing).getroot()
    found = ElementTree.Element(f"{{{SVG}}}symbol", {"id": drawing.stem, **picture.attrib})
    found.extend(picture)
    return found


def sprite() -> str:
    """The text of the sprite, drawings in order of name."""
    ElementTree.register_namespace("", SVG)
    whole = ElementTree.Element(f"{{{SVG}}}svg")
    whole.extend(symbol(drawing) for drawing in sorted(DRAWINGS.glob("*.svg")))
    ElementTree.indent(whole, space=" ", level=0)
    return ElementTree.tostring(whole, encoding="unicode") + "\n"


def main() -> int:
    """Write the sprite, or with --check say by the exit status whether it is current."""
    text = sprite()
    if "--check" in sys.argv[1:]:
        current = SPRITE.is_file() and SPRITE.read_text(encoding="utf-8") == text
        if not current:
            print("static/icons.svg is not current: run python tools/icons.py", file=sys.stderr)
        return int(not current)
    SPRITE.write_text(text, encoding="utf-8")
    print(f"{SPRITE.relative_to(ROOT)}: {text.count('<symbol')} icons")
    return 0


if __name__ == "__main__":
    sys.exit(main())
