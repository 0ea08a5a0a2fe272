"""Another room for a visit that stays where it is: the first that is free and that its needs allow."""

from patients.models import Need
from practices.audit import Actor
from practices.models import Room
from scheduling.editing import edit_appointment
from scheduling.models import Appointment, BusySlot
from scheduling.refusals import BookingRefused
from scheduling.slots import span_of

STEP_FREE = {Need.STEP_FREE, Need.WHEELCHAIR}


def change_room(*, appointment: Appointment, version: int, by: Actor) -> Appointment:
    """Gives a visit a free room; raises BookingRefused where there is none, and what editing raises."""
    chosen = free_room(appointment)
    if chosen is None:
        raise BookingRefused("No other room is free at that time. Move the visit instead.")
    return edit_appointment(appointment=appointment, version=version, values={"room": str(chosen.pk)}, by=by)


def free_room(visit: Appointment) -> Room | None:
    """The first free room of the place where the visit is, without steps where that is needed."""
    here = visit.room or visit.practitioner.room
    place = here.location_id if here else visit.practitioner.location_id
    needs = STEP_FREE & set(visit.all_needs)
    fit = [
        one
        for one in Room.objects.select_related("location")
        if one.pk != visit.room_id
        and (place is None or one.location_id == place)
        and (not needs or (one.step_free and one.location.step_free))
    ]
    rows = BusySlot.objects.standing().between(*span_of(visit)).filter(resource_id__in=[r.pk for r in fit])
    taken = set(rows.exclude(party=visit.session or visit.pk).values_list("resource_id", flat=True))
    return next((one for one in fit if one.pk not in taken), None)
