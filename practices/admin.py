"""The admin is for platform support: people and practices, nothing about patients."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from practices.models import Practice, User


@admin.register(Practice)
class PracticeAdmin(ModelAdmin):
    list_display = ("name", "slug", "time_zone", "line_number")


@admin.register(User)
class UserAdmin(ModelAdmin):
    list_display = ("email", "given_name", "family_name", "is_active", "is_staff")
    search_fields = ("email",)
    exclude = ("password", "groups", "user_permissions")
