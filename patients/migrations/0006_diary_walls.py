"""Wall two around what patients' visits have to fit."""

from django.db import migrations

from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [("patients", "0005_the_diary")]

    operations = [ProtectTables(["PatientWish"])]
