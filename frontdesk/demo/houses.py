"""The three practices of the demo: where they are, who works there, and which visits they offer."""

import datetime as dt
from dataclasses import dataclass, field

from practices.audit import Actor
from practices.models import Location, Membership, OfficeHours, Practice, Role, Room, User
from practices.tenancy import inside
from scheduling.models import AppointmentType, AppointmentTypeOffer, Practitioner, ReminderRule, WeeklyHours

PASSWORD = "front-desk-demo"  # noqa: S105 - printed by ./dev demo; the command refuses elsewhere
DAY_LONG = ((dt.time(8), dt.time(12)), (dt.time(13), dt.time(17)))
LATE_LUNCH = ((dt.time(8), dt.time(12, 30)), (dt.time(13, 15), dt.time(17)))
SHORT_LUNCH = ((dt.time(8), dt.time(12)), (dt.time(12, 45), dt.time(17)))


@dataclass(frozen=True)
class Clinician:
    """Somebody who sees patients; `offers` are places in the practice's list of visits."""

    name: str
    short_name: str
    initials: str
    room: str
    offers: tuple[int, ...]
    gender: str = ""
    languages: str = ""
    hours: tuple[tuple[dt.time, dt.time], ...] = DAY_LONG
    step_free: bool = True


@dataclass(frozen=True)
class Kind:
    """A type of visit."""

    name: str
    minutes: int
    new: bool = False
    video: bool = False


@dataclass(frozen=True)
class House:
    """All that is known of a practice before its first patient."""

    slug: str
    name: str
    display_name: str
    colour: int
    zone: str
    line: str
    street: str
    city: str
    state: str
    postal_code: str
    area_codes: tuple[str, ...]
    share: float  # of the patients
    kinds: tuple[Kind, ...]
    clinicians: tuple[Clinician, ...]
    children: bool = False
    directions: str = ""
    reasons: tuple[str, ...] = field(default=(), repr=False)


FAMILY_KINDS = (
    Kind("New patient", 45, new=True),
    Kind("Follow-up", 30),
    Kind("Sick visit", 15),
    Kind("Physical", 45),
    Kind("Vaccine", 15),
    Kind("Video visit", 20, video=True),
)
HARBOR = House(
    slug="harbor-street",
    name="Harbor Street Family Medicine",
    display_name="Harbor Street",
    colour=0,
    zone="America/New_York",
    line="+15035550100",
    street="410 Harbor Street",
    city="Portland",
    state="ME",
    postal_code="04101",
    area_codes=("503", "207", "603", "978", "617", "401"),
    share=0.45,
    kinds=FAMILY_KINDS,
    directions="Second floor; the lift is behind the pharmacy. Parking in the yard, first hour free.",
    clinicians=(
        Clinician("Dr. Amara Osei", "Dr. Osei", "AO", "Room 2", (0, 1, 1, 2, 3, 5), "female", "en"),
        Clinician(
            "Dr. Helga Lindqvist", "Dr. Lindqvist", "HL", "Room 4", (0, 1, 1, 3, 5), "female", "en, sv"
        ),
        Clinician(
            "Priya Raman, NP", "Priya Raman, NP", "PR", "Room 1", (1, 2, 2, 5), "female", "en", LATE_LUNCH
        ),
        Clinician(
            "Dr. Sofia Marchetti", "Dr. Marchetti", "SM", "Room 5", (0, 1, 1, 2, 3), "female", "en, es"
        ),
        Clinician("Nurse and lab", "Nurse and lab", "NL", "Room 6", (2, 4, 4), "", "en, es", SHORT_LUNCH),
    ),
)
CEDAR = House(
    slug="cedar-park",
    name="Cedar Park Pediatrics",
    display_name="Cedar Park",
    colour=3,
    zone="America/Chicago",
    line="+13125550100",
    street="77 Cedar Avenue",
    city="Oak Park",
    state="IL",
    postal_code="60302",
    area_codes=("312", "773", "708", "847"),
    share=0.3,
    children=True,
    kinds=(
        Kind("First visit", 45, new=True),
        Kind("Well child", 30),
        Kind("Sick visit", 15),
        Kind("Vaccine", 15),
        Kind("Video visit", 20, video=True),
    ),
    directions="The door with the bear. Prams can be left inside.",
    clinicians=(
        Clinician("Dr. Naomi Feld", "Dr. Feld", "NF", "Bear room", (0, 1, 1, 2, 4), "female", "en"),
        Clinician("Dr. Tomás Ibarra", "Dr. Ibarra", "TI", "Fox room", (0, 1, 1, 2), "male", "en, es"),
        Clinician("Nurse Okonkwo", "Nurse Okonkwo", "NO", "Owl room", (2, 3, 3), "female", "en", SHORT_LUNCH),
    ),
)
NORTHSIDE = House(
    slug="northside-dental",
    name="Northside Dental",
    display_name="Northside Dental",
    colour=5,
    zone="America/Los_Angeles",
    line="+12065550100",
    street="2200 Aurora Way",
    city="Seattle",
    state="WA",
    postal_code="98103",
    area_codes=("206", "360", "253", "425"),
    share=0.25,
    kinds=(
        Kind("First visit", 60, new=True),
        Kind("Check-up", 30),
        Kind("Cleaning", 45),
        Kind("Filling", 60),
        Kind("Urgent", 20),
    ),
    directions="Ground floor, bell at the blue door.",
    clinicians=(
        Clinician("Dr. Ruth Abelson", "Dr. Abelson", "RA", "Chair 1", (0, 1, 1, 3, 4), "female", "en"),
        Clinician("Dr. Kenji Mori", "Dr. Mori", "KM", "Chair 2", (1, 3, 3, 4), "male", "en, ja"),
        Clinician("Hygiene", "Hygiene", "HY", "Chair 3", (2, 2, 1), "", "en, es", LATE_LUNCH, False),
    ),
)
HOUSES = (HARBOR, CEDAR, NORTHSIDE)

# E-mail, given and family name, roles per practice.
PEOPLE = (
    ("dana@frontdesk.example", "Dana", "Ruiz", {house.slug: Role.RECEPTIONIST for house in HOUSES}),
    ("jo@frontdesk.example", "Jo", "Lind", {house.slug: Role.RECEPTIONIST for house in HOUSES}),
    ("osei@frontdesk.example", "Amara", "Osei", {HARBOR.slug: Role.CLINICIAN}),
    ("mira@frontdesk.example", "Mira", "Patel", {HARBOR.slug: Role.MANAGER}),
    ("feld@frontdesk.example", "Naomi", "Feld", {CEDAR.slug: Role.CLINICIAN}),
    ("mori@frontdesk.example", "Kenji", "Mori", {NORTHSIDE.slug: Role.CLINICIAN}),
)


SIGN_IN = {"AO": "osei", "NF": "feld", "KM": "mori"}  # clinicians who sign in


def hire() -> dict[str, User]:
    """The people who sign in, by the part of their address before the @."""
    users = {}
    for email, given, family, _ in PEOPLE:
        found = User.objects.filter(email=email).first()
        users[email.partition("@")[0]] = found or User.objects.create_user(
            email, PASSWORD, given_name=given, family_name=family
        )
    return users


def open_house(house: House, users: dict[str, User]) -> Practice:
    """The practice with its rooms, people, visits and hours; as it is when it exists already."""
    found = Practice.objects.filter(slug=house.slug).first()
    if found is not None:
        return found
    practice = Practice.objects.create(
        slug=house.slug,
        name=house.name,
        display_name=house.display_name,
        colour=house.colour,
        time_zone=house.zone,
        line_number=house.line,
        email_sender=f"desk@{house.slug}.example",
        street=house.street,
        city=house.city,
        state=house.state,
        postal_code=house.postal_code,
        directions=house.directions,
    )
    with inside(practice):
        for user in users.values():
            roles = next(roles for email, _, _, roles in PEOPLE if email == user.email)
            if house.slug in roles:
                lead = user.email.startswith("dana@")  # the one of the two who squeezes visits in
                Membership.objects.create(
                    practice=practice, user=user, roles=[roles[house.slug]], may_overbook=lead
                )
        _furnish(house, practice, users)
    return practice


def _furnish(house: House, practice: Practice, users: dict[str, User]) -> None:
    """Rooms, clinicians with their hours, types with who offers them, rules, and the hours of the phones."""
    ReminderRule.objects.create(practice=practice, days_before=2, at=dt.time(10))
    place = Location.objects.create(
        practice=practice, name=house.display_name, street=house.street, city=house.city, state=house.state
    )
    kinds = [
        AppointmentType.objects.create(
            practice=practice,
            name=kind.name,
            minutes=kind.minutes,
            for_new_patients=kind.new,
            video=kind.video,
            position=number,
        )
        for number, kind in enumerate(house.kinds)
    ]
    for position, clinician in enumerate(house.clinicians):
        user = users.get(SIGN_IN.get(clinician.initials, ""))
        _employ(clinician, place, position, kinds, user)
    OfficeHours.objects.bulk_create(
        OfficeHours(practice=practice, weekday=day, opens=dt.time(8), closes=dt.time(17, 30))
        for day in range(1, 8)
    )


def _employ(
    clinician: Clinician, place: Location, position: int, kinds: list[AppointmentType], user: User | None
) -> None:
    """A clinician with a room, what she offers, and hours on all seven days.

    Whenever somebody opens the demo, the board has a day to show.
    """
    practice = place.practice
    practitioner = Practitioner.objects.create(
        practice=practice,
        name=clinician.name,
        short_name=clinician.short_name,
        initials=clinician.initials,
        gender=clinician.gender,
        languages=clinician.languages,
        user=user,
        room=Room.objects.create(
            practice=practice, location=place, name=clinician.room, step_free=clinician.step_free
        ),
        location=place,
        position=position,
    )
    AppointmentTypeOffer.objects.bulk_create(
        AppointmentTypeOffer(practice=practice, appointment_type=kinds[n], practitioner=practitioner)
        for n in sorted(set(clinician.offers))
    )
    WeeklyHours.objects.bulk_create(
        WeeklyHours(practice=practice, practitioner=practitioner, weekday=day, starts=a, ends=b)
        for day in range(1, 8)
        for a, b in clinician.hours
    )


def desk_actor(practice: Practice, user: User) -> Actor:
    """Dana at her desk; the practice's scope is open."""
    return Actor("staff", "page", user, Membership.objects.get(user=user))
