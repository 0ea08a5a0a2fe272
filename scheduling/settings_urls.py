"""Settings of the diary, under `/p/<practice>/settings/`."""

from django.urls import path

from scheduling import news_views, recall_views, resource_views, rule_views, waitlist_settings
from scheduling import settings_views as views

urlpatterns = [
    path("clinicians/", views.clinicians, name="settings-clinicians"),
    path("clinicians/<uuid:practitioner_id>/", views.clinician, name="settings-clinician"),
    path("clinicians/<uuid:practitioner_id>/hours/", views.hours, name="settings-hours-new"),
    path("clinicians/<uuid:practitioner_id>/hours/<int:number>/", views.hours, name="settings-hours"),
    path("clinicians/<uuid:practitioner_id>/time-off/", views.time_off_add, name="time-off-add"),
    path("time-off/<uuid:time_off_id>/remove/", views.time_off_remove, name="time-off-remove"),
    path("resources/", resource_views.resources, name="settings-resources"),
    path("resources/<uuid:resource_id>/", resource_views.resource, name="settings-resource"),
    path("resources/<uuid:resource_id>/time-off/", resource_views.resource_time_off, name="resource-off-add"),
    path(
        "resources/time-off/<uuid:resource_off_id>/remove/",
        resource_views.resource_time_off_remove,
        name="resource-off-remove",
    ),
    path("kept-time/", resource_views.blocks, name="settings-blocks"),
    path("kept-time/<uuid:block_id>/", resource_views.blocks, name="settings-block"),
    path("kept-time/<uuid:block_id>/remove/", resource_views.block_remove, name="block-remove"),
    path("visit-types/", views.types, name="settings-types"),
    path("visit-types/<uuid:type_id>/", views.types, name="settings-type"),
    path("news/", news_views.news, name="settings-news"),
    path("recalls/", recall_views.recalls, name="settings-recalls"),
    path("recalls/<uuid:recall_rule_id>/remove/", recall_views.recall_remove, name="recall-remove"),
    path("video/", recall_views.video, name="settings-video"),
    path("reminders/", rule_views.rules, name="settings-reminders"),
    path("reminders/limits/", rule_views.caps, name="rule-caps"),
    path("reminders/<uuid:rule_id>/", rule_views.rules, name="settings-reminder"),
    path("reminders/<uuid:rule_id>/remove/", rule_views.rule_remove, name="rule-remove"),
    path("waitlist/", waitlist_settings.rule, name="settings-waitlist"),
]
