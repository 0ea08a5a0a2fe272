"""Every index of these tables begins with the practice: what another one says already is not kept twice."""

from django.db import migrations

from practices.tenancy import Unindexed


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0006_diary_walls"),
        ("practices", "0008_longer_indexes_only"),
    ]

    operations = [
        Unindexed(
            {
                "consent": ["patient", "practice"],
                "contactpoint": ["patient", "practice"],
                "identifier": ["patient", "practice"],
                "misspelledword": ["practice"],
                "patient": ["practice"],
                "patientflag": ["patient", "practice"],
                "patientwish": ["patient", "practice"],
                "patientword": ["patient", "practice"],
                "relatedperson": ["patient", "practice"],
            }
        ),
    ]
