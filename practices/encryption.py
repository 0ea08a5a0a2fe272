"""Encrypted fields and blind indexes (SECURITY.md F1, F2).

A value is sealed with AES-256-GCM. The header names the key; the associated data names table, column,
row and practice, so a ciphertext moved to another row, column or practice does not open. What must be
found again by equality has a blind index beside it: an HMAC under a key of its own per practice and column.
"""

import base64
import datetime as dt
import functools
import hashlib
import hmac
import json
import secrets
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute

FORMAT = b"\x01"
NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The key is unknown, or the value was not sealed for this row, column and practice."""


@functools.cache
def parse_keys(text: str) -> dict[str, AESGCM]:
    """The keys of `id:base64,id:base64`, first one current; raises ImproperlyConfigured."""
    keys: dict[str, AESGCM] = {}
    for part in text.split(","):
        key_id, _, encoded = part.strip().partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise ImproperlyConfigured("FIELD_KEYS holds a key that is not base64.") from error
        if not key_id or len(key_id) > 20 or len(raw) != 32:
            raise ImproperlyConfigured("FIELD_KEYS is a list of id:base64, each key of 32 bytes.")
        keys[key_id] = AESGCM(raw)
    return keys


def seal(plain: bytes, associated: bytes) -> bytes:
    """Format byte, length and id of the key, nonce, ciphertext with its tag."""
    key_id, key = next(iter(parse_keys(settings.FIELD_KEYS).items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    name = key_id.encode()
    return FORMAT + bytes([len(name)]) + name + nonce + key.encrypt(nonce, plain, associated)


def current_key_id() -> str:
    """The id of the key that seals now."""
    return next(iter(parse_keys(settings.FIELD_KEYS)))


def key_id_of(sealed: bytes) -> str:
    """The id of the key that sealed a value."""
    return sealed[2 : 2 + sealed[1]].decode()


def unseal(sealed: bytes, associated: bytes) -> bytes:
    """The opposite of `seal`; raises CannotDecrypt without saying anything of the content."""
    if sealed[:1] != FORMAT:
        raise CannotDecrypt("The value is not in a known format.")
    key_id = key_id_of(sealed)
    key = parse_keys(settings.FIELD_KEYS).get(key_id)
    if key is None:
        raise CannotDecrypt(f"The key {key_id} is not in FIELD_KEYS.")
    start = 2 + sealed[1]
    nonce, rest = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
    try:
        return key.decrypt(nonce, rest, associated)
    except InvalidTag as error:
        raise CannotDecrypt("The value was changed, or sealed for another row.") from error


class Sealed(bytes):
    """A ciphertext as it came from the database, opened when the attribute is first read."""


class SealedAttribute(DeferredAttribute):
    """Opens the value on first reading: only then row and practice are known."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = cast(EncryptedField, self.field).open(value, instance)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.Field):  # type: ignore[type-arg]
    """Base of the encrypted fields; it can be asked for NULL and for nothing else."""

    descriptor_class = SealedAttribute
    empty_strings_allowed = False

    def get_internal_type(self) -> str:
        return "BinaryField"

    def dump(self, value: Any) -> str:
        raise NotImplementedError

    def load(self, text: str) -> Any:
        raise NotImplementedError

    def associated(self, instance: models.Model) -> bytes:
        practice = getattr(instance, "practice_id", None)
        if instance.pk is None or practice is None:
            raise FieldError(f"{self.name} is sealed for its row: row key and practice come first.")
        return f"{instance._meta.db_table}|{self.column}|{instance.pk}|{practice}".encode()

    def open(self, value: bytes, instance: models.Model) -> Any:
        return self.load(unseal(bytes(value), self.associated(instance)).decode())

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if isinstance(value, Sealed):
            if key_id_of(value) == current_key_id():
                return value  # untouched since it was read: the same bytes go back
            value = self.open(value, model_instance)  # an older key's: this save is its rotation
        if value is None:
            return None
        return Sealed(seal(self.dump(value).encode(), self.associated(model_instance)))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None or isinstance(value, Sealed):
            return None if value is None else connection.Database.Binary(bytes(value))
        raise FieldError(f"{self.name} is encrypted: save the row, bulk updates cannot seal it.")

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else Sealed(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it cannot be looked up, use its blind index.")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        return ""


class EncryptedTextField(EncryptedField):
    """Text of any length."""

    def dump(self, value: Any) -> str:
        return str(value)

    def load(self, text: str) -> str:
        return text


class EncryptedDateField(EncryptedField):
    """A calendar date."""

    def dump(self, value: dt.date) -> str:
        if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
            raise FieldError(f"{self.name} takes a date.")
        return value.isoformat()

    def load(self, text: str) -> dt.date:
        return dt.date.fromisoformat(text)


class EncryptedJSONField(EncryptedField):
    """Anything JSON can hold."""

    def dump(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)

    def load(self, text: str) -> Any:
        return json.loads(text)


class EncryptedBytesField(EncryptedField):
    """Recordings and pictures, as they are; up to some 25 MB a row."""

    def dump(self, value: bytes) -> str:
        return base64.b64encode(value).decode()

    def load(self, text: str) -> bytes:
        return base64.b64decode(text)


@functools.lru_cache(maxsize=4096)
def _index_key(master: str, practice_id: int, column: str) -> bytes:
    return hmac.digest(base64.b64decode(master), f"{practice_id}|{column}".encode(), hashlib.sha256)


def blind_index(practice_id: int, column: str, value: str) -> str:
    """32 hex digits that stand for a normalised value; empty for an empty one."""
    if not value:
        return ""
    key = _index_key(settings.BLIND_INDEX_KEY, practice_id, column)
    return hmac.digest(key, value.encode(), hashlib.sha256)[:16].hex()
