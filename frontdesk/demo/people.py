"""Invented patients: the cast that the board shows first, then as many others as are wanted."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from frontdesk.demo import names
from frontdesk.demo.houses import CEDAR, HARBOR, House
from patients.models import Consent, Patient
from patients.names import fold
from patients.registry import ConsentGiven, ContactGiven, prepare, write
from practices.audit import Actor

MARISOL_PHONE = "+15035550187"
MOTHERS_PHONE = "+13125550177"
CHILDREN = ("Mateo", "Sofía")
BIRTHS = (dt.date(2019, 5, 2), dt.date(2021, 9, 17))
BATCH = 200
# The people of Harbor Street's day, first to be given a visit today.
CAST = """
Walter Kimura, Denise Albright, Ivan Marsh, Luis Ortega, Hannah Weiss, Gloria Mbeki, Peter Sandoval,
Irene Castell, Noah Brandt, Samuel Greene, Tara Oyelaran, Bernard Cho, Joan Petrov, Dale Whitman,
Kyle Rennick, Fatima Al-Sayed, Robert Nakamura, Mei Tanaka, Oscar Lind, Patricia Dunne, George Abbot,
Nadia Rahman, Carl Jensen, Ella Moreno, Jonah Price, Anita Kapoor, Ray Donnelly, Grace Lim, Sam Whitlock,
Victor Salas, Beth Carver, Owen Park, Lucille Tran, Henry Voss, Dora Klein, Aaron Fields, Lena Novak,
Mila Jansen, Theo Jansen, Ava Collins, Isaac Brown, Zoe Martin, Milo Fischer, Ines Duarte, Leo Abara,
Nora Quinn, Cora Blake, Felix Amadi, Judy Ness, Omar Haddad, Kim Sato, Wendy Lau, Arthur Boyd, Nell Okafor,
Sue Marlow, Igor Pavlov, Jade Ellis, Max Ruben, Pilar Soto, Hugo Stern, Ruth Adeyemi, Alan Pruitt,
Tom Hargrove
"""


@dataclass
class Person:
    """A patient before registration."""

    given: str
    family: str
    birth_date: dt.date
    sex: str
    language: str = "en"
    preferred_channel: str = "sms"
    preferred: str = ""
    needs: list[str] = field(default_factory=list)
    know_first: str = ""
    address: dict[str, str] | None = None
    phones: list[ContactGiven] = field(default_factory=list)
    emails: list[ContactGiven] = field(default_factory=list)
    consents: list[ConsentGiven] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        hidden = {"phones", "emails", "consents"}
        return {name: value for name, value in vars(self).items() if name not in hidden}


def invent(house: House, count: int, rng: random.Random, today: dt.date) -> list[Person]:
    """`count` people of a practice; the same ones for the same seed, apart from the ages of children."""
    numbers = phone_numbers(house, rng)
    named = [one.strip().split(" ", 1) for one in CAST.replace("\n", " ").split(",")]
    cast = [(given, family) for given, family in named] if house is HARBOR else []
    people = [marisol()] if house is HARBOR else ramos() if house is CEDAR else []
    taken = {("Marisol", "Vega"), *cast}
    while len(people) < count:
        before = people[-1] if people else None
        if cast:
            given, family = cast.pop(0)
            person = _person(house, given, family, rng, today)
            shares = False
        else:
            shares = before is not None and bool(before.phones) and rng.random() < 0.12
            person = _stranger(house, rng, today, before.family if before and shares else "", taken)
        _reach(person, rng, numbers, before if shares else None)
        people.append(person)
    return people


def marisol() -> Person:
    """The patient of the guided tour, who can always be texted."""
    return Person(
        given="Marisol",
        family="Vega",
        birth_date=dt.date(1986, 3, 14),
        sex="female",
        address={"line": "12 Ferry Road", "city": "Portland", "state": "ME", "postal_code": "04102"},
        phones=[ContactGiven(MARISOL_PHONE)],
        emails=[ContactGiven("marisol.vega@mail.example")],
        consents=[
            ConsentGiven("sms", True, Consent.How.PAPER),
            ConsentGiven("email", True, Consent.How.PAPER),
        ],
    )


def ramos() -> list[Person]:
    """Two children whose mother answers for both, on one number."""
    return [
        Person(
            given=given,
            family="Ramos",
            birth_date=born,
            sex=sex,
            address={"line": "9 Elm Court", "city": "Oak Park", "state": "IL", "postal_code": "60302"},
            phones=[ContactGiven(MOTHERS_PHONE)],
            consents=[ConsentGiven("sms", True, Consent.How.PAPER)],
        )
        for given, born, sex in zip(CHILDREN, BIRTHS, ("male", "female"), strict=True)
    ]


def phone_numbers(house: House, rng: random.Random) -> Iterator[str]:
    """Numbers of the ranges kept for fiction, shuffled; those in use by a line or in a story left out."""
    numbers = [f"+1{area}55501{last:02d}" for area in house.area_codes for last in range(1, 100)]
    numbers = [number for number in numbers if number not in {house.line, MARISOL_PHONE, MOTHERS_PHONE}]
    rng.shuffle(numbers)
    while True:  # beyond their number, households share
        yield from numbers


def _stranger(
    house: House, rng: random.Random, today: dt.date, family: str, taken: set[tuple[str, str]]
) -> Person:
    while True:
        given = rng.choice(names.WOMEN if rng.random() < 0.55 else names.MEN)
        surname = family or rng.choice(names.FAMILIES)
        if not family and rng.random() < 0.06:
            surname = f"{surname}-{rng.choice(names.FAMILIES)}"
        if (given, surname) not in taken or rng.random() < 0.1:
            taken.add((given, surname))
            return _person(house, given, surname, rng, today)


def _person(house: House, given: str, family: str, rng: random.Random, today: dt.date) -> Person:
    """Age, language, needs and notes for a name."""
    spanish = family.endswith(names.SPANISH_ENDINGS) and rng.random() < 0.5
    age = rng.randint(120, 6200) if house.children else int(rng.triangular(18 * 365, 94 * 365, 52 * 365))
    person = Person(
        given=given,
        family=family,
        birth_date=today - dt.timedelta(days=age),
        sex="female" if given in names.WOMEN else "male",
        language="es" if spanish else "en",
    )
    if rng.random() < 0.06:
        person.preferred = given[:3] if len(given) > 4 else ""
    if spanish and rng.random() < 0.4:
        person.needs.append("interpreter")
    for need, chance in (("step-free", 0.05), ("hearing", 0.03), ("sight", 0.01), ("longer", 0.02)):
        if rng.random() < chance:
            person.needs.append(need)
    if rng.random() < 0.05:
        person.know_first = rng.choice(names.KNOW_FIRST)
    line = f"{rng.randint(1, 240)} {rng.choice(names.STREETS)}"
    person.address = {
        "line": line,
        "city": house.city,
        "state": house.state,
        "postal_code": house.postal_code,
    }
    return person


def _reach(person: Person, rng: random.Random, numbers: Iterator[str], family: Person | None) -> None:
    """How the practice may reach the person: most by text, some not at all."""
    luck = rng.random()
    how = rng.choice([Consent.How.PAPER, Consent.How.IN_PERSON, Consent.How.PHONE])
    address = f"{fold(person.given)}.{fold(person.family)}".replace(" ", "-") + "@mail.example"
    if family is not None:
        person.phones = list(family.phones)
        person.consents = [ConsentGiven("sms", True, how)]
        return
    if luck < 0.03:  # nobody wrote down anything
        return
    if luck < 0.09:
        person.emails, person.preferred_channel = [ContactGiven(address)], "email"
        person.consents = [ConsentGiven("email", True, how)]
        return
    use = "home" if luck < 0.15 else "mobile"
    person.phones = [ContactGiven(next(numbers), use)]
    if use == "home":
        person.preferred_channel = "call"
        return
    if luck < 0.9:
        person.consents = [ConsentGiven("sms", True, how)]
    elif luck < 0.95:
        person.consents = [ConsentGiven("sms", False, how)]
    if rng.random() < 0.4:
        person.emails = [ContactGiven(address)]
        person.consents.append(ConsentGiven("email", True, how))


def register(people: list[Person], by: Actor) -> list[Patient]:
    """Registers people in the practice whose scope is open, many at once as an import does."""
    patients: list[Patient] = []
    for start in range(0, len(people), BATCH):
        batch = [
            prepare(one.row(), phones=one.phones, emails=one.emails, consents=one.consents, by=by)
            for one in people[start : start + BATCH]
        ]
        write(batch, by=by)
        patients += [new.patient for new in batch]
    return patients
