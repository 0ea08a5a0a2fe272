"""The people a practice looks after: records, contacts, consent, and what must be known first."""

import datetime as dt
from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone

from patients.names import fold
from practices.encryption import (
    EncryptedDateField,
    EncryptedJSONField,
    EncryptedTextField,
    blind_index,
)
from practices.models import Language, User
from practices.tenancy import PracticeForeignKey, PracticeOwned, scoped


class Sex(models.TextChoices):
    """FHIR R4 administrative-gender."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Not said"


class Channel(models.TextChoices):
    """How a patient likes to hear from the practice."""

    SMS = "sms", "Text"
    EMAIL = "email", "E-mail"
    CALL = "call", "Phone call"


class Need(models.TextChoices):
    """What a visit has to provide."""

    INTERPRETER = "interpreter", "Interpreter"
    STEP_FREE = "step-free", "Step-free room"
    WHEELCHAIR = "wheelchair", "Wheelchair"
    HEARING = "hearing", "Hard of hearing"
    SIGHT = "sight", "Low vision"
    CARER = "carer", "Carer comes along"
    LONGER = "longer", "Longer visit"
    TRANSPORT = "transport", "Arranged transport"


class WishKind(models.TextChoices):
    """What a patient's visits have to fit, where a word alone does not say it."""

    NOT_BEFORE = "not-before", "Not before"
    NOT_AFTER = "not-after", "Over by"
    INTERPRETER = "interpreter", "Interpreter for"
    LONGER = "longer", "Longer by"
    GENDER = "gender", "Clinician"
    CARER = "carer", "Carer can come"
    TRANSPORT = "transport", "Transport runs"


class PatientQuerySet(models.QuerySet["Patient"]):
    def living(self) -> "PatientQuerySet":
        return self.filter(deceased=False)

    def in_use(self) -> "PatientQuerySet":
        return self.filter(active=True)


class Patient(PracticeOwned):
    """A person in the care of one practice (FHIR R4 Patient).

    Names stay readable for search (docs/data-protection.md); birth date, address and notes are sealed.
    """

    given = models.CharField(max_length=200)
    family = models.CharField(max_length=200)
    preferred = models.CharField(max_length=200, blank=True)
    sort_name = models.CharField(max_length=410, editable=False)
    birth_date = EncryptedDateField(null=True, blank=True)
    birth_index = models.CharField(max_length=32, blank=True, editable=False)
    sex = models.CharField(max_length=10, choices=Sex.choices, default=Sex.UNKNOWN)
    pronouns = models.CharField(max_length=30, blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.ENGLISH)
    preferred_channel = models.CharField(max_length=5, choices=Channel.choices, default=Channel.SMS)
    needs = ArrayField(models.CharField(max_length=20, choices=Need.choices), default=list, blank=True)
    need_note = EncryptedTextField(blank=True, default="")
    know_first = EncryptedTextField(blank=True, default="")
    # Confidential communication as the patient asked for it (45 CFR 164.522(b)).
    no_voicemail = models.BooleanField(default=False)
    neutral_name = models.BooleanField(
        default=False, help_text="Messages name the practice in a way that does not tell what it treats."
    )
    privacy_note = EncryptedTextField(null=True, blank=True)
    address = EncryptedJSONField(null=True, blank=True)  # line, city, state, postal_code, country
    deceased = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[PatientQuerySet] = scoped(PatientQuerySet)

    class Meta:
        ordering = ("sort_name",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "sort_name"], name="patient_by_name"),
            models.Index(fields=["practice", "birth_index"], name="patient_by_birth_date"),
        ]

    def __str__(self) -> str:
        return f"Patient {self.pk}"  # no name: this string reaches logs

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.index()
        super().save(*args, **kwargs)

    def index(self) -> None:
        """Sets what is found by: `save` does it, a bulk insert must."""
        self.sort_name = fold(f"{self.family} {self.given}")[:410]
        self.birth_index = self.birth_index_for(self.practice_id, self.birth_date)

    @staticmethod
    def birth_index_for(practice_id: int, birth_date: dt.date | None) -> str:
        return blind_index(practice_id, "birth_date", birth_date.isoformat() if birth_date else "")

    @property
    def full_name(self) -> str:
        """What staff see and say."""
        return shown_name(self.given, self.family, self.preferred, private=False)

    @property
    def initials(self) -> str:
        return initials_of(self.given, self.family, self.preferred)

    def shown_name(self, *, private: bool) -> str:
        """The full name, or initials while the person's screen hides names."""
        return shown_name(self.given, self.family, self.preferred, private=private)

    def age_on(self, day: dt.date) -> int | None:
        if self.birth_date is None:
            return None
        born: dt.date = self.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def shown_name(given: str, family: str, preferred: str, *, private: bool) -> str:
    """`Patient.shown_name` of a row that was read as plain values."""
    if private:
        return " ".join(f"{letter}." for letter in initials_of(given, family, preferred))
    return f"{preferred or given} {family}".strip()


def initials_of(given: str, family: str, preferred: str) -> str:
    return f"{(preferred or given)[:1]}{family[:1]}".upper()


class PatientWish(PracticeOwned):
    """One thing with details that a patient's visits have to fit (`wishes.py` reads and writes them).

    `details` is sealed, as it says something of health: `weekdays` [1…7] (none: every day), `starts` and
    `ends` (HH:MM on the practice's clock), `minutes`, `language`, `gender`.
    """

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="wishes")
    kind = models.CharField(max_length=12, choices=WishKind.choices)
    details = EncryptedJSONField()
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar["models.QuerySet[PatientWish]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "patient wishes"
        ordering = ("made_at",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="wishes_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.patient_id}"


class PatientFlag(PracticeOwned):
    """Something to know first for a time, such as that a person is upset; never visible to the patient."""

    class Kind(models.TextChoices):
        UPSET = "upset", "Upset"
        PROMISE = "promise", "Was promised something"
        SAFETY = "safety", "Safety"
        OTHER = "other", "To know"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    words = EncryptedTextField()
    until = models.DateTimeField()
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    taken_down_at = models.DateTimeField(null=True)

    objects: ClassVar["models.QuerySet[PatientFlag]"] = scoped(models.QuerySet)

    class Meta:
        ordering = ("-made_at",)
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient", "until"], name="flags_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.patient_id}"


class RelatedPerson(PracticeOwned):
    """Somebody who may speak for a patient, and what she may be told (FHIR R4 RelatedPerson)."""

    class Relationship(models.TextChoices):
        PARENT = "parent", "Parent"
        GUARDIAN = "guardian", "Guardian"
        SPOUSE = "spouse", "Spouse or partner"
        CHILD = "child", "Adult child"
        CARER = "carer", "Carer"
        ATTORNEY = "attorney", "Power of attorney"
        OTHER = "other", "Somebody else"

    class May(models.TextChoices):
        """What she may be told or do."""

        APPOINTMENTS = "appointments", "Times of visits"
        BOOK = "book", "Book and cancel"
        BILLING = "billing", "Billing"
        RESULTS = "results", "Results"
        CLINICAL = "clinical", "Everything clinical"
        MESSAGES = "messages", "Take messages"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="related_people")
    name = EncryptedTextField()
    relationship = models.CharField(max_length=8, choices=Relationship.choices)
    phone = EncryptedTextField(blank=True, default="")  # E.164
    phone_index = models.CharField(max_length=32, blank=True, editable=False)
    may = ArrayField(models.CharField(max_length=12, choices=May.choices), default=list, blank=True)
    note = EncryptedTextField(blank=True, default="")
    since = models.DateTimeField(default=timezone.now)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)  # permission was taken back

    objects: ClassVar["models.QuerySet[RelatedPerson]"] = scoped(models.QuerySet)

    class Meta:
        verbose_name_plural = "related people"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="related_people_of_patient"),
            models.Index(fields=["practice", "phone_index"], name="related_people_by_phone"),
        ]

    def __str__(self) -> str:
        return f"{self.relationship} of {self.patient_id}"

    @classmethod
    def words_of(cls, may: Collection[str]) -> str:
        """Permissions as words in a sentence: “times of visits and billing”."""
        words = [cls.May(one).label.lower() for one in cls.May.values if one in may]
        return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))

    @property
    def told(self) -> str:
        """What she may be told, in words."""
        return self.words_of(self.may)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.phone_index = blind_index(self.practice_id, "phone", self.phone)
        super().save(*args, **kwargs)


class PatientWord(PracticeOwned):
    """A word of a patient's names, folded: found by equality and by range, which row security lets index."""

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="words")
    word = models.CharField(max_length=60, db_collation="C")

    objects: ClassVar["models.QuerySet[PatientWord]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "word", "patient"], name="patient_word_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="words_of_patient"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class MisspelledWord(PracticeOwned):
    """A word of the practice's names with one letter left out: two words that share one are a typo apart."""

    key = models.CharField(max_length=60, db_collation="C")
    word = models.CharField(max_length=60, db_collation="C")

    objects: ClassVar["models.QuerySet[MisspelledWord]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "key", "word"], name="misspelled_word_once"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Identifier(PracticeOwned):
    """A patient's number in another system, for imports that run twice. Never a social security number."""

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="identifiers")
    system = models.CharField(max_length=200)
    value = EncryptedTextField()
    value_index = models.CharField(max_length=32)

    objects: ClassVar["models.QuerySet[Identifier]"] = scoped(models.QuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "system", "value_index"], name="identifier_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient"], name="identifiers_of_patient"),
        ]

    def __str__(self) -> str:
        return f"{self.system} of {self.patient_id}"

    @staticmethod
    def index_for(practice_id: int, system: str, value: str) -> str:
        return blind_index(practice_id, f"identifier|{system}", value.strip())


class ContactPointQuerySet(models.QuerySet["ContactPoint"]):
    def phones(self) -> "ContactPointQuerySet":
        return self.filter(system=ContactPoint.System.PHONE)

    def emails(self) -> "ContactPointQuerySet":
        return self.filter(system=ContactPoint.System.EMAIL)


class ContactPoint(PracticeOwned):
    """A phone number (E.164) or e-mail address of a patient (FHIR R4 ContactPoint)."""

    class System(models.TextChoices):
        PHONE = "phone", "Phone"
        EMAIL = "email", "E-mail"

    class Use(models.TextChoices):
        MOBILE = "mobile", "Mobile"
        HOME = "home", "Home"
        WORK = "work", "Work"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="contact_points")
    system = models.CharField(max_length=5, choices=System.choices)
    use = models.CharField(max_length=6, choices=Use.choices, default=Use.MOBILE)
    rank = models.PositiveSmallIntegerField(default=1, help_text="1 is tried first.")
    value = EncryptedTextField()
    value_index = models.CharField(max_length=32, editable=False)
    last_four_index = models.CharField(max_length=32, blank=True, editable=False)
    unusable = models.CharField(
        max_length=60, blank=True, help_text="Why it cannot be used, as the supplier said."
    )

    objects: ClassVar[ContactPointQuerySet] = scoped(ContactPointQuerySet)

    class Meta:
        ordering = ("system", "rank")
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "patient", "value_index"], name="contact_point_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "value_index"], name="contact_point_by_value"),
            models.Index(fields=["practice", "last_four_index"], name="contact_point_by_last_four"),
        ]

    def __str__(self) -> str:
        return f"{self.system} of {self.patient_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.index()
        super().save(*args, **kwargs)

    def index(self) -> None:
        """Sets what is found by: `save` does it, a bulk insert must."""
        self.value_index = self.index_for(self.practice_id, self.system, self.value)
        self.last_four_index = (
            self.last_four_index_for(self.practice_id, self.value[-4:])
            if self.system == self.System.PHONE
            else ""
        )

    @staticmethod
    def index_for(practice_id: int, system: str, value: str) -> str:
        """The blind index of a normalised value: E.164, or an e-mail address in lower case."""
        return blind_index(practice_id, system, value.strip().lower())

    @staticmethod
    def last_four_index_for(practice_id: int, digits: str) -> str:
        return blind_index(practice_id, "phone_last_four", digits)

    @property
    def rings(self) -> bool:
        """A landline takes no texts, but it rings."""
        return self.system == self.System.PHONE and self.unusable in {"", "landline"}

    def takes(self, channel: str) -> bool:
        """Whether nothing is known against this number or address on a channel."""
        return self.rings if channel == Channel.CALL else not self.unusable

    @property
    def textable(self) -> bool:
        return self.system == self.System.PHONE and self.use == self.Use.MOBILE and not self.unusable


class ConsentQuerySet(models.QuerySet["Consent"]):
    def in_force(self) -> "ConsentQuerySet":
        """The row that counts: the last one per patient and channel."""
        return self.order_by("patient_id", "channel", "-given_at", "-id").distinct("patient_id", "channel")


class Consent(PracticeOwned):
    """That a patient agreed to texts or e-mail, or took it back: when and how. Rows are only added."""

    class How(models.TextChoices):
        PHONE = "phone", "On the phone"
        IN_PERSON = "in-person", "In person"
        PAPER = "paper", "On paper"
        TEXT = "text", "By text"
        IMPORT = "import", "From the earlier system"

    patient = PracticeForeignKey(Patient, models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=5, choices=Channel.choices)
    granted = models.BooleanField()
    given_at = models.DateTimeField(default=timezone.now)
    how = models.CharField(max_length=10, choices=How.choices)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects: ClassVar[ConsentQuerySet] = scoped(ConsentQuerySet)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["practice", "patient", "channel", "-given_at"], name="consent_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {'yes' if self.granted else 'no'} of {self.patient_id}"
