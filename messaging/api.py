"""Conversations for programs: the same verbs as the inbox, refusals as problem details."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from messaging import api_shapes as shapes
from messaging import conversations
from messaging.closing import close_conversation
from messaging.conversations import SomebodyWasFaster, conversation_with
from messaging.listing import Wish, threads
from messaging.models import Conversation, Message
from messaging.templates import PLAIN, segments
from messaging.thread import read_thread
from messaging.wording_rules import MOST_TEXTS
from messaging.writing import CannotWrite, send, words_for
from patients.models import Patient
from practices import audit
from practices.api_shapes import ProblemShape
from practices.apidoors import GatedAPIView
from practices.idempotency import HEADER, answer_once
from practices.models import User
from practices.problems import Problem

REFUSALS = dict.fromkeys((400, 404, 409, 422), ProblemShape)
ONCE = OpenApiParameter(
    HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description="The same key and body: the same answer."
)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what the inbox refuses into problem details: 409 for what changed meanwhile, 422 for the rest."""
    try:
        yield
    except SomebodyWasFaster as clash:
        current = shapes.ThreadShape(shapes.thread_shape(with_people(clash.now.pk))).data
        raise Problem(
            409, "The conversation was changed", "Read it again, then try.", current=current
        ) from None
    except CannotWrite as refusal:
        raise Problem(422, "This cannot be sent", str(refusal)) from None
    except ValueError as refusal:
        raise Problem(422, "The conversation does not allow this", str(refusal)) from None


def with_people(conversation_id: uuid.UUID) -> Conversation:
    rows = Conversation.objects.select_related("patient", "owner")
    found: Conversation = get_object_or_404(rows, pk=conversation_id)
    return found


class ThreadView(GatedAPIView):
    """What the doors of the inbox share."""

    def read(self, serializer: Any) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values

    def seen(self, *found: Conversation) -> None:
        patients = [thread.patient_id for thread in found if thread.patient_id]
        audit.record_read(by=self.actor, patients=patients, screen="inbox")

    def shown(self, thread: Conversation) -> Response:
        self.seen(thread)
        return Response(shapes.ThreadShape(shapes.thread_shape(thread)).data)


class Threads(ThreadView):
    permissions = {"get": "inbox.view"}

    @extend_schema(
        operation_id="list_threads",
        parameters=[shapes.ThreadsAsked],
        responses={200: shapes.ThreadPageShape, 400: ProblemShape},
    )
    def get(self, request: Request) -> Response:
        """The conversations of the inbox, emergencies first, then what was said last."""
        asked = self.read(shapes.ThreadsAsked(data=request.query_params))
        start, limit = asked.pop("cursor"), asked.pop("limit")
        user = self.admission.membership.user
        found = list(threads(user, Wish(**asked), timezone.now())[start : start + limit + 1])
        self.seen(*found[:limit])
        body = {
            "threads": [shapes.thread_shape(thread) for thread in found[:limit]],
            "next": str(start + limit) if len(found) > limit else None,
        }
        return Response(shapes.ThreadPageShape(body).data)


class OneThread(ThreadView):
    permissions = {"get": "inbox.view", "patch": "inbox.change"}

    @extend_schema(
        operation_id="get_thread",
        parameters=[shapes.ThreadAsked],
        responses={200: shapes.WholeThreadShape, 404: ProblemShape},
    )
    def get(self, request: Request, conversation_id: uuid.UUID) -> Response:
        """One conversation with its latest messages, calls and notes, oldest first."""
        asked = self.read(shapes.ThreadAsked(data=request.query_params))
        thread = with_people(conversation_id)
        self.seen(thread)
        read = read_thread(thread, self.admission.practice, most=asked["limit"])
        entries = [shapes.entry_shape(entry) for entry in read.entries]
        body = shapes.thread_shape(thread) | {"entries": entries, "more": read.more}
        return Response(shapes.WholeThreadShape(body).data)

    @extend_schema(
        operation_id="change_thread",
        request=shapes.Changing,
        responses={200: shapes.ThreadShape, **REFUSALS},
    )
    def patch(self, request: Request, conversation_id: uuid.UUID) -> Response:
        """Closes or reopens a conversation, gives it to a person, a role or nobody, or puts it off."""
        asked = self.read(shapes.Changing(data=request.data))
        thread = with_people(conversation_id)
        with refusals():
            self._change(thread, asked)
        return self.shown(with_people(thread.pk))

    def _change(self, thread: Conversation, asked: dict[str, Any]) -> None:
        known = {"version": asked["version"], "by": self.actor}
        if asked.get("state") == "done":
            close_conversation(thread=thread, **known)
        elif asked.get("state"):
            conversations.locked(thread, asked["version"])
            conversations.reopen(thread=thread, by=self.actor)
        elif "later_until" in asked:
            if asked["later_until"] <= timezone.now():
                raise ValueError("This time has passed.")
            conversations.put_off(thread=thread, until=asked["later_until"], **known)
        else:
            owner = asked.get("owner")
            person = User.objects.filter(pk=owner).first() if owner else None
            if owner and person is None:
                raise ValueError("This person does not work here.")
            conversations.assign(thread=thread, owner=person, role=asked.get("role", ""), **known)


class ThreadNotes(ThreadView):
    permissions = {"post": "inbox.change"}

    @extend_schema(
        operation_id="leave_note",
        parameters=[ONCE],
        request=shapes.Noting,
        responses={201: shapes.NoteShape, **REFUSALS},
    )
    def post(self, request: Request, conversation_id: uuid.UUID) -> Response:
        """Leaves a note for colleagues; it is never sent."""
        return answer_once(self, lambda: self._note(conversation_id))

    def _note(self, conversation_id: uuid.UUID) -> Response:
        asked = self.read(shapes.Noting(data=self.request.data))
        thread = with_people(conversation_id)
        note = conversations.note(thread=thread, body=asked["body"], key=f"api:{uuid.uuid4()}", by=self.actor)
        body = {"id": note.pk, "thread": thread.pk, "body": note.body, "created_at": note.created_at}
        return Response(shapes.NoteShape(body).data, status=201)


class PatientMessages(ThreadView):
    permissions = {"post": "message.send"}

    @extend_schema(
        operation_id="write_to_patient",
        parameters=[ONCE],
        request=shapes.Writing,
        responses={201: shapes.MessageShape, **REFUSALS},
    )
    def post(self, request: Request, patient_id: uuid.UUID) -> Response:
        """Sends a text or e-mail in the patient's conversation; 422 says why it may not go."""
        return answer_once(self, lambda: self._write(patient_id))

    def _write(self, patient_id: uuid.UUID) -> Response:
        asked = self.read(shapes.Writing(data=self.request.data))
        patient = get_object_or_404(Patient.objects.all(), pk=patient_id)
        if asked["channel"] == "sms" and segments(asked["body"].translate(PLAIN)) > MOST_TEXTS:
            raise Problem(422, "This cannot be sent", f"More than {MOST_TEXTS} texts long.")
        thread = conversation_with(patient=patient)
        language = asked.get("language", patient.language)
        with refusals():
            message = send(
                thread=thread,
                channel=asked["channel"],
                body=asked["body"],
                language=language,
                key=f"api:{uuid.uuid4()}",
                version=asked.get("version"),
                by=self.actor,
            )
        if message.reason:
            raise Problem(422, "This cannot be sent", words_for(message.reason, message.channel))
        return self._sent(thread, message)

    def _sent(self, thread: Conversation, message: Message) -> Response:
        self.seen(thread)
        names = ("channel", "language", "status", "body", "send_after")
        body = {name: getattr(message, name) for name in names} | {"id": message.pk, "thread": thread.pk}
        return Response(shapes.MessageShape(body).data, status=201)
