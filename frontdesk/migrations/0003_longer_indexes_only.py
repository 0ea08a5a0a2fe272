"""Every index of these tables begins with the practice: what another one says already is not kept twice."""

from django.db import migrations

from practices.tenancy import Unindexed


class Migration(migrations.Migration):
    dependencies = [
        ("frontdesk", "0002_walls"),
        ("practices", "0008_longer_indexes_only"),
    ]

    operations = [
        Unindexed(
            {
                "finding": ["practice", "review"],
                "handover": ["practice", "review"],
                "review": ["practice"],
            }
        ),
    ]
