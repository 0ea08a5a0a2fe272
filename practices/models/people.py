"""People who sign in, and their place in a practice."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.constraints import BaseConstraint
from django.utils import timezone
from phonenumber_field.modelfields import PhoneNumberField

from practices.tenancy import PracticeOwned, scoped


class Role(models.TextChoices):
    RECEPTIONIST = "receptionist", "Receptionist"
    CLINICIAN = "clinician", "Clinician"
    MANAGER = "manager", "Manager"


class UserManager(BaseUserManager["User"]):
    """Makes people who sign in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; what she may do is in her memberships."""

    email = models.EmailField(unique=True)
    given_name = models.CharField(max_length=80, blank=True)
    family_name = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("platform support", default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    theme = models.CharField(
        max_length=6,
        default="auto",
        choices=[("auto", "As the device"), ("light", "Light"), ("dark", "Dark")],
    )
    density = models.CharField(
        max_length=8, default="cozy", choices=[("compact", "Compact"), ("cozy", "Cozy"), ("roomy", "Roomy")]
    )
    single_keys = models.BooleanField("single-letter shortcuts", default=True)
    privacy_mode = models.BooleanField("show initials instead of names", default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def short_name(self) -> str:
        return self.given_name or self.email.partition("@")[0]

    @property
    def initials(self) -> str:
        letters = self.given_name[:1] + self.family_name[:1]
        return (letters or self.email[:2]).upper()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> "MembershipQuerySet":
        return self.filter(active=True, user__is_active=True)

    def with_role(self, role: Role) -> "MembershipQuerySet":
        return self.filter(roles__contains=[role])


class Membership(PracticeOwned):
    """A person's place in a practice. Its own rows stay visible to the person across practices."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices))
    active = models.BooleanField(default=True)
    may_overbook = models.BooleanField(
        "May squeeze visits in",
        default=False,
        help_text="Beside others or outside hours, with a reason. Clinicians and managers may always.",
    )
    desk_phone = PhoneNumberField(blank=True, default="", help_text="Where calls she answers ring.")
    mobile = PhoneNumberField(blank=True, default="", help_text="Where urgent messages reach her by text.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[MembershipQuerySet] = scoped(MembershipQuerySet)

    class Meta:
        constraints: ClassVar[list[BaseConstraint]] = [
            models.UniqueConstraint(fields=["practice", "user"], name="one_membership_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({', '.join(self.roles)})"

    def has(self, role: str) -> bool:
        return role in self.roles
