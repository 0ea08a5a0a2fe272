"""Wall two around flags and the people who speak for patients."""

from django.db import migrations

from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [("patients", "0003_conversations"), ("practices", "0005_conversation_walls")]

    operations = [ProtectTables(["PatientFlag", "RelatedPerson"])]
