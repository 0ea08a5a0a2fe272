"""Wall two around the tables of this app."""

from django.db import migrations

from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial"), ("practices", "0002_walls")]

    operations = [
        ProtectTables(["Patient", "PatientWord", "MisspelledWord", "Identifier", "ContactPoint", "Consent"]),
    ]
