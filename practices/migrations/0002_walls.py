"""Wall two around the practice's tables, and the two records that only grow."""

from django.db import migrations

from practices.tenancy import AppendOnly, ProtectTables

OWN_MEMBERSHIPS = """
CREATE POLICY own_memberships ON practices_membership FOR SELECT
USING (user_id = NULLIF(current_setting('app.user_id', true), '')::bigint)
"""


class Migration(migrations.Migration):
    dependencies = [("practices", "0001_initial")]

    operations = [
        ProtectTables(
            [
                "Membership",
                "Location",
                "Room",
                "OfficeHours",
                "Closure",
                "TextingAccount",
                "AuditEntry",
                "AccessEvent",
                "ApiKey",
                "IdempotencyKey",
            ]
        ),
        # The switcher lists a person's own practices before one is chosen.
        migrations.RunSQL(OWN_MEMBERSHIPS, migrations.RunSQL.noop),
        AppendOnly("AuditEntry"),
        AppendOnly("AccessEvent"),
    ]
