"""Under /all/: what one person sees of all her practices at once."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
