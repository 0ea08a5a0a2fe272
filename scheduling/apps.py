from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from scheduling.audit.sweep import open_for_sweep

        post_migrate.connect(open_for_sweep, sender=self)
