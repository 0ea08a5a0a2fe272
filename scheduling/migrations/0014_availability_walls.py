"""Wall two around resources and reserved time, and the places of hours in their own practice."""

from django.db import migrations

from practices.tenancy import ProtectReference, ProtectTables


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0013_availability")]

    operations = [
        ProtectTables(["Resource", "ResourceHours", "ResourceTimeOff", "ReservedBlock", "ReservedBlockType"]),
        ProtectReference("WeeklyHours", "location"),
        ProtectReference("WeeklyHours", "room"),
        ProtectReference("Participant", "resource"),
    ]
