"""The names under which open pages hear of visits."""

from scheduling.models import Appointment


def columns_of(*visits: Appointment) -> list[str]:
    """`appointments:<day>:<clinician>`: the columns of boards in which these visits stand or stood."""
    return sorted({f"appointments:{visit.local_date}:{visit.practitioner_id}" for visit in visits})
