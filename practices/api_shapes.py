"""What the APIs of all apps say in the same shape."""

from typing import Any

from rest_framework import serializers


class ProblemShape(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()


class SomebodyShape(serializers.Serializer[Any]):
    """A person by key and name: a colleague or a patient."""

    id = serializers.CharField()
    name = serializers.CharField()
