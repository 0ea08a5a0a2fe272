"""Wall two around the tables of this app."""

from django.db import migrations

from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [("frontdesk", "0001_initial"), ("scheduling", "0002_walls")]

    operations = [
        ProtectTables(["Review", "Finding", "Handover"]),
    ]
