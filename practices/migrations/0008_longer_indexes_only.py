"""Every index of these tables begins with the practice: what another one says already is not kept twice."""

from django.db import migrations

from practices.tenancy import Unindexed


class Migration(migrations.Migration):
    dependencies = [
        ("practices", "0007_the_diary"),
    ]

    operations = [
        Unindexed(
            {
                "accessevent": ["practice"],
                "apikey": ["practice"],
                "auditentry": ["practice"],
                "closure": ["practice"],
                "idempotencykey": ["api_key", "practice"],
                "location": ["practice"],
                "membership": ["practice"],
                "officehours": ["practice"],
                "practicecard": ["practice"],
                "room": ["practice"],
                "textingaccount": ["practice"],
            }
        ),
    ]
