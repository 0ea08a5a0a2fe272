from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0006_call_legs")]

    operations = [migrations.AddField("message", "followed", models.BooleanField(default=False))]
