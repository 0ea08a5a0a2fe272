"""The drawn parts of the pages: generated files are current and no page names an icon that does not exist."""

import re
from pathlib import Path

import pytest
from django.template import Context, Template

from practices.templatetags.desk import initials
from tools import board_steps, icons

ROOT = Path(__file__).resolve().parent.parent
DRAWN = {drawing.stem for drawing in icons.DRAWINGS.glob("*.svg")}


def test_sprite_holds_the_drawings() -> None:
    assert icons.SPRITE.read_text(encoding="utf-8") == icons.sprite()


def test_board_steps_are_current() -> None:
    assert board_steps.TARGET.read_text(encoding="utf-8") == board_steps.rules()


def test_pages_name_only_drawn_icons() -> None:
    pages = [page for folder in ("templates",) for page in (ROOT / folder).rglob("*.html")]
    named = {
        (name, page.name)
        for page in pages
        for name in re.findall(r'\{% icon "([^"]+)"', page.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert {(name, page) for name, page in named if name not in DRAWN} == set()


def test_pages_carry_no_style_and_no_handlers() -> None:
    """The content policy would refuse them silently."""
    guilty = [
        page.name
        for page in (ROOT / "templates").rglob("*.html")
        if re.search(
            r"<[a-z][^>]*\s(style|on[a-z]+|hx-on[^=]*)=|<style|javascript:", page.read_text(encoding="utf-8")
        )
    ]
    assert guilty == []


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Priya Raman, NP", "PR"), ("Dr. Amara Osei", "AO"), ("Cher", "C"), ("", ""), ("1st Street", "S")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_icon_speaks_only_with_a_label() -> None:
    page = Template('{% icon "phone" 14 %}{% icon "phone" 14 label %}').render(
        Context({"label": '"><script>'})
    )
    assert page.count('aria-hidden="true"') == 1
    assert 'aria-label="&quot;&gt;&lt;script&gt;"' in page
    assert page.count("icons.svg#phone") == 2
