"""Wall two around the reminder rules, and the notice's rule in its own practice."""

from django.db import migrations

from practices.tenancy import ProtectReference, ProtectTables


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0004_conversations"), ("messaging", "0004_conversation_walls")]

    operations = [ProtectTables(["ReminderRule"]), ProtectReference("Notice", "rule")]
