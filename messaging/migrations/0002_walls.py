"""Wall two around the tables of this app."""

from django.db import migrations

from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial"), ("patients", "0002_walls")]

    operations = [
        ProtectTables(["Message", "Suppression", "WebhookReceipt", "Task"]),
    ]
