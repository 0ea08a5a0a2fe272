"""Drops an index that row security never lets a query use: array containment is not leakproof."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("practices", "0002_walls")]

    operations = [
        migrations.RemoveIndex(model_name="accessevent", name="access_by_patient"),
    ]
