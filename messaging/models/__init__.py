"""Everything said between a practice, its patients and its own people, and the work it leaves."""

from messaging.models.broadcasts import Broadcast, BroadcastRecipient, LineState
from messaging.models.calls import (
    Call,
    CallCommand,
    CallQuerySet,
    IdentityCheck,
    Recording,
)
from messaging.models.messages import Message, MessageQuerySet, Suppression, WebhookReceipt
from messaging.models.staff import (
    Complaint,
    ComplaintEntry,
    DeskRules,
    EscalationStep,
    OnCallShift,
    Recipient,
    RoutingRule,
    StaffMessage,
    StaffMessageQuerySet,
)
from messaging.models.tasks import Task, TaskQuerySet
from messaging.models.threads import (
    Attachment,
    Conversation,
    ConversationQuerySet,
    ConversationRead,
    Draft,
    SavedReply,
    TeamNote,
)

__all__ = [
    "Attachment",
    "Broadcast",
    "BroadcastRecipient",
    "Call",
    "CallCommand",
    "CallQuerySet",
    "Complaint",
    "ComplaintEntry",
    "Conversation",
    "ConversationQuerySet",
    "ConversationRead",
    "DeskRules",
    "Draft",
    "EscalationStep",
    "IdentityCheck",
    "LineState",
    "Message",
    "MessageQuerySet",
    "OnCallShift",
    "Recipient",
    "Recording",
    "RoutingRule",
    "SavedReply",
    "StaffMessage",
    "StaffMessageQuerySet",
    "Suppression",
    "Task",
    "TaskQuerySet",
    "TeamNote",
    "WebhookReceipt",
]
