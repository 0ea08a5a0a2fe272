"""A practice's own words: what is refused, how they look, and that every message goes out in them."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging import wordings
from messaging.models import SavedReply
from messaging.saved_replies import filled
from messaging.templates import Wording, render
from messaging.wordings import BadWording, WordingChanged, change_wording, reset_wording
from practices.models import AuditEntry, Practice, Role
from practices.tenancy import inside
from tests.factories import a_member, a_practice, a_user, an_actor

VALUES = {
    "practice": "Harbor Street", "name": "Marisol", "date": "Tue, Jun 9", "time": "3:00 PM",
    "phone": "(503) 555-0100", "link": "https://desk.example/v/x/", "visits": "Jun 9 3:00 PM and 4:00 PM",
}  # fmt: skip
GOOD = "$practice: see you $date at $time. Reply YES to confirm. $link"


@pytest.fixture
def desk(db: Any) -> SimpleNamespace:
    practice = a_practice(name="Harbor Street")
    mira = a_member(practice, a_user("mira@frontdesk.example"), Role.MANAGER)
    client = Client()
    client.force_login(mira.user)
    made = SimpleNamespace(practice=practice, client=client, by=an_actor(mira))
    made.url = lambda name, *args: reverse(name, args=[practice.slug, *args])
    return made


def change(
    desk: SimpleNamespace, body: str, name: str = "reminder sms en", subject: str = "", was: str = ""
) -> None:
    with inside(Practice.objects.get(pk=desk.practice.pk)):
        which = wordings.slot(*name.split())
        change_wording(which=which, words=Wording(body, subject), was=was, by=desk.by)


def complaints(desk: SimpleNamespace, body: str, name: str = "reminder sms en", subject: str = "") -> str:
    with pytest.raises(BadWording) as refused:
        change(desk, body, name, subject)
    return " ".join(refused.value.complaints)


def said(desk: SimpleNamespace, kind: str = "reminder", language: str = "en", channel: str = "sms") -> str:
    with inside(Practice.objects.get(pk=desk.practice.pk)):
        return render(kind, language, VALUES, channel=channel).body


def test_every_usual_wording_passes_its_own_rules(desk: SimpleNamespace) -> None:
    found = {
        str(slot): wordings.lint(slot, slot.usual, desk.practice)
        for slot in wordings.slots()
        if wordings.lint(slot, slot.usual, desk.practice)
    }
    assert found == {}


def test_messages_go_out_in_the_practices_own_words(
    desk: SimpleNamespace,
) -> None:
    usual = said(desk)
    change(desk, GOOD)
    assert said(desk) == (
        "Harbor Street: see you Tue, Jun 9 at 3:00 PM. Reply YES to confirm. https://desk.example/v/x/"
    )
    assert "su cita es" in said(desk, language="es")
    assert said(desk, "moved") != said(desk)
    other = a_practice("cedar-park")
    with inside(other):
        assert render("reminder", "en", VALUES).body == usual


def test_own_words_cost_no_query(desk: SimpleNamespace) -> None:
    change(desk, GOOD)
    with inside(Practice.objects.get(pk=desk.practice.pk)), CaptureQueriesContext(connection) as asked:
        render("reminder", "en", VALUES)
    assert len(asked) == 0


def test_a_hole_in_own_words_does_not_keep_a_message_from_leaving(desk: SimpleNamespace) -> None:
    Practice.objects.filter(pk=desk.practice.pk).update(
        own_words={"reminder": {"sms": {"en": {"subject": "", "body": "See you, $nobody"}}}}
    )
    assert said(desk).startswith("Harbor Street: your appointment is Tue, Jun 9")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (GOOD + " Reply CANCEL to cancel.", "Do not ask for CANCEL"),
        (GOOD.replace("Reply YES to confirm", "Reply YES or stop"), "Do not ask for STOP"),
        (GOOD + " Text QUIT for no texts.", "Do not ask for QUIT"),
        (GOOD + " BAJA", "Do not ask for BAJA"),
        (GOOD + " $clinician", "$clinician is not known here"),
        (GOOD + " ${clinic}", "$clinic is not known here"),
        (GOOD + " It costs $5.", "A dollar sign begins a variable"),
        (GOOD.replace("$link", ""), "Keep $link"),
        (GOOD.replace("$practice: ", ""), "Keep $practice"),
        (GOOD.replace("$date", "soon"), "Keep $date"),
        (GOOD + " Your results are here.", "“results” may tell others"),
        (GOOD + " Bring the colonoscopy form.", "“colonoscopy”"),
        (GOOD + " At our psychiatry desk", "“psychiatry”"),
        (GOOD + " PREGNANCY", "“pregnancy”"),
        (GOOD + " " + "very " * 30, "160 fit into one text"),
        (GOOD + " café–ÿ", "ÿ more than halves"),
        (GOOD + " 👍", "👍 more than halves"),
        (GOOD + " See www.example.com", "Leave addresses of websites out"),
        (GOOD + " bit.ly/x", "Leave addresses of websites out"),
        (GOOD + " https://desk.example.evil/v/", "Leave addresses of websites out"),
        ("<b>" + GOOD + "</b>", "Write plain words"),
        (GOOD + " &amp;", "Write plain words"),
        ("Harbor Street. " + GOOD, "Write $practice for the practice’s name"),
        ("", "Write the words"),
        (" \n ", "Write the words"),
    ],
)
def test_what_must_not_be_in_a_text_is_refused(desk: SimpleNamespace, body: str, words: str) -> None:
    assert words in complaints(desk, body)
    assert "your appointment is" in said(desk), "nothing is kept"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("$practice: su cita es el $date a las $time. Responda BAJA. $link", "Do not ask for BAJA"),
        ("$practice: su cita es el $date a las $time. Envíe alto o si. $link", "Do not ask for ALTO"),
        ("$practice: su biopsia es el $date a las $time. $link", "“biopsia”"),
        ("$practice: su análisis es el $date a las $time. $link", "“analisis”"),
        ("$practice: su cita está el $date a las $time. $link", "á more than halves"),
    ],
)
def test_spanish_is_asked_the_same(desk: SimpleNamespace, body: str, words: str) -> None:
    assert words in complaints(desk, body, "reminder sms es")


def test_what_may_be_said_is_kept(desk: SimpleNamespace) -> None:
    for body in (
        GOOD,
        "$practice: $date at $time. Reply YES to confirm. Call $phone to cancel. $link",
        "Hi $name, $practice expects you $date at $time. The clinic ends at 5. $link",
    ):
        change(desk, body)


def test_a_subject_is_read_on_locked_screens(desk: SimpleNamespace) -> None:
    body = "Hello $name, $practice, $date, $time, $link, $phone"
    assert "Subject: $name is not known" in complaints(desk, body, "reminder email en", "$name, come in")
    assert "Subject: “biopsy”" in complaints(desk, body, "reminder email en", "Your biopsy")
    assert "Subject: one line" in complaints(desk, body, "reminder email en", "x" * 121)
    change(desk, body, "reminder email en", "See you at $practice")


def test_start_stays_where_texts_were_stopped(desk: SimpleNamespace) -> None:
    assert "Keep the word START" in complaints(desk, "$practice: no more texts from us.", "stopped sms en")


def test_two_editors_at_once_the_second_is_told(desk: SimpleNamespace) -> None:
    which = wordings.slot("reminder", "sms", "en")
    was = wordings.fingerprint(which.usual)
    change(desk, GOOD, was=was)
    with pytest.raises(WordingChanged) as clash:
        change(desk, "$practice: $date at $time! $link", was=was)
    assert clash.value.now.body == GOOD
    with inside(Practice.objects.get(pk=desk.practice.pk)), pytest.raises(WordingChanged):
        reset_wording(which=which, was=was, by=desk.by)


def test_it_is_written_down_who_changed_what(desk: SimpleNamespace) -> None:
    change(desk, GOOD)
    with inside(desk.practice):
        entry = AuditEntry.objects.get(verb="wording.changed")
        assert entry.actor == desk.by.user
        assert entry.changes["reminder.sms.en"][1] == GOOD


# The pages.


def page(desk: SimpleNamespace, *args: str) -> str:
    return desk.url("wording", *args)


def test_a_manager_changes_a_wording_and_goes_back_to_the_usual_one(desk: SimpleNamespace) -> None:
    address = page(desk, "reminder", "sms", "en")
    body = desk.client.get(address).content.decode()
    assert "1 text long" in body
    assert "Wed, Sep 30" in body
    was = body.split('name="was" value="')[1].split('"')[0]
    assert desk.client.post(address, {"body": GOOD, "was": was}).status_code == 302
    assert "see you" in said(desk)
    assert "Your words" in desk.client.get(desk.url("wordings")).content.decode()
    stale = desk.client.post(address, {"body": "$practice $date $time $link", "was": was})
    assert stale.status_code == 409
    assert "see you $date" in stale.content.decode()
    assert "$practice $date $time $link</textarea>" in stale.content.decode()
    assert desk.client.post(desk.url("wording-usual", "reminder", "sms", "en")).status_code == 302
    assert "your appointment is" in said(desk)


def test_a_refused_wording_stays_in_the_form_with_its_reasons(desk: SimpleNamespace) -> None:
    answer = desk.client.post(page(desk, "reminder", "sms", "en"), {"body": "Reply STOP <b>"})
    body = answer.content.decode()
    assert answer.status_code == 422
    for words in (
        "Do not ask for STOP",
        "Write plain words",
        "Keep $link",
        "Reply STOP &lt;b&gt;</textarea>",
    ):
        assert words in body


def test_the_preview_says_how_long_and_what_is_wrong_and_keeps_nothing(desk: SimpleNamespace) -> None:
    answer = desk.client.post(
        desk.url("wording-preview", "reminder", "sms", "en"),
        {"body": GOOD + " CANCEL"},
        headers={"HX-Request": "true"},
    )
    body = answer.content.decode()
    assert "1 text long" in body
    assert "Do not ask for CANCEL" in body
    assert "your appointment is" in said(desk)


@pytest.mark.parametrize(
    "args", [("reminder", "fax", "en"), ("nothing", "sms", "en"), ("reminder", "sms", "de")]
)
def test_a_wording_that_is_not_there(desk: SimpleNamespace, args: tuple[str, str, str]) -> None:
    assert desk.client.get(page(desk, *args)).status_code == 404


def test_only_managers(desk: SimpleNamespace) -> None:
    dana = a_member(desk.practice)
    client = Client()
    client.force_login(dana.user)
    assert client.get(desk.url("wordings")).status_code == 403
    assert client.post(page(desk, "reminder", "sms", "en"), {"body": GOOD}).status_code == 403
    assert client.get(desk.url("saved-replies")).status_code == 403


def reply(desk: SimpleNamespace) -> SavedReply:
    with inside(desk.practice):
        return SavedReply.objects.get()


def test_saved_replies_are_added_changed_and_removed(desk: SimpleNamespace) -> None:
    given = {"name": "Parking", "body_en": "Hi $name, park behind.", "body_es": "Hola $name.", "active": "on"}
    assert desk.client.post(desk.url("saved-replies"), given).status_code == 302
    assert "Hi Marisol, park behind." in desk.client.get(desk.url("saved-replies")).content.decode()
    row = reply(desk)
    address = desk.url("saved-reply", row.pk)
    changed = given | {"name": "Where to park", "version": row.version}
    assert desk.client.post(address, changed).status_code == 302
    stale = desk.client.post(address, changed | {"name": "Mine"})
    assert stale.status_code == 409
    assert "Where to park" in stale.content.decode()
    assert 'value="Mine"' in stale.content.decode()
    gone = desk.client.post(desk.url("saved-reply-remove", row.pk), {"version": row.version})
    assert gone.status_code == 409
    gone = desk.client.post(desk.url("saved-reply-remove", row.pk), {"version": reply(desk).version})
    assert gone.status_code == 302
    with inside(desk.practice):
        assert not SavedReply.objects.exists()
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"saved-reply.added", "saved-reply.changed", "saved-reply.removed"} <= verbs


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body_en": "Reply STOP"}, "Do not ask for STOP"), ({"body_en": "On $date"}, "$date is not known"),
        ({"body_es": "Su biopsia"}, "“biopsia”"), ({"body_en": "<i>x"}, "plain words"),
        ({"name": ""}, "short name"), ({"body_en": "see evil.com"}, "addresses of websites"),
        ({"body_en": ""}, "Write the words in English"),
    ],
)  # fmt: skip
def test_saved_replies_are_asked_the_same(desk: SimpleNamespace, fields: dict[str, str], words: str) -> None:
    answer = desk.client.post(desk.url("saved-replies"), {"name": "x", "body_en": "Hello"} | fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_two_replies_of_one_name(desk: SimpleNamespace) -> None:
    for status in (302, 422):
        answer = desk.client.post(desk.url("saved-replies"), {"name": "Parking", "body_en": "Behind."})
        assert answer.status_code == status
    assert "of this name already" in answer.content.decode()


def test_a_reply_to_a_stranger_has_no_gap_for_the_name() -> None:
    assert filled("Hi $name, welcome.", {"name": "", "practice": "x"}) == "Hi, welcome."
