"""Where the supplier calls: /hooks/twilio/<practice>/…"""

from django.urls import include, path

from messaging import webhooks

urlpatterns = [
    path("voice/", include("messaging.voice_urls")),
    path("received/", webhooks.text_received, name="text-received"),
    path("status/<uuid:message_id>/", webhooks.status_changed, name="text-status"),
]
