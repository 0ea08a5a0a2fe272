"""Where the supplier calls about telephone calls: /hooks/twilio/<practice>/voice/…"""

from django.urls import path

from messaging import automatic_calls, call_hooks

urlpatterns = [
    path("received/", call_hooks.received, name="voice-received"),
    path("status/", call_hooks.status, name="voice-status"),
    path("status/<uuid:call_id>/", call_hooks.call_status, name="voice-call-status"),
    path("wait/<uuid:call_id>/", call_hooks.wait, name="voice-wait"),
    path("waited/<uuid:call_id>/", call_hooks.waited, name="voice-waited"),
    path("again/<uuid:call_id>/", call_hooks.again, name="voice-again"),
    path("joins/<uuid:call_id>/", call_hooks.joins, name="voice-joins"),
    path("left/<uuid:call_id>/", call_hooks.left, name="voice-left"),
    path("conference/<uuid:call_id>/", call_hooks.conference, name="voice-conference"),
    path("leg/<uuid:command_id>/", call_hooks.leg, name="voice-leg"),
    path("leg-status/<uuid:command_id>/", call_hooks.leg_status, name="voice-leg-status"),
    path("recorded/<uuid:call_id>/", call_hooks.recorded, name="voice-recorded"),
    path("recording/<uuid:call_id>/", call_hooks.recording, name="voice-recording"),
    path("transcribed/<uuid:call_id>/", call_hooks.transcribed, name="voice-transcribed"),
    path("call-back/<uuid:call_id>/", call_hooks.call_back, name="voice-call-back"),
    path("message/<uuid:message_id>/", automatic_calls.answered, name="voice-automatic"),
    path("message/<uuid:message_id>/opening/", automatic_calls.opening_key, name="voice-automatic-opening"),
    path("message/<uuid:message_id>/key/", automatic_calls.key, name="voice-automatic-key"),
    path("message/<uuid:message_id>/status/", automatic_calls.reported, name="voice-automatic-status"),
]
