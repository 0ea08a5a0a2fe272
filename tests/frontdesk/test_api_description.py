"""The API describes itself without a warning, and the page to read it opens."""

from io import StringIO

import pytest
from django.core.management import call_command


def test_the_description_is_valid_and_without_warnings():
    out = StringIO()
    call_command("spectacular", fail_on_warn=True, validate=True, stdout=out)
    doors = ["appointments", "threads", "threads/{conversation_id}/notes", "patients/{patient_id}/messages"]
    doors += ["calls", "calls/{call_id}/note", "staff-messages", "staff-messages/{staff_message_id}/done"]
    doors += ["appointments/{appointment_id}/undo", "delays/{practitioner_id}/undo"]
    missing = [door for door in doors if f"  /api/v1/p/{{practice}}/{door}/:\n" not in out.getvalue()]
    assert missing == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/", "/api/schema/"])
def test_the_description_can_be_read(client, path):
    assert client.get(path).status_code == 200
