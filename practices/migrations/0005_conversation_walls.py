"""Wall two around the practice card, whose versions are only added."""

from django.db import migrations

from practices.tenancy import AppendOnly, ProtectTables


class Migration(migrations.Migration):
    dependencies = [("practices", "0004_conversations")]

    operations = [ProtectTables(["PracticeCard"]), AppendOnly("PracticeCard")]
