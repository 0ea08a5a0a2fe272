"""The demo's supplier is told the lines with their doors, and which telephones stand on desks."""

import json
from typing import Any

import pytest
from django.urls import resolve

from practices.models import Membership
from practices.tenancy import inside
from tests.factories import a_member, a_practice
from tools import supplier_lines


@pytest.mark.django_db
def test_every_line_has_doors_that_exist_and_desk_phones_answer_by_themselves(
    capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    practice = a_practice()
    member = a_member(practice)
    with inside(practice):
        Membership.objects.filter(pk=member.pk).update(desk_phone="+18025550111", mobile="+18025550131")
    assert supplier_lines.main() == 0
    told = json.loads(capsys.readouterr().out)
    (line,) = told["numbers"]
    doors = {
        name: resolve(line[name].removeprefix(settings.PUBLIC_URL).partition("#")[0]).url_name
        for name in ("url", "voice_url", "voice_status_url")
    }
    assert doors == {
        "url": "text-received",
        "voice_url": "voice-received",
        "voice_status_url": "voice-status",
    }
    assert told["phones"]["+18025550111"]["answers"] == "desk"
    assert "answers" not in told["phones"]["+18025550131"]
