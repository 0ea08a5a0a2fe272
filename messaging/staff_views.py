"""Messages for the staff: the lists, one message with its log, and what people do with them."""

import json
import uuid
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from messaging import drafts, staff_messages, staff_page
from messaging.models import Call, StaffMessage
from messaging.routing import House, for_whom, goes_to, route_for
from messaging.staff_forms import AnsweredForm, GoesToForm, PassOnForm, StaffMessageForm, ToWhom
from messaging.staff_messages import AlreadyDone, MessageRefused, NotReadBack
from patients.contacts import show_phone
from patients.models import Patient
from patients.search import find_patients
from practices import audit
from practices.access import DeskRequest, requires

HITS = 6
FRAGMENTS = {"rows": "messaging/team_rows.html", "mine": "messaging/team_mine.html"}
URGENCY_WORDS = {0: "urgent, at once", 1: "today", 2: "with the next digest"}


@require_GET
@requires("staff-message.view")
def team(request: DeskRequest) -> HttpResponse:
    """The messages of a tab; `fragment=mine` is the short list of the clinician's day."""
    house = House.now()
    tab = request.GET.get("tab", "mine")
    tab = tab if tab in dict(staff_page.TABS) else "mine"
    rows = staff_page.list_rows(tab, request.admission.membership, request.practice, house)
    people = [row.message.patient_id for row in rows if row.message.patient_id]
    audit.record_read(by=request.actor, patients=people, screen="team-messages")
    number = staff_page.counts(request.admission.membership)
    tabs = [(key, words, number.get(key)) for key, words in staff_page.TABS]
    context = {"rows": rows, "tab": tab, "tabs": tabs, "dial": dials(request)}
    return render(request, FRAGMENTS.get(request.GET.get("fragment", ""), "messaging/team.html"), context)


def dials(request: DeskRequest) -> bool:
    """Whether the desk can place calls itself; without it the number is a link of the device."""
    try:
        reverse("call-dial", args=[request.practice.slug])
    except NoReverseMatch:
        return False
    return request.admission.may("call.handle")


def the_message(staff_message_id: uuid.UUID) -> StaffMessage:
    message: StaffMessage | None = staff_page.with_log(staff_message_id).first()
    if message is None:
        raise Http404
    return message


@require_GET
@requires("staff-message.view")
def message(request: DeskRequest, staff_message_id: uuid.UUID) -> HttpResponse:
    return shown(request, the_message(staff_message_id))


def shown(request: DeskRequest, row: StaffMessage, status: int = 200, **more: Any) -> HttpResponse:
    """One message: its words, its log, and what may be done with it."""
    house = House.now()
    now = request.practice.now()
    if row.patient_id is not None:
        audit.record_read(by=request.actor, patients=[row.patient_id], screen="team-message")
    context = {
        "row": staff_page.row_of(row, request.practice, house, request.user, now),
        "log": staff_page.log_of(row, request.practice),
        "read_back": row.read_back and row.callback_number,
        "form": AnsweredForm(),
        "dial": dials(request),
        **more,
    }
    part = "team_log" if request.GET.get("fragment") == "log" else "team_message"
    return render(request, f"messaging/{part}.html", context, status=status)


def back(request: DeskRequest, words: str, where: str) -> HttpResponse:
    """After a change: the script hears what to refresh, a plain form goes on to a page."""
    if request.htmx:
        heard = {"refresh": "staff-messages queue", "announce": words, "dialogClose": True}
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(heard)})
    return redirect(where)


def address(request: DeskRequest, row: StaffMessage) -> str:
    return reverse("staff-message", args=[request.practice.slug, row.pk])


@require_POST
@requires("staff-message.view")
def accept(request: DeskRequest, staff_message_id: uuid.UUID) -> HttpResponse:
    row = staff_messages.acknowledge(message=the_message(staff_message_id), by=request.actor)
    who = row.acknowledged_by
    hers = who is None or who.pk == request.user.pk
    return back(request, "It is yours" if hers else f"{who} has it already", address(request, row))


@require_POST
@requires("staff-message.view")
def done(request: DeskRequest, staff_message_id: uuid.UUID) -> HttpResponse:
    row = the_message(staff_message_id)
    form = AnsweredForm(request.POST)
    try:
        if form.is_valid():
            staff_messages.finish(message=row, outcome=form.cleaned_data["outcome"], by=request.actor)
            return redirect("staff-message", request.practice.slug, row.pk)
    except MessageRefused as refused:
        form.add_error("outcome", str(refused))
    except AlreadyDone as late:
        return shown(request, the_message(staff_message_id), 409, problem=str(late))
    return shown(request, row, 422, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("staff-message.view")
def pass_on(request: DeskRequest, staff_message_id: uuid.UUID) -> HttpResponse:
    """Hands a message to somebody else."""
    row = the_message(staff_message_id)
    form = PassOnForm(request.POST or None, house=House.now())
    if request.method == "POST" and form.is_valid():
        to: ToWhom = form.cleaned_data["to_whom"]
        try:
            staff_messages.hand_over(
                message=row, recipient=to.recipient, to_user=to.to_user, to_role=to.to_role, by=request.actor
            )
            return back(request, "Handed over", address(request, row))
        except (AlreadyDone, MessageRefused) as refused:
            form.add_error("to_whom", str(refused))
    context = {"form": form, "row": row, "title": f"{row.get_kind_display()}"}
    return render(request, "messaging/team_pass_on.html", context, status=422 if form.errors else 200)


@require_GET
@requires("staff-message.send")
def where_it_goes(request: DeskRequest) -> HttpResponse:
    """The line under the list of recipients, while the form is filled in."""
    form = GoesToForm(request.GET, house=House.now())
    return render(request, "messaging/staff_goes_to.html", {"goes": words_of(form)})


def words_of(form: GoesToForm) -> str:
    """“Goes to the clinicians: Ama and Ben.”, with what the practice has set for the kind."""
    if not form.is_valid():
        return "Choose for whom it is."
    to: ToWhom = form.cleaned_data["to_whom"]
    route = route_for(form.cleaned_data["kind"] or "other")
    usual = f" Usually {URGENCY_WORDS[route.urgency]}."
    if to.recipient:
        return goes_to(to.recipient, to.to_user, to.to_role, form.house) + usual
    return goes_to(route.recipient, route.to_user, route.to_role, form.house) + usual


@require_http_methods(["GET", "HEAD", "POST"])
@requires("staff-message.send")
def new(request: DeskRequest) -> HttpResponse:
    """Takes a message; one that must be read back shows the sentence first."""
    house = House.now()
    if request.method != "POST":
        form = StaffMessageForm(initial=start(request), practice=request.practice, house=house)
        return form_page(request, form)
    form = StaffMessageForm(request.POST, practice=request.practice, house=house)
    if "find" in request.POST and request.POST.get("step") == "find":
        form = StaffMessageForm(initial=as_typed(request.POST), practice=request.practice, house=house)
        return form_page(request, form, hits=hits(request, request.POST["find"]))
    if not form.is_valid():
        return form_page(request, form, status=422)
    try:
        row = save(request, form)
    except NotReadBack as back_first:
        return form_page(request, form, sentence=back_first.sentence)
    except MessageRefused as refused:
        where = "promised_at" if refused.field == "promised_by" else refused.field
        form.add_error(where if where in form.fields else None, str(refused))
        return form_page(request, form, status=422)
    drafts.let_go(request.user, draft_key(form))
    words = f"Message for {for_whom(row)} saved"
    return back(request, words, reverse("team", args=[request.practice.slug]) + "?tab=open")


def save(request: DeskRequest, form: StaffMessageForm) -> StaffMessage:
    """Saves what was typed; the read-back counts for the very sentence that was shown."""
    data = form.cleaned_data
    to: ToWhom = data["to_whom"]
    fields = {name: data[name] for name in ("kind", "body", "patient", "call", "callback_number", "urgency")}
    fields |= {"recipient": to.recipient, "to_user": to.to_user, "to_role": to.to_role}
    fields |= {"promised_by": data["promised_by"], "once_key": f"page:{data['once']}", "by": request.actor}
    said = request.POST.get("read_back", "") == "yes" and request.POST.get("sentence", "")
    if said:
        try:
            return staff_messages.take_message(**fields)
        except NotReadBack as again:
            if again.sentence != said.replace("\r\n", "\n"):
                raise
            return staff_messages.take_message(**fields, read_back=True)
    return staff_messages.take_message(**fields)


def as_typed(sent: QueryDict) -> dict[str, str]:
    """What stands in the form, to be drawn again without judging it."""
    return {name: str(value) for name, value in sent.items() if name not in {"find", "step", "sentence"}}


def start(request: DeskRequest) -> dict[str, Any]:
    """What the form begins with: the draft, or what the call and the patient say."""
    call = one(Call, request.GET.get("call", ""))
    patient = one(Patient, request.GET.get("patient", "")) or (call.patient if call else None)
    initial: dict[str, Any] = {"kind": "clinical" if not call else kind_of(call), "once": uuid.uuid4()}
    initial |= {"urgency": "", "call": call.pk if call else None, "patient": patient.pk if patient else None}
    if call is not None and call.address:
        initial["callback_number"] = show_phone(str(call.address))
    key = f"call:{call.pk}:message" if call else "staff-message:new"
    kept = drafts.kept(request.user, key) or {}
    return initial | {name: value for name, value in kept.items() if value and name != "once"}


def kind_of(call: Call) -> str:
    """The kind that fits what the call was said to be about."""
    return call.matter if call.matter in StaffMessage.Kind.values else "clinical"


def one(model: Any, text: str) -> Any:
    """The row of an id in the address; nothing for anything else."""
    try:
        return model.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        return None


def draft_key(form: StaffMessageForm) -> str:
    call = form["call"].value()
    return f"call:{call}:message" if call else "staff-message:new"


def hits(request: DeskRequest, text: str) -> list[tuple[str, str]]:
    """The patients a name finds, as id and words."""
    found = find_patients(text, limit=HITS) if text.strip() else []
    audit.record_read(by=request.actor, patients=[match.patient.pk for match in found], screen="search")
    return [(str(match.patient.pk), name_of(request, match.patient)) for match in found]


def name_of(request: DeskRequest, patient: Patient) -> str:
    return patient.shown_name(private=request.user.privacy_mode)


def form_page(request: DeskRequest, form: StaffMessageForm, status: int = 200, **more: Any) -> HttpResponse:
    """The form with what is chosen, where it goes, and perhaps the sentence to read back."""
    chosen = one(Patient, str(form["patient"].value() or ""))
    if chosen is not None:
        audit.record_read(by=request.actor, patients=[chosen.pk], screen="staff-message")
    asked = GoesToForm(
        {"kind": form["kind"].value() or "other", "to_whom": form["to_whom"].value() or ""}, house=form.house
    )
    context = {
        "form": form,
        "chosen": chosen,
        "chosen_name": name_of(request, chosen) if chosen else "",
        "goes": words_of(asked),
        "draft_key": draft_key(form),
        **more,
    }
    return render(request, "messaging/staff_message_new.html", context, status=status)
