"""Calls at the desk: the strip over all practices, the workspace, the booking that is kept half done."""

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from messaging import call_endings, call_events, calls, drafts
from messaging.identity import override
from messaging.models import Call, CallCommand, Conversation, Draft, StaffMessage, Task
from patients.models import ContactPoint, Patient
from practices.access import PERMISSIONS
from practices.audit import Actor
from practices.models import AccessEvent, Membership, Practice, Role, User
from practices.tenancy import inside
from scheduling.availability import free_times
from scheduling.booking import book_appointment
from scheduling.models import Appointment
from tests.factories import a_member, a_patient, a_practice, a_practitioner, a_type, a_user, an_actor

pytestmark = pytest.mark.django_db
STRIP = "/all/calls/?fragment=strip"
HTMX = {"HX-Request": "true"}
LINE = Actor(kind="system", door="hook")
DANAS_PHONE = "+15035550199"


class House:
    """Two practices of Dana, one of them also Jo's, and a patient who shares her number with her son."""

    def __init__(self) -> None:
        self.harbor: Practice = a_practice()
        self.cedar: Practice = a_practice("cedar-park")
        self.dana = self.member(self.harbor, a_user())
        self.dana_at_cedar = self.member(self.cedar, self.dana.user)
        self.jo = self.member(self.harbor, a_user("jo@frontdesk.example"))
        self.vega = a_patient(self.harbor, phone="+15035550187", know_first="Speak slowly.")
        self.son = a_patient(
            self.harbor, "Luis", "Vega", phone="+15035550187", birth_date=dt.date(2012, 5, 6)
        )

    def member(self, practice: Practice, user: User, phone: str = DANAS_PHONE) -> Membership:
        member = a_member(practice, user, Role.RECEPTIONIST)
        with inside(practice):
            Membership.objects.filter(pk=member.pk).update(desk_phone=phone)
        return member

    def rings(self, number: str = "+15035550187", practice: Practice | None = None, name: str = "") -> Call:
        practice = practice or self.harbor
        with inside(practice):
            said = name or f"CA{Call.objects.count()}{practice.slug}{number}"
            return calls.call_came(supplier_id=said, from_=number, by=LINE)

    def answered(self, number: str = "+15035550187", by: Membership | None = None) -> Call:
        call, member = self.rings(number), by or self.dana
        with inside(self.harbor):
            return calls.answer_call(call=call, by=an_actor(member))

    def now(self, call: Call, practice: Practice | None = None) -> Call:
        with inside(practice or self.harbor):
            return Call.objects.select_related("patient", "handler").get(pk=call.pk)


@pytest.fixture
def house() -> House:
    return House()


def signed_in(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def dana(house: House) -> Client:
    return signed_in(house.dana)


def page(client: Client, url: str, **headers: str) -> str:
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_calls_of_all_practices_ring_in_one_strip(house: House, dana: Client) -> None:
    house.rings()
    house.rings("+15035550142", house.cedar)
    strip = page(dana, STRIP)
    assert "Luis Vega, Marisol Vega" in strip
    assert "(503) 555-0142" in strip
    assert "Cedar Park, new number" in strip
    assert "2 waiting" in strip
    assert strip.count('data-key="a"') == 2
    assert "Thank you for calling Harbor Street" in strip
    assert "Something to know first" in strip
    jos = page(signed_in(house.jo), STRIP)
    assert "Marisol Vega" in jos
    assert "Cedar Park" not in jos


def test_the_next_visit_is_told_while_it_rings(house: House, dana: Client) -> None:
    visit = a_visit(house)
    house.rings()
    assert f"visit {visit_words(visit, house)}" in page(dana, STRIP)


def a_visit(house: House) -> Appointment:
    osei = a_practitioner(house.harbor)
    kind = a_type(house.harbor, practitioners=[osei])
    with inside(house.harbor):
        start = timezone.now() + dt.timedelta(days=1)
        (time, *_) = free_times(
            appointment_type=kind, from_=start, until=start + dt.timedelta(days=2), limit=1
        )
        return book_appointment(
            patient=house.vega, practitioner=osei, appointment_type=kind, starts_at=time.starts_at,
            by=an_actor(house.dana),
        )  # fmt: skip


def visit_words(visit: Appointment, house: House) -> str:
    from scheduling.words import inside_words, short_when

    return inside_words(short_when(visit.starts_at, house.harbor))


def test_the_patients_it_shows_are_written_down(house: House, dana: Client) -> None:
    house.rings()
    page(dana, STRIP)
    with inside(house.harbor):
        event = AccessEvent.objects.get(screen="calls")
        assert set(event.patient_ids) == {house.vega.pk, house.son.pk}


def test_privacy_hides_names(house: House, dana: Client) -> None:
    User.objects.filter(pk=house.dana.user.pk).update(privacy_mode=True)
    house.rings()
    strip = page(dana, STRIP)
    assert "Vega" not in strip
    assert "M. V." in strip


def test_whoever_answers_gets_the_workspace_and_the_second_is_told(house: House, dana: Client) -> None:
    call = house.rings()
    url = f"/p/harbor-street/calls/{call.pk}/"
    first = dana.post(f"{url}answer/", headers=HTMX)
    assert first.headers["HX-Redirect"] == url
    second = signed_in(house.jo).post(f"{url}answer/", headers=HTMX)
    told = json.loads(second.headers["HX-Trigger"])
    assert told == {"refresh": "calls", "callRefused": "Dana Ruiz has taken this call."}
    jos = page(signed_in(house.jo), STRIP)
    assert "data-ringing" not in jos
    assert "Dana has taken the call for Harbor Street." in jos
    assert house.now(call).handler == house.dana.user


def test_without_scripts_the_same_by_redirects(house: House, dana: Client) -> None:
    call = house.rings()
    url = f"/p/harbor-street/calls/{call.pk}/"
    assert "Answer" in page(dana, "/all/calls/")
    assert dana.post(f"{url}answer/").url == url
    assert signed_in(house.jo).post(f"{url}answer/", follow=True).redirect_chain[-1][0] == "/all/calls/"
    assert dana.post(f"{url}hold/").url == url
    assert dana.post(f"{url}note/", {"note": "Typed", "was": ""}).url == url
    assert house.now(call).note == "Typed"


def test_a_call_of_another_practice_puts_the_first_on_hold(house: House, dana: Client) -> None:
    first = house.answered()
    second = house.rings("+15035550142", house.cedar)
    dana.post(f"/p/cedar-park/calls/{second.pk}/answer/", headers=HTMX)
    assert house.now(second, house.cedar).status == "live"
    assert house.now(first).status == "held"
    dana.post(f"/p/harbor-street/calls/{first.pk}/resume/", headers=HTMX)
    assert house.now(first).status == "live"
    assert house.now(second, house.cedar).status == "held"
    with inside(house.cedar):
        assert [one.verb for one in CallCommand.objects.all()] == ["answer", "hold"]


def test_who_comes_second_keeps_the_call_she_is_on(house: House, dana: Client) -> None:
    first = house.answered()
    taken = house.answered("+15035550121", by=house.jo)
    dana.post(f"/p/harbor-street/calls/{taken.pk}/answer/", headers=HTMX)
    assert house.now(first).status == "live"


def test_a_person_without_desk_phone_is_told_where_to_set_it(house: House, dana: Client) -> None:
    with inside(house.harbor):
        Membership.objects.filter(pk=house.dana.pk).update(desk_phone="")
    call = house.rings()
    strip = page(dana, STRIP)
    assert "Set your phone" in strip
    assert 'data-key="a"' not in strip
    assert f"/p/harbor-street/calls/log/?call={call.pk}" in strip
    assert "(503) 555-0187" in page(dana, f"/p/harbor-street/calls/log/?call={call.pk}")
    answer = dana.post(f"/p/harbor-street/calls/{call.pk}/answer/", headers=HTMX)
    assert "desk phone" in json.loads(answer.headers["HX-Trigger"])["callRefused"]


def test_everybody_sets_her_own_numbers(house: House, dana: Client) -> None:
    url = "/p/harbor-street/my-numbers/"
    assert "(503) 555-0199" in page(dana, url)
    wrong = dana.post(url, {"desk_phone": "12", "mobile": "(503) 555-0111"})
    assert wrong.status_code == 422
    assert "too short" in wrong.content.decode()
    assert "(503) 555-0111" in wrong.content.decode()
    assert dana.post(url, {"desk_phone": "", "mobile": "(503) 555-0111"}).status_code == 302
    with inside(house.harbor):
        kept = Membership.objects.get(pk=house.dana.pk)
        jos = Membership.objects.get(pk=house.jo.pk)
    assert (str(kept.desk_phone), str(kept.mobile)) == ("", "+15035550111")
    assert str(jos.desk_phone) == DANAS_PHONE


def test_hold_turns_amber_then_red_and_says_what_is_kept(house: House, dana: Client) -> None:
    call = house.answered()
    by = an_actor(house.dana)
    with inside(house.harbor):
        calls.write_note(call=call, note="About the bill", by=by)
        calls.describe(call=call, matter="billing", by=by)
        calls.hold_call(call=call, by=by)
    assert "Billing, note kept" in page(dana, STRIP)
    with inside(house.harbor):
        drafts.keep(house.dana.user, f"call:{call.pk}:booking", {"name": "Ana"})
        Call.objects.filter(pk=call.pk).update(held_since=timezone.now() - dt.timedelta(minutes=2))
    strip = page(dana, STRIP)
    assert "Billing, booking half done" in strip
    assert 'class="call hold late"' in strip


def test_writing_up_ends_by_the_clock(house: House, dana: Client) -> None:
    call = house.answered()
    dana.post(f"/p/harbor-street/calls/{call.pk}/end/", headers=HTMX)
    assert "Finish the note" in page(dana, STRIP)
    with inside(house.harbor):
        Call.objects.filter(pk=call.pk).update(wrap_up_until=timezone.now())
    assert "Finish the note" not in page(dana, STRIP)


def test_what_the_telephone_did_not_do_stands_on_the_chip(house: House, dana: Client) -> None:
    call = house.answered()
    with inside(house.harbor):
        Call.objects.filter(pk=call.pk).update(problem="Your desk phone did not answer.")
    assert "Your desk phone did not answer." in page(dana, STRIP)
    assert "Your desk phone did not answer." in page(dana, f"/p/harbor-street/calls/{call.pk}/")


def test_the_next_page_has_the_strip_from_the_start(house: House, dana: Client) -> None:
    """Without a call a page asks for nothing more; the strip comes by itself when one rings."""
    assert "data-live-now" in page(dana, "/p/harbor-street/queue/")
    call = house.answered()
    page(dana, STRIP)
    drawn = page(dana, "/p/harbor-street/queue/")
    assert f'id="call-{call.pk}"' in drawn
    assert "data-live-now" not in drawn
    with inside(house.harbor):
        Call.objects.filter(pk=call.pk).update(status="ended")
    page(dana, STRIP)
    assert "data-live-now" in page(dana, "/p/harbor-street/queue/")


@pytest.mark.parametrize("many", [1, 30])
def test_the_strip_asks_as_often_for_one_caller_as_for_thirty(
    house: House, dana: Client, many: int, django_assert_num_queries: Any
) -> None:
    for n in range(many):
        number = f"+1503555{2000 + n}"
        a_patient(house.harbor, f"Pat{n}", "Ient", phone=number)
        house.rings(number)
    page(dana, STRIP)
    with django_assert_num_queries(26):
        page(dana, STRIP)


def test_a_quiet_strip_costs_little(house: House, dana: Client, django_assert_num_queries: Any) -> None:
    page(dana, STRIP)
    with django_assert_num_queries(22):
        assert 'class="call' not in page(dana, STRIP)


# The workspace.


def test_until_it_is_known_who_speaks_name_and_time_are_all(house: House, dana: Client) -> None:
    visit = a_visit(house)
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/"
    nobody = page(dana, url)
    assert "Who is it about?" in nobody
    assert "Luis Vega" in nobody
    assert "Mar 14, 1986" not in nobody
    dana.post(f"{url}patient/", {"patient": house.vega.pk})
    closed = page(dana, url)
    time = visit_words(visit, house)
    assert time[0].upper() + time[1:] in closed
    for hidden in ("Mar 14, 1986", "Speak slowly", "Dr. Osei</p>", "/move/", ">Record<"):
        assert hidden not in closed
    assert "There is something to know first" in closed
    with inside(house.harbor):
        override(call=house.now(call), patient=house.vega, reason="Known voice", by=an_actor(house.dana))
    opened = page(dana, url)
    for shown in ("Mar 14, 1986", "Speak slowly", "with Dr. Osei", f"{visit.pk}/move/", ">Record<"):
        assert shown in opened


def test_booking_in_a_call_hides_as_much(house: House, dana: Client) -> None:
    a_visit(house)
    call = house.answered()
    dana.post(f"/p/harbor-street/calls/{call.pk}/patient/", {"patient": house.vega.pk})
    url = f"/p/harbor-street/book/?call={call.pk}&patient={house.vega.pk}"
    closed = page(dana, url)
    assert "Marisol Vega" in closed
    assert "Has a visit" in closed
    for hidden in ("Mar 14, 1986", "Speak slowly", "(503) 555-0187", "Has a visit today with"):
        assert hidden not in closed
    with inside(house.harbor):
        override(call=house.now(call), patient=house.vega, reason="Known voice", by=an_actor(house.dana))
    assert "Mar 14, 1986" in page(dana, url)


def test_the_note_is_kept_as_it_is_typed(house: House, dana: Client) -> None:
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/note/"
    answer = dana.post(url, {"note": "Wants", "was": ""}, headers={"X-Autosave": "1"})
    assert answer.json()["note"] == "Wants"
    assert answer.json()["theirs"] == ""
    dana.post(url, {"note": "Wants a time", "was": "Wants"}, headers={"X-Autosave": "1"})
    assert house.now(call).note == "Wants a time"
    assert "Wants a time" in page(dana, f"/p/harbor-street/calls/{call.pk}/")


def test_two_who_write_one_note_lose_nothing(house: House, dana: Client) -> None:
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/note/"
    auto = {"X-Autosave": "1"}
    signed_in(house.jo).post(url, {"note": "Jo was here", "was": ""}, headers=auto)
    answer = dana.post(url, {"note": "Dana writes", "was": ""}, headers=auto).json()
    assert answer["theirs"] == "Jo was here"
    assert answer["note"] == house.now(call).note == "Jo was here\nDana writes"
    again = dana.post(url, {"note": "Jo was here\r\nDana writes on", "was": answer["note"]}, headers=auto)
    assert again.json()["theirs"] == ""


def test_the_same_words_sent_twice_are_one(house: House, dana: Client) -> None:
    """A page that closes sends what rests; the answer to the first may never have come."""
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/note/"
    for _ in range(2):
        dana.post(url, {"note": "Twice", "was": ""}, headers={"X-Autosave": "1"})
    assert house.now(call).note == "Twice"


def test_who_speaks_and_about_what(house: House, dana: Client) -> None:
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/about/"
    said = {"caller_name": "Rosa Vega", "relation": "Mother", "matter": "refill"}
    assert dana.post(url, said, headers={"X-Autosave": "1"}).status_code == 200
    kept = house.now(call)
    assert (kept.caller_name, kept.caller_relation, kept.matter) == ("Rosa Vega", "Mother", "refill")
    wrong = dana.post(url, {"matter": "dragons"}, headers={"X-Autosave": "1"})
    assert wrong.status_code == 422
    assert house.now(call).matter == "refill"


def test_a_message_left_on_a_tape_is_no_conversation(house: House, dana: Client) -> None:
    """The telephone says “answered” of a voicemail too: what was missed stays to be called back."""
    missed = house.rings()
    with inside(house.harbor):
        call_endings.nobody_answered(missed, 12)
        call = calls.dial(patient=house.vega, by=an_actor(house.dana))
        call_events.line_reported(call, "answered", None)
    url = f"/p/harbor-street/calls/{call.pk}/"
    assert "Message left" in dana.get(url).content.decode()
    assert dana.post(f"{url}about/", {"outcome": "left-message"}).status_code == 302
    with inside(house.harbor):
        calls.end_call(call=house.now(call), by=an_actor(house.dana))
        assert [task.kind for task in Task.objects.open()] == ["missed-call"]
        assert Conversation.objects.get(patient=None).state == "needs-action"  # the number is two patients'
        assert house.now(call).outcome == "left-message"
        again = calls.dial(patient=house.vega, by=an_actor(house.dana))
        call_events.line_reported(again, "answered", None)
        calls.end_call(call=house.now(again), by=an_actor(house.dana))
        assert not Task.objects.open().exists()
        assert Conversation.objects.get(patient=None).state == "done"


def test_how_a_call_that_came_ended_is_the_telephone_s_to_say(house: House, dana: Client) -> None:
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/"
    assert "How it ended" not in dana.get(url).content.decode()
    assert dana.post(f"{url}about/", {"outcome": "left-message"}).status_code == 422
    assert house.now(call).outcome == ""


def test_another_patient_is_found_and_chosen(house: House, dana: Client) -> None:
    park = a_patient(house.harbor, "Owen", "Park")
    from patients.registry import write_words

    with inside(house.harbor):
        write_words([park])
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/"
    assert "Owen Park" in dana.post(f"{url}search/", {"q": "owen park"}, headers=HTMX).content.decode()
    facts = dana.post(f"{url}patient/", {"patient": park.pk}, headers=HTMX).content.decode()
    assert "Owen Park" in facts
    assert "<html" not in facts
    assert house.now(call).patient == park
    dana.post(f"{url}patient/", {"patient": ""})
    assert house.now(call).patient is None


def test_a_call_is_handed_over_with_a_summary(house: House, dana: Client) -> None:
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/transfer/"
    assert "Jo Ruiz" in page(dana, url)
    assert dana.post(url, {"to": "", "summary": "x"}).status_code == 422
    answer = dana.post(url, {"to": house.jo.user.pk, "summary": "About a refill"}, headers=HTMX)
    assert json.loads(answer.headers["HX-Trigger"])["announce"] == "Jo has the call."
    kept = house.now(call)
    assert kept.handler == house.jo.user
    assert "About a refill" in kept.note
    assert "Jo Ruiz has this call." in page(dana, f"/p/harbor-street/calls/{call.pk}/")
    refused = dana.post(f"/p/harbor-street/calls/{call.pk}/end/", headers=HTMX)
    assert "with Jo" in json.loads(refused.headers["HX-Trigger"])["callRefused"]


def test_a_call_back_is_promised(house: House, dana: Client) -> None:
    call = house.answered()
    url = f"/p/harbor-street/calls/{call.pk}/keep-place/"
    page(dana, url)
    before = timezone.now()
    answer = dana.post(url, {"minutes": "30"}, headers=HTMX)
    assert json.loads(answer.headers["HX-Trigger"])["dialogClose"] is True
    with inside(house.harbor):
        task = Task.objects.get(kind="call-back")
    assert dt.timedelta(minutes=29) < task.due_at - before < dt.timedelta(minutes=31)


def test_a_call_is_logged_by_hand(house: House, dana: Client) -> None:
    url = "/p/harbor-street/calls/log/"
    assert dana.post(url, {"direction": "in", "number": "12"}).status_code == 422
    single = a_patient(house.harbor, "Owen", "Park", phone="+15035550142")
    address = dana.post(url, {"direction": "in", "number": "(503) 555-0142"}).url
    with inside(house.harbor):
        call = Call.objects.select_related("patient").get(by_hand=True)
        assert (call.patient, call.status) == (single, "live")
        assert not CallCommand.objects.exists()
    assert address == f"/p/harbor-street/calls/{call.pk}/"
    assert "logged by hand" in page(dana, address)


@pytest.mark.parametrize("named", ["patient", "contact", "thread", "call", "message"])
def test_a_press_on_call_needs_ids_alone(house: House, dana: Client, named: str) -> None:
    data: dict[str, Any] = {}
    with inside(house.harbor):
        if named in {"patient", "contact"}:
            data = {"patient": house.vega.pk}
        if named == "contact":
            data["contact"] = ContactPoint.objects.get(patient=house.vega).pk
        if named == "thread":
            data = {
                "thread": Conversation.objects.create(
                    practice=house.harbor, address="+15035550187", address_index="x"
                ).pk
            }
        if named == "message":
            data = {
                "staff_message": StaffMessage.objects.create(
                    practice=house.harbor, kind="other", recipient="on-call", body="Call her",
                    callback_number="+15035550187", once_key="m",
                ).pk
            }  # fmt: skip
    if named == "call":
        data = {"call": house.rings().pk}
    answer = dana.post("/p/harbor-street/calls/dial/", data)
    with inside(house.harbor):
        call = Call.objects.get(direction="out")
        assert (call.address, call.status, call.handler) == ("+15035550187", "queued", house.dana.user)
        assert [one.verb for one in CallCommand.objects.all()] == ["dial"]
    assert answer.url == f"/p/harbor-street/calls/{call.pk}/"


def test_dialling_without_a_desk_phone_is_logged(house: House, dana: Client) -> None:
    with inside(house.harbor):
        Membership.objects.filter(pk=house.dana.pk).update(desk_phone="")
    answer = dana.post("/p/harbor-street/calls/dial/", {"patient": house.vega.pk}, follow=True)
    assert "Dial on your own telephone" in answer.content.decode()
    with inside(house.harbor):
        assert Call.objects.get().by_hand


def test_another_practices_rows_cannot_be_dialled(house: House, dana: Client) -> None:
    stranger = a_patient(house.cedar, "Owen", "Park", phone="+15035550142")
    assert dana.post("/p/harbor-street/calls/dial/", {"patient": stranger.pk}).status_code == 404
    assert dana.post("/p/harbor-street/calls/dial/", {}).status_code == 404


@pytest.mark.parametrize("many", [2, 30])
def test_the_workspace_asks_as_often_for_two_as_for_thirty(
    house: House, dana: Client, many: int, django_assert_num_queries: Any
) -> None:
    for n in range(many - 2):
        a_patient(house.harbor, f"Pat{n}", "Ient", phone="+15035550187")
    call = house.answered()
    dana.post(f"/p/harbor-street/calls/{call.pk}/patient/", {"patient": house.vega.pk})
    url = f"/p/harbor-street/calls/{call.pk}/"
    page(dana, url)
    with django_assert_num_queries(29):
        page(dana, url)


# The half-done booking.


def book_url(call: Call) -> str:
    return f"/p/harbor-street/book/?call={call.pk}"


def test_a_half_done_booking_comes_back_and_goes_when_booked(house: House, dana: Client) -> None:
    osei = a_practitioner(house.harbor)
    kind = a_type(house.harbor, practitioners=[osei])
    call = house.answered("+15035550142")
    first = page(dana, book_url(call))
    assert 'value="(503) 555-0142"' in first
    key = f"call:{call.pk}:booking"
    assert f'data-draft-key="{key}"' in first
    with inside(house.harbor):
        start = timezone.now() + dt.timedelta(days=1)
        *_, time = free_times(appointment_type=kind, from_=start, until=start + dt.timedelta(days=2), limit=9)
    slot = f"{osei.pk}|{time.starts_at.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}"
    typed = {
        "call": call.pk, "asked_for": "", "name": "Ana Lima", "birth_date": "4/22/91",
        "mobile": "(503) 555-0142", "reason": "Cough", "visit_type": str(kind.pk), "slot": slot,
        "part": "any", "needs": ["interpreter", "step-free"],
    }  # fmt: skip
    kept = dana.post("/p/harbor-street/drafts/", typed | {"key": key})
    assert kept.status_code == 204
    # Another machine: a new session of the same person.
    back = page(signed_in(house.dana), book_url(call))
    for words in ("Ana Lima", "4/22/91", "Cough", f'value="{slot}" checked', "with Dr. Osei"):
        assert words in back
    assert back.count('name="needs"') >= 2
    assert 'value="interpreter" checked' in back
    assert "Ana Lima" not in page(signed_in(house.jo), book_url(call))
    booked = dana.post("/p/harbor-street/book/", typed, headers=HTMX)
    assert booked.status_code == 204, booked.content.decode()[:2000]
    with inside(house.harbor):
        assert not Draft.objects.exists()
        assert Call.objects.get(pk=call.pk).patient == Patient.objects.get(family="Lima")
    assert "Cough" not in page(dana, book_url(call))


def test_a_patient_chosen_since_then_takes_the_place(house: House, dana: Client) -> None:
    call = house.answered()
    with inside(house.harbor):
        fields = {"call": str(call.pk), "asked_for": "", "name": "Mari", "reason": "Cough"}
        drafts.keep(house.dana.user, f"call:{call.pk}:booking", fields)
    dana.post(f"/p/harbor-street/calls/{call.pk}/patient/", {"patient": house.vega.pk})
    back = page(dana, book_url(call))
    assert "Marisol Vega" in back
    assert "Cough" in back


def test_somebody_else_in_the_dialog_stays_somebody_else(house: House, dana: Client) -> None:
    call = house.answered()
    dana.post(f"/p/harbor-street/calls/{call.pk}/patient/", {"patient": house.vega.pk})
    with inside(house.harbor):
        fields = {"call": str(call.pk), "asked_for": str(house.vega.pk), "patient": "", "name": "Baby Vega"}
        drafts.keep(house.dana.user, f"call:{call.pk}:booking", fields)
    back = page(dana, f"{book_url(call)}&patient={house.vega.pk}")
    assert "Baby Vega" in back
    assert "Someone else" not in back


def test_a_call_of_another_practice_is_none(house: House, dana: Client) -> None:
    call = house.rings("+15035550142", house.cedar)
    assert "(503) 555-0142" not in page(dana, book_url(call)).replace('placeholder="(503) 555-0142"', "")


def test_every_permission_of_calls_is_everybodys() -> None:
    """The strip offers Answer to all who see it: the two permissions go together."""
    assert PERMISSIONS["call.view"] == PERMISSIONS["call.handle"]
