from django.apps import AppConfig


class PracticesConfig(AppConfig):
    name = "practices"

    def ready(self) -> None:
        from practices import accounts, logs, openapi  # noqa: F401  (they register themselves)

        logs.configure()
