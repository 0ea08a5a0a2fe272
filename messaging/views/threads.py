"""The inbox and its conversations: the list, one thread, what is written in it and where it goes."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import conversations, drafts
from messaging.closing import close_conversation
from messaging.conversations import SomebodyWasFaster, conversation_with
from messaging.forms import LaterForm, OwnerChoice, VersionForm, WriteForm
from messaging.giving import NotHers, give_thread
from messaging.listing import PAGE, TABS, Wish, list_threads, name_of
from messaging.models import Conversation, Message
from messaging.thread_page import Clash, draft_key, page_of, standing
from messaging.writing import CannotWrite, send, words_for
from patients.models import Patient
from patients.records import head, hit
from patients.search import LONGEST_TEXT, find_patients
from practices import audit
from practices.access import DeskRequest, requires
from practices.models import Membership, Role

FOUND = 12


def composer(values: Mapping[str, Any]) -> WriteForm:
    """A composer with what was kept of it; a draft's once-key stays, so that it is sent once."""
    known = {name: values[name] for name in ("body", "channel", "language", "once") if values.get(name)}
    return WriteForm(initial=known)


def one(conversation_id: uuid.UUID) -> Conversation:
    rows = Conversation.objects.select_related("patient", "owner")
    found: Conversation = get_object_or_404(rows, pk=conversation_id)
    return found


def of_patient(patient_id: uuid.UUID) -> Conversation:
    """The thread with a patient, begun with the first look at it."""
    patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
    found = Conversation.objects.select_related("patient", "owner").filter(patient=patient).first()
    return found or one(conversation_with(patient=patient).pk)


def listed(request: DeskRequest) -> dict[str, Any]:
    """The list at the left, with the form of its filters."""
    wish = Wish.read(request.GET)
    found = list_threads(request.practice, request.user, wish)
    audit.record_read(by=request.actor, patients=found.patients, screen="inbox")
    tabs = [(name, label, found.counts.get(name), wish.query(tab=name, start=0)) for name, label in TABS]
    return {
        "listed": found,
        "wish": wish,
        "tabs": tabs,
        "query": wish.query(),
        "earlier": wish.query(start=max(0, wish.start - PAGE)) if wish.start else "",
        "later": wish.query(start=wish.start + PAGE) if found.more else "",
        "practice": request.practice,
    }


def filters(request: DeskRequest) -> dict[str, Any]:
    """Who may be chosen as owner in the filter of the list."""
    people = Membership.objects.active().select_related("user").order_by("user__given_name", "user__pk")
    return {"everybody": people, "roles": [(role.value, f"{role.label}s") for role in Role]}


@requires("inbox.view")
@require_GET
def inbox_page(request: DeskRequest) -> HttpResponse:
    if request.htmx and request.htmx.target == "inbox-list":
        return render(request, "messaging/inbox_list.html", listed(request) | {"open_id": opened(request)})
    context = listed(request) | filters(request)
    closed = closed_just_now(request)
    if closed is not None:
        context |= {"just_closed": closed, "closed_name": name_of(closed, private=request.user.privacy_mode)}
    return render(request, "messaging/inbox.html", context)


def opened(request: DeskRequest) -> uuid.UUID | None:
    """Which thread stands beside the list that refreshes itself."""
    try:
        return uuid.UUID(request.GET.get("open", ""))
    except ValueError:
        return None


def closed_just_now(request: DeskRequest) -> Conversation | None:
    try:
        closed = uuid.UUID(request.GET.get("closed", ""))
    except ValueError:
        return None
    return Conversation.objects.done().select_related("patient").filter(pk=closed).first()


@requires("inbox.view")
@require_GET
def thread(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    found = one(conversation_id)
    if "X-Live" not in request.headers:
        conversations.read(thread=found, user=request.user)
    return show(request, found)


def show(
    request: DeskRequest, thread: Conversation, status: int = 200, place: str = "", **more: Any
) -> HttpResponse:
    """The page of a conversation; a script gets the part that it asked for."""
    asked = place or request.GET.get("place") or request.POST.get("place")
    place = "record" if asked == "record" else "inbox"
    page = page_of(request, thread, composer, place=place, **more)
    context: dict[str, Any] = {"page": page, "thread": thread, "name": page.name, "open_id": thread.pk}
    context |= {"draft_url": reverse("drafts", args=[request.practice.slug]), "practice": request.practice}
    if request.htmx:
        part = "messaging/thread_now.html" if request.htmx.target == "thread-now" else None
        return render(request, part or "messaging/conversation.html", context, status=status)
    if place == "record" and thread.patient is not None:
        context |= head(thread.patient, request.admission, "messages")
        return render(request, "messaging/thread.html", context, status=status)
    context |= listed(request) | filters(request)
    return render(request, "messaging/inbox.html", context, status=status)


def back(request: DeskRequest, thread: Conversation, words: str, **heard: Any) -> HttpResponse:
    """After a change: the script hears what to refresh, a plain form sees the thread again."""
    if request.htmx:
        told = {"refresh": "inbox messages queue", "announce": words, **heard}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})
    return HttpResponseRedirect(address_of(request, thread), status=303)


def address_of(request: DeskRequest, thread: Conversation) -> str:
    wish = request.POST.get("next", "")
    if wish.startswith("/") and url_has_allowed_host_and_scheme(wish, allowed_hosts=None):
        return wish
    if request.POST.get("place") == "record" and thread.patient_id is not None:
        return reverse("patient-messages", args=[request.practice.slug, thread.patient_id])
    return reverse("thread", args=[request.practice.slug, thread.pk])


def too_late(request: DeskRequest, clash: SomebodyWasFaster, wanted: str, **more: Any) -> HttpResponse:
    """409: how the thread stands now, beside what this person wanted."""
    now = one(clash.now.pk)
    both = Clash(standing(now, request.practice), wanted)
    return show(request, now, 409, clash=both, **more)


# Writing.


@requires("message.send")
@require_POST
def write(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Sends what was typed as a text or e-mail, or shows it again with what is wrong."""
    found, form = one(conversation_id), WriteForm(request.POST)
    if not form.is_valid():
        return show(request, found, 422, form=form)
    try:
        message = sent(request, found, form)
    except SomebodyWasFaster as clash:
        return too_late(request, clash, f"Send: “{form.cleaned_data['body']}”", form=form)
    except CannotWrite as refusal:
        form.add_error("body", str(refusal))
        return show(request, found, 422, form=form)
    if message.reason:
        return show(request, found, 422, form=refused(request, message))
    drafts.let_go(request.user, draft_key(found))
    return after_writing(request, found, "On its way")


def sent(request: DeskRequest, thread: Conversation, form: WriteForm) -> Message:
    values = form.cleaned_data
    return send(
        thread=thread,
        channel=values["channel"],
        body=values["body"],
        language=values["language"] or (thread.patient.language if thread.patient else ""),
        key=form.key("write"),
        version=values["version"],
        by=request.actor,
    )


def refused(request: DeskRequest, message: Message) -> WriteForm:
    """The form again with what was typed, why it did not go, and the right to try once more."""
    again = request.POST.copy()
    again["once"] = str(uuid.uuid4())
    form = WriteForm(again)
    form.add_error("body", words_for(message.reason, message.channel))
    return form


@requires("inbox.change")
@require_POST
def write_note(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Leaves a note for colleagues; whatever else the form says, nothing is sent."""
    typed = request.POST.copy()
    typed["channel"] = "note"
    found, form = one(conversation_id), WriteForm(typed)
    if not form.is_valid():
        return show(request, found, 422, form=form)
    conversations.note(thread=found, body=form.cleaned_data["body"], key=form.key("note"), by=request.actor)
    drafts.let_go(request.user, draft_key(found))
    return after_writing(request, found, "Note left for the team")


def after_writing(request: DeskRequest, thread: Conversation, words: str) -> HttpResponse:
    """The conversation with an empty composer; without a script by way of its address."""
    conversations.read(thread=thread, user=request.user)
    if not request.htmx:
        return HttpResponseRedirect(address_of(request, thread), status=303)
    response = show(request, one(thread.pk))
    response["HX-Trigger"] = json.dumps({"refresh": "inbox queue", "announce": words})
    return response


@requires("message.send")
@require_POST
def insert(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Puts a saved reply into the composer, for browsers without scripts."""
    found = one(conversation_id)
    page = page_of(request, found, composer, form=WriteForm(request.POST))
    chosen = next((o for o in page.replies if str(o.reply.pk) == request.POST.get("insert")), None)
    if chosen is None:
        gone = Clash("This reply was taken away meanwhile. Choose another one.", "Choose a reply")
        return show(request, found, 422, form=composer(request.POST.dict()), clash=gone)
    typed = request.POST.copy()
    words = chosen.in_language(typed.get("language") or page.language)
    typed["body"] = f"{typed.get('body', '').rstrip()}\n{words}".strip()
    return show(request, found, form=composer(typed.dict()))


# Where it goes.


def change(
    request: DeskRequest,
    conversation_id: uuid.UUID,
    form: Any,
    verb: Callable[[Conversation, int | None], object],
    wanted: str,
    done: str,
) -> HttpResponse:
    """One change of a thread: the verb, or 409 and 422 with words."""
    found = one(conversation_id)
    try:
        if not form.is_valid():
            raise ValidationError([error for errors in form.errors.values() for error in errors])
        verb(found, form.cleaned_data["version"])
    except SomebodyWasFaster as clash:
        return too_late(request, clash, wanted)
    except (ValidationError, ValueError) as refusal:
        words = " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
        return show(request, found, 422, clash=Clash(words, wanted))
    return back(request, found, done)


@requires("inbox.change")
@require_POST
def assign(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    form = OwnerChoice(request.POST)

    def verb(found: Conversation, version: int | None) -> None:
        owner, role = form.chosen(request.user)
        conversations.assign(thread=found, owner=owner, role=role, version=version, by=request.actor)

    return change(request, conversation_id, form, verb, "Give it to somebody", "Handed on")


@requires("inbox.change")
@require_POST
def later(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    form = LaterForm(request.POST)

    def verb(found: Conversation, version: int | None) -> None:
        until = form.cleaned_data["until"]
        conversations.put_off(thread=found, until=until, version=version, by=request.actor)

    return change(request, conversation_id, form, verb, "Put it off", "Comes back later")


@requires("inbox.change")
@require_POST
def close(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Closes the thread and goes back to the list, where closing can be taken back."""
    form, found = VersionForm(request.POST), one(conversation_id)
    try:
        version = form.cleaned_data["version"] if form.is_valid() else 0
        close_conversation(thread=found, version=version, by=request.actor)
    except SomebodyWasFaster as clash:
        return too_late(request, clash, "Close it")
    if request.POST.get("place") == "record":
        return back(request, found, "Closed")
    target = f"{reverse('inbox', args=[request.practice.slug])}?closed={found.pk}"
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return HttpResponseRedirect(target, status=303)


@requires("inbox.change")
@require_POST
def reopen(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    found = one(conversation_id)
    conversations.reopen(thread=found, by=request.actor)
    return back(request, found, "Open again")


@requires("inbox.view")
@require_POST
def seen(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """The person looks at what has just come in."""
    conversations.read(thread=one(conversation_id), user=request.user)
    return HttpResponse(status=204)


@requires("message.send")
@require_POST
def give(request: DeskRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Says whose a stranger's thread is, and goes on to the patient's."""
    found = one(conversation_id)
    try:
        patient = get_object_or_404(Patient.objects.all(), pk=uuid.UUID(request.POST.get("patient", "")))
        given = give_thread(thread=found, patient=patient, by=request.actor)
    except NotHers as refusal:
        return show(request, found, 422, clash=Clash(str(refusal), "Give it to a patient"))
    except ValueError:
        raise Http404 from None
    return HttpResponseRedirect(reverse("thread", args=[request.practice.slug, given.pk]), status=303)


# Ways in.


@requires("message.view")
@require_GET
def patient_messages(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The Messages tab of a record: the same conversation, under the record's head."""
    return show(request, of_patient(patient_id), place="record")


@requires("inbox.view")
@require_GET
def patient_thread(request: DeskRequest, patient_id: uuid.UUID) -> HttpResponse:
    found = of_patient(patient_id)
    return HttpResponseRedirect(reverse("thread", args=[request.practice.slug, found.pk]), status=303)


@requires("message.send")
@require_http_methods(["GET", "POST"])
def new_message(request: DeskRequest) -> HttpResponse:
    """Finds the patient to write to. The text comes by POST: an address would end up in logs."""
    text = request.POST.get("q", "").strip()[:LONGEST_TEXT]
    matches = find_patients(text, limit=FOUND) if text else []
    audit.record_read(by=request.actor, patients=[match.patient.pk for match in matches], screen="search")
    private = request.user.privacy_mode
    context = {
        "text": text,
        "hits": [hit(match, request.practice, private=private) for match in matches],
    }
    return render(request, "messaging/new_message.html", context)
