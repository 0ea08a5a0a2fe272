"""Wall two around conversations, calls, staff messages and broadcasts; some rows are only added."""

from django.db import migrations

from practices.tenancy import ProtectTables

TABLES = [
    "Conversation",
    "ConversationRead",
    "TeamNote",
    "Draft",
    "SavedReply",
    "Attachment",
    "Call",
    "CallCommand",
    "Recording",
    "IdentityCheck",
    "StaffMessage",
    "EscalationStep",
    "RoutingRule",
    "OnCallShift",
    "Complaint",
    "ComplaintEntry",
    "DeskRules",
    "Broadcast",
    "BroadcastRecipient",
    "LineState",
]


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_conversations"), ("patients", "0004_conversation_walls")]

    operations = [ProtectTables(TABLES)]
