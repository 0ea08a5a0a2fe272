"""When a number may be disturbed: 8:00 to 21:00 where it is, within the practice's own waking hours.

Where a number is follows from its area code (SECURITY.md D11). A number of the practice's own area code is
where the practice is; one of an area code that spans zones may be in any of them; of one that says nothing
(toll-free, unknown) only the practice's hours count.
"""

import datetime as dt
import functools
import zoneinfo

import phonenumbers
from phonenumbers import timezone as area_codes

from practices.models import Practice

AWAKE_FROM, AWAKE_UNTIL = dt.time(8), dt.time(21)  # 47 CFR 64.1200(c)(1), in the called party's time
QUARTER = dt.timedelta(minutes=15)
MOST_ZONES = 4  # a code with more of them is no place: toll-free numbers list the continent
SEARCHED = 4 * 48  # quarters of an hour: two days


@functools.lru_cache(maxsize=50_000)
def zones_of(number: str) -> tuple[zoneinfo.ZoneInfo, ...]:
    """The time zones in which an E.164 number may be; none when its area code does not tell."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ()
    names = area_codes.time_zones_for_number(parsed)
    if not 0 < len(names) <= MOST_ZONES or names[0] == area_codes.UNKNOWN_TIMEZONE:
        return ()
    return tuple(zoneinfo.ZoneInfo(name) for name in names)


def foreign_zones(practice: Practice, number: str) -> tuple[zoneinfo.ZoneInfo, ...]:
    """The zones besides the practice's own that count for a number, or for an e-mail address: none."""
    line = str(practice.line_number)
    if not number.startswith("+") or (line.startswith("+1") and number[:5] == line[:5]):
        return ()
    return tuple(zone for zone in zones_of(number) if zone.key != practice.zone.key)


def is_quiet(practice: Practice, number: str, moment: dt.datetime) -> bool:
    """Whether nothing may leave to this number at this instant."""
    if practice.quiet_from == practice.quiet_until:
        return False  # a practice without quiet hours, as the suite has them
    return practice.is_quiet(moment) or _asleep(foreign_zones(practice, number), moment)


def after_quiet(practice: Practice, number: str, moment: dt.datetime) -> dt.datetime:
    """The same instant, or the first at which practice and patient are both awake.

    Where their waking hours never meet the patient's count alone.
    """
    if not is_quiet(practice, number, moment):
        return moment
    zones = foreign_zones(practice, number)
    if not zones:
        return practice.after_quiet(moment)
    for ask_practice in (True, False):
        at = moment
        for _ in range(SEARCHED):
            # Waking hours begin on a quarter of an hour, in any zone there is.
            at = _next_quarter(at)
            if not _asleep(zones, at) and not (ask_practice and practice.is_quiet(at)):
                return at
    return practice.after_quiet(moment)


def before_quiet(practice: Practice, number: str, moment: dt.datetime, lead: dt.timedelta) -> dt.datetime:
    """`lead` before the quiet hours that this instant falls into; the instant itself when it is awake."""
    if not is_quiet(practice, number, moment):
        return moment
    at = moment.replace(second=0, microsecond=0)
    at -= dt.timedelta(minutes=at.minute % 15)
    for _ in range(SEARCHED):
        at -= QUARTER
        if not is_quiet(practice, number, at) and not is_quiet(practice, number, at - lead):
            return at + QUARTER - lead
    return moment


def _next_quarter(moment: dt.datetime) -> dt.datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole + QUARTER - dt.timedelta(minutes=whole.minute % 15)


def _asleep(zones: tuple[zoneinfo.ZoneInfo, ...], moment: dt.datetime) -> bool:
    return any(not AWAKE_FROM <= moment.astimezone(zone).time() < AWAKE_UNTIL for zone in zones)
