"""Every index of these tables begins with the practice: what another one says already is not kept twice."""

from django.db import migrations

from practices.tenancy import Unindexed


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0010_the_diary"),
        ("patients", "0007_longer_indexes_only"),
        ("practices", "0008_longer_indexes_only"),
    ]

    operations = [
        Unindexed(
            {
                "attachment": ["message", "practice"],
                "broadcast": ["practice"],
                "broadcastrecipient": ["broadcast", "practice"],
                "call": ["patient", "practice"],
                "callcommand": ["practice"],
                "complaint": ["patient", "practice"],
                "complaintentry": ["practice"],
                "conversation": ["practice"],
                "conversationread": ["conversation", "practice"],
                "deskrules": ["practice"],
                "draft": ["practice"],
                "escalationstep": ["practice", "staff_message"],
                "identitycheck": ["call", "practice"],
                "linestate": ["practice"],
                "message": ["patient", "practice"],
                "oncallshift": ["practice"],
                "recording": ["practice"],
                "routingrule": ["practice"],
                "savedreply": ["practice"],
                "staffmessage": ["patient", "practice"],
                "suppression": ["practice"],
                "task": ["patient", "practice"],
                "teamnote": ["conversation", "practice"],
                "webhookreceipt": ["practice"],
            }
        ),
    ]
