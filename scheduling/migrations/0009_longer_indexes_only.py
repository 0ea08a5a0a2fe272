"""Every index of these tables begins with the practice: what another one says already is not kept twice."""

from django.db import migrations

from practices.tenancy import Unindexed


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0011_longer_indexes_only"),
        ("patients", "0007_longer_indexes_only"),
        ("practices", "0008_longer_indexes_only"),
        ("scheduling", "0008_diary_walls"),
    ]

    operations = [
        Unindexed(
            {
                "appointment": ["patient", "practice"],
                "appointmentsource": ["appointment", "practice"],
                "appointmenttype": ["practice"],
                "appointmenttypeoffer": ["appointment_type", "practice"],
                "boardchoice": ["practice"],
                "busyslot": ["appointment", "hold", "practice"],
                "calendarfeed": ["practice"],
                "change": ["appointment", "practice"],
                "cliniciannews": ["change", "practice"],
                "delay": ["practice"],
                "delaynotice": ["appointment", "delay", "practice"],
                "delaystep": ["delay", "practice"],
                "followup": ["patient", "practice"],
                "followuplink": ["practice"],
                "hold": ["practice", "practitioner"],
                "lastlook": ["practice"],
                "linkedvisits": ["practice"],
                "meetingaddress": ["practice", "practitioner"],
                "newsrule": ["practice"],
                "notice": ["appointment", "message", "practice"],
                "offer": ["entry", "message", "opening", "practice"],
                "opening": ["practice"],
                "outcase": ["practice"],
                "participant": ["appointment", "practice"],
                "passedover": ["opening", "practice"],
                "practitioner": ["practice"],
                "recallrule": ["appointment_type", "practice"],
                "reminderrule": ["appointment_type", "practice"],
                "reservedblock": ["practice"],
                "reservedblocktype": ["block", "practice"],
                "resource": ["practice"],
                "resourcehours": ["practice", "resource"],
                "resourcetimeoff": ["practice", "resource"],
                "series": ["patient", "practice"],
                "settledfinding": ["practice"],
                "timeoff": ["practice", "practitioner"],
                "timerequest": ["appointment", "case", "practice"],
                "visitlink": ["appointment", "practice"],
                "waitlistentry": ["patient", "practice"],
                "waitlistrule": ["practice"],
                "weeklyhours": ["practice", "practitioner"],
            }
        ),
    ]
