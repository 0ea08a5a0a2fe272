from django.apps import AppConfig


class FrontdeskConfig(AppConfig):
    name = "frontdesk"
    verbose_name = "Front Desk"

    def ready(self) -> None:
        from frontdesk import checks, health  # noqa: F401  (both register themselves)
