"""The morning review and the wrap-up."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from frontdesk import brief as morning_brief
from frontdesk import reviews, wrapup
from frontdesk.day_shape import day_shape
from frontdesk.models import Finding, Handover, Review
from frontdesk.review_pages import (
    ReviewPage,
    findings_with_people,
    last_note,
    overnight_messages,
    phones_open,
    review_page,
)
from frontdesk.reviewed_day import evening_before
from frontdesk.views.answers import done_with, refused
from messaging.handling import HasItsOwnPage
from patients.contacts import show_phone
from patients.models import ContactPoint
from practices.access import DeskRequest, requires
from practices.audit import record_read
from practices.models import Membership, User
from practices.tenancy import current_practice
from scheduling.models import Appointment
from scheduling.refusals import BookingRefused
from scheduling.words import clock, short_when

PAGE_OF = {"morning": "morning", "evening": "wrap"}


def todays(kind: str) -> Review | None:
    return Review.objects.filter(kind=kind, local_date=current_practice().today()).first()


def finding_of(finding_id: uuid.UUID) -> Finding:
    rows = Finding.objects.select_related("review", "patient", "appointment__patient", "message")
    return get_object_or_404(rows, pk=finding_id)


def back(request: DeskRequest, finding: Finding, words: str) -> HttpResponse:
    return done_with(request, words, to=PAGE_OF[finding.review.kind], regions="reviews queue appointments")


@requires("review.view")
@require_GET
def morning(request: DeskRequest) -> HttpResponse:
    context = morning_context(request)
    fragment = request.htmx.target == "review"
    return render(request, "frontdesk/morning_body.html" if fragment else "frontdesk/morning.html", context)


def morning_context(request: DeskRequest) -> dict[str, Any]:
    practice, now = request.practice, timezone.now()
    review = todays("morning")
    visits = list(Appointment.objects.on(practice.today()).with_people().select_related("practitioner__user"))
    since = evening_before(practice, practice.today())
    overnight = overnight_messages(practice, since, request.user)
    page = page_of(review, request.user) if review else None
    shown = page.patients if page else set()
    card = note_card(request)
    if card:  # the note names them
        named = Finding.objects.filter(review=card["note"].review_id, patient__isnull=False)
        shown |= set(named.values_list("patient_id", flat=True))
    shown |= {message.patient_id for message, _, _ in overnight.rows if message.patient_id}
    record_read(by=request.actor, patients=shown, screen="morning")
    return {
        "page": page,
        "review": review,
        "visits": sum(visit.is_active for visit in visits),
        "day_words": morning_brief.day_words(practice.today()),
        "phones": phones_open(practice, now),
        "starts": clock(practice.morning_review_at),
        "shape": day_shape(practice, practice.today(), visits),
        "note": card,
        "overnight": overnight,
        "sent": ", ".join(filter(None, [brief_words(review, request), who_got_it(review, visits)])),
        "greeting": greeting(request),
    }


def page_of(review: Review, user: User) -> ReviewPage:
    """Looks again and shows what is there now."""
    return review_page(review, findings_with_people(reviews.recheck(review)), user)


def greeting(request: DeskRequest) -> str:
    hour = request.practice.now().hour
    part = "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"
    return f"Good {part}, {request.user.short_name}"


def brief_words(review: Review | None, request: DeskRequest) -> str:
    if review is None or review.finished_at is None:
        return ""
    who = "you" if review.finished_by_id == request.user.pk else str(review.finished_by)
    return f"Sent by {who}, {clock(review.finished_at.astimezone(request.practice.zone))}"


def who_got_it(review: Review | None, visits: list[Appointment]) -> str:
    """To Dr. Osei; not to Dr. Vale, who has no sign-in."""
    if review is None or review.finished_at is None:
        return ""
    got = morning_brief.reached_by(review)
    people = {visit.practitioner.pk: visit.practitioner for visit in visits if visit.is_active}.values()
    names = [person.short_name for person in people if person.user_id in got]
    missing = [
        f"{person.short_name} ({'it did not arrive' if person.user_id else 'no sign-in'})"
        for person in people
        if person.user_id not in got
    ]
    told = f"to {', '.join(names) or 'nobody'}"
    return f"{told}; not to {', '.join(missing)}" if missing else told


def note_card(request: DeskRequest) -> dict[str, Any] | None:
    note = last_note(request.practice, request.practice.today())
    if note is None or note.sent_at is None:
        return None
    return {"note": note, "when": short_when(note.sent_at, request.practice), "by": note.sent_by}


@requires("review.change")
@require_POST
def start(request: DeskRequest, kind: str) -> HttpResponse:
    if kind not in PAGE_OF:
        raise Http404
    reviews.start_review(kind=kind, date=request.practice.today(), by=request.actor)
    return redirect(PAGE_OF[kind], request.practice.slug)


@requires("review.change")
@require_POST
def settle(request: DeskRequest, finding_id: uuid.UUID) -> HttpResponse:
    finding = finding_of(finding_id)
    reviews.settle(finding=finding, how=reviews.AS_IT_IS, by=request.actor)
    return back(request, finding, "Settled: right as it is.")


@requires("review.change")
@require_POST
def text(request: DeskRequest, finding_id: uuid.UUID) -> HttpResponse:
    finding = finding_of(finding_id)
    if not reviews.text_now(findings=[finding], by=request.actor):
        return refused(
            request, "This patient cannot be texted. Call instead.", to=PAGE_OF[finding.review.kind]
        )
    return back(request, finding, "Reminder on its way.")


@requires("review.change")
@require_POST
def text_all(request: DeskRequest, kind: str) -> HttpResponse:
    review = todays(kind)
    open_rows = Finding.objects.filter(
        review=review, check_name__in=["unconfirmed", "tomorrow"], settled_at=None
    ).select_related("review")
    going = reviews.text_now(findings=open_rows, by=request.actor)
    words = f"{going} reminder{'' if going == 1 else 's'} on the way."
    return done_with(request, words, to=PAGE_OF[kind], regions="reviews queue")


@requires("review.change")
def call(request: DeskRequest, finding_id: uuid.UUID) -> HttpResponse:
    finding = finding_of(finding_id)
    if finding.appointment is None:
        raise Http404
    if request.method == "POST":
        return called(request, finding)
    record_read(by=request.actor, patients=[finding.appointment.patient_id], screen="call")
    phones = ContactPoint.objects.phones().filter(patient=finding.appointment.patient_id).order_by("rank")
    context = {
        "finding": finding,
        "name": finding.appointment.patient.shown_name(private=request.user.privacy_mode),
        "when": short_when(finding.appointment.starts_at, request.practice),
        "phones": [(point, show_phone(str(point.value))) for point in phones],
    }
    return render(request, "frontdesk/call.html", context)


def called(request: DeskRequest, finding: Finding) -> HttpResponse:
    reached = request.POST.get("outcome") == "reached"
    try:
        reviews.called(finding=finding, reached=reached, by=request.actor)
    except BookingRefused as refusal:
        return refused(request, str(refusal), to=PAGE_OF[finding.review.kind])
    return back(request, finding, "Confirmed by phone." if reached else "Noted: left a message.")


@requires("review.change")
@require_POST
def brief(request: DeskRequest) -> HttpResponse:
    review = todays("morning")
    if review is None:
        raise Http404
    count = len(morning_brief.send_brief(review=review, by=request.actor))
    words = f"Brief sent to {count} clinician{'' if count == 1 else 's'}."
    return done_with(request, words, to="morning", regions="reviews")


@requires("review.change")
@require_POST
def read(request: DeskRequest, handover_id: uuid.UUID) -> HttpResponse:
    note = get_object_or_404(Handover.objects.filter(sent_at__isnull=False), pk=handover_id)
    wrapup.read_note(note=note, by=request.actor)
    return done_with(request, "Marked as read.", to="morning", regions="reviews")


@requires("review.view")
@require_GET
def wrap(request: DeskRequest) -> HttpResponse:
    context = wrap_context(request)
    parts = {"review": "frontdesk/wrap_body.html", "handover": "frontdesk/wrap_note.html"}
    return render(request, parts.get(request.htmx.target or "", "frontdesk/wrap.html"), context)


def wrap_context(request: DeskRequest, problem: str = "", typed: str | None = None) -> dict[str, Any]:
    practice, review = request.practice, todays("evening")
    page = page_of(review, request.user) if review else None
    note = wrapup.current_note(review, wrapup.remaining(review)) if review else None
    if page:
        record_read(by=request.actor, patients=page.patients, screen="wrap")
    return {
        "page": page,
        "review": review,
        "note": note,
        "text": typed if typed is not None else note.text if note else "",
        "problem": problem,
        "loose": sum(section.loose for section in page.sections) if page else 0,
        "day_words": morning_brief.day_words(practice.today()),
        "starts": clock(practice.evening_review_at),
        "sent": brief_words(review, request),
    }


def members() -> list[User]:
    rows = Membership.objects.active().select_related("user").order_by("user__given_name", "user__email")
    return [membership.user for membership in rows]


@requires("review.change")
@require_POST
def stage(request: DeskRequest, finding_id: uuid.UUID) -> HttpResponse:
    finding = finding_of(finding_id)
    wanted = request.POST.get("stage", "")
    if wanted not in {"done", "noshow", "arrived"}:
        raise Http404
    try:
        reviews.close_visit(finding=finding, stage=wanted, by=request.actor)
    except BookingRefused as refusal:
        return refused(request, str(refusal), to="wrap")
    return back(request, finding, "Visit closed.")


@requires("review.change")
@require_POST
def done(request: DeskRequest, finding_id: uuid.UUID) -> HttpResponse:
    finding = finding_of(finding_id)
    if finding.check_name != "tasks":
        raise Http404
    try:
        wrapup.finish_task(finding=finding, outcome="done", by=request.actor)
    except HasItsOwnPage as refusal:
        return refused(request, str(refusal), to="wrap")
    return back(request, finding, "Task done.")


@requires("review.change")
def owner(request: DeskRequest, finding_id: uuid.UUID) -> HttpResponse:
    finding = finding_of(finding_id)
    if finding.review.kind != Review.Kind.EVENING:
        raise Http404
    return handed(request, [finding])


@requires("review.change")
def owners(request: DeskRequest, check: str) -> HttpResponse:
    rows = Finding.objects.filter(review=todays("evening"), check_name=check, settled_at=None, owner=None)
    found = list(rows.select_related("patient", "message"))
    pressing = wrapup.pressing_keys(found)  # these are nobody's by the dozen: a person looks at each
    return handed(request, [finding for finding in found if finding.pk not in pressing])


def handed(request: DeskRequest, findings: list[Finding]) -> HttpResponse:
    """Gives the rows to the chosen person with the chosen time, or asks for the one that is missing."""
    pressing = bool(wrapup.pressing_keys(findings))
    people, times = members(), wrapup.terms(request.practice, timezone.now(), pressing=pressing)
    person = next((user for user in people if str(user.pk) == request.POST.get("person")), None)
    term = next((term for term in times if term.value == request.POST.get("term")), None)
    if request.method == "POST" and person and term:
        wrapup.hand_over(findings=findings, owner=person, due_at=term.moment, by=request.actor)
        return done_with(request, f"{person.short_name} has it.", to="wrap", regions="reviews queue")
    context = {
        "count": len(findings),
        "pressing": pressing,
        "members": people,
        "terms": times,
        "person": request.POST.get("person") or str(request.user.pk),
        "term": request.POST.get("term") or times[0].value,
        "problem": "Choose a person and a time." if request.method == "POST" else "",
    }
    return render(request, "frontdesk/hand_over.html", context, status=422 if context["problem"] else 200)


@requires("review.change")
@require_POST
def note(request: DeskRequest) -> HttpResponse:
    review = todays("evening")
    if review is None:
        raise Http404
    try:
        wrapup.save_note(review=review, text=request.POST.get("text", ""), by=request.actor)
    except wrapup.AlreadyClosed as refusal:
        return refused(request, str(refusal), to="wrap")
    return done_with(request, "", to="wrap", regions="", saved=True)


@requires("review.change")
@require_POST
def close(request: DeskRequest) -> HttpResponse:
    review = todays("evening")
    if review is None:
        raise Http404
    typed = request.POST.get("text", "")
    try:
        wrapup.close_day(review=review, text=typed, by=request.actor)
    except (wrapup.NotEverythingOwned, wrapup.AlreadyClosed) as refusal:
        context = wrap_context(request, problem=str(refusal), typed=typed)
        return render(request, "frontdesk/wrap.html", context, status=422)
    return done_with(request, "The day is closed.", to="wrap", regions="reviews queue")
