"""What goes into the API of conversations and what comes out: bounded fields, words at each of them."""

from typing import Any

from rest_framework import serializers

from messaging.listing import PAGE, URGENCIES, name_of
from messaging.models import Conversation, Message
from messaging.thread import Entry
from patients.models import Channel
from practices.api_shapes import SomebodyShape
from practices.models import Language, Role

LONGEST = 4_000
MOST = 100
URGENCY_NAMES = list(URGENCIES)


class ThreadShape(serializers.Serializer[Any]):
    """A conversation with one patient, or with a number that is nobody's (`patient` is null)."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    patient = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    state = serializers.ChoiceField(Conversation.State.choices)
    urgency = serializers.ChoiceField(URGENCY_NAMES)
    channel = serializers.ChoiceField(Channel.choices)
    owner = SomebodyShape(allow_null=True)
    role = serializers.CharField(allow_blank=True)
    last_at = serializers.DateTimeField()
    last_line = serializers.CharField()
    last_kind = serializers.ChoiceField(Conversation.Line.choices)
    last_from_them = serializers.BooleanField()
    needs_since = serializers.DateTimeField(allow_null=True)
    later_until = serializers.DateTimeField(allow_null=True)


class ThreadPageShape(serializers.Serializer[Any]):
    threads = ThreadShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page.")


class EntryShape(serializers.Serializer[Any]):
    """One thing that happened: a message, a call or a team note; `side` is them, me, team or mid."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    side = serializers.CharField()
    at = serializers.DateTimeField()
    writer = serializers.CharField(allow_blank=True)
    title = serializers.CharField(allow_blank=True)
    body = serializers.CharField(allow_blank=True)
    fate = serializers.CharField(allow_blank=True)
    files = serializers.IntegerField()
    recordings = serializers.IntegerField()


class WholeThreadShape(ThreadShape):
    entries = EntryShape(many=True)
    more = serializers.BooleanField(help_text="Whether there are earlier entries.")


class MessageShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    thread = serializers.UUIDField()
    channel = serializers.ChoiceField(Channel.choices)
    language = serializers.ChoiceField(Language.choices)
    status = serializers.ChoiceField(Message.Status.choices)
    body = serializers.CharField()
    send_after = serializers.DateTimeField(allow_null=True)


class NoteShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    thread = serializers.UUIDField()
    body = serializers.CharField()
    created_at = serializers.DateTimeField()


class ThreadsAsked(serializers.Serializer[Any]):
    """Which threads: the tabs and filters of the inbox."""

    tab = serializers.ChoiceField(["todo", "mine", "waiting", "closed"], default="todo")
    channel = serializers.ChoiceField(Channel.choices, default="")
    owner = serializers.RegexField(r"^(me|nobody|role:[a-z]+|[0-9]{1,9})$", default="")
    urgency = serializers.ChoiceField(URGENCY_NAMES, default="")
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=PAGE)
    cursor = serializers.IntegerField(min_value=0, max_value=2_000, default=0)


class ThreadAsked(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=1_000, default=MOST)


class Writing(serializers.Serializer[Any]):
    """A text or e-mail to a patient; nothing else can be written to one."""

    channel = serializers.ChoiceField(
        ["sms", "email"], error_messages={"invalid_choice": "Send sms or email."}
    )
    body = serializers.CharField(max_length=LONGEST)
    language = serializers.ChoiceField(Language.choices, required=False)
    version = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class Noting(serializers.Serializer[Any]):
    body = serializers.CharField(max_length=LONGEST)


class Changing(serializers.Serializer[Any]):
    """What changes about a thread: its state, or its owner or role; `version` is the one that was read."""

    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    state = serializers.ChoiceField(["done", "needs-action"], required=False)
    owner = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**31 - 1)
    role = serializers.ChoiceField(Role.choices, required=False)
    later_until = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 2:
            raise serializers.ValidationError(
                {"state": "Send version and one of state, owner, role and later_until."}
            )
        return attrs


def thread_shape(thread: Conversation) -> dict[str, Any]:
    names: dict[int, str] = {int(number): name for name, number in URGENCIES.items()}
    owner = thread.owner
    return {
        "id": thread.pk,
        "version": thread.version,
        "patient": thread.patient_id,
        "name": name_of(thread, private=False),
        "state": thread.state,
        "urgency": names[thread.urgency],
        "channel": thread.channel,
        "owner": {"id": str(owner.pk), "name": str(owner)} if owner else None,
        "role": thread.owner_role,
        "last_at": thread.last_at,
        "last_line": thread.last_line,
        "last_kind": thread.last_kind,
        "last_from_them": thread.last_from_them,
        "needs_since": thread.needs_since,
        "later_until": thread.later_until,
    }


def entry_shape(entry: Entry) -> dict[str, Any]:
    plain = {name: getattr(entry, name) for name in ("kind", "side", "at", "writer", "title", "body", "fate")}
    return plain | {
        "id": entry.pk,
        "files": len(entry.attachments),
        "recordings": len(entry.recordings),
    }
