from django.apps import AppConfig


class PracticesConfig(AppConfig):
    name = "practices"

    def ready(self) -> None:
        from practices import logs, openapi  # noqa: F401  (registers itself)

        logs.configure()
