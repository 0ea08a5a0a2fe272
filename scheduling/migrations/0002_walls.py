"""Wall two around the tables of this app."""

from django.db import migrations

from practices.tenancy import ProtectTables


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial"), ("messaging", "0002_walls")]

    operations = [
        ProtectTables(
            [
                "Practitioner",
                "AppointmentType",
                "AppointmentTypeOffer",
                "WeeklyHours",
                "TimeOff",
                "Appointment",
                "Change",
                "Notice",
                "VisitLink",
            ]
        ),
    ]
