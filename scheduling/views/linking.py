"""Booking visits that belong together: proposals that fit all of them, booked whole or not at all."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from practices.access import DeskRequest, requires
from practices.audit import record_read
from scheduling.booking import BookingRefused
from scheduling.linked import book_together
from scheduling.linking import LinkingPage, linking_page, look, slots_of
from scheduling.refusals import DatesRefused
from scheduling.views.booking import CONFLICT, UNFINISHED, done


@requires("appointment.book")
@require_http_methods(["GET", "POST"])
def linked(request: DeskRequest) -> HttpResponse:
    """The dialog, filled from the address (`patient`); POST `find` proposes times, POST `save` books one."""
    data = request.POST if request.method == "POST" else request.GET
    page = linking_page(data, request.practice, private=request.user.privacy_mode)
    if "save" in data and request.method == "POST":
        return save(request, page)
    if "find" in data:
        look(page)
    return show(request, page)


def save(request: DeskRequest, page: LinkingPage) -> HttpResponse:
    """Books the proposal that was chosen, or shows the dialog with new ones and the reason."""
    slots = slots_of(request.POST.get("take", ""), page)
    if not page.complete or not slots:
        look(page)
        page.problem = page.problem or "Choose one of the proposals."
        return show(request, page, status=UNFINISHED)
    try:
        _, visits = book_together(
            parts=page.parts,
            slots=slots,
            shape=page.shape,
            tell_patient="tell_patient" in request.POST,
            by=request.actor,
        )
    except BookingRefused as refusal:
        look(page)
        page.problem = str(refusal)
        return show(request, page, status=CONFLICT if isinstance(refusal, DatesRefused) else UNFINISHED)
    return done(request, visits[0], f"{len(visits)} visits booked together.", *visits[1:])


def show(request: DeskRequest, page: LinkingPage, *, status: int = 200) -> HttpResponse:
    shown = [row.patient.pk for row in page.rows if row.patient is not None]
    shown += [match.patient.pk for row in page.rows for match, _, _ in row.matches]
    record_read(by=request.actor, patients=shown, screen="linked-visits")
    template = "scheduling/linked_dialog.html" if request.htmx else "scheduling/linked.html"
    tell = request.method == "GET" or "tell_patient" in request.POST
    return render(request, template, {"page": page, "tell": tell}, status=status)
