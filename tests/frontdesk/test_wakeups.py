"""A receipt that cannot be written does not end a worker."""

import uuid

import pytest
from celery.worker.request import Request
from kombu import Connection, Queue
from kombu.transport.memory import Transport

from frontdesk.celery import app
from frontdesk.tasks import heartbeat


def heard(kind):
    """A request for a real message, whose broker is gone by the time of the receipt."""
    with Connection(transport=Transport) as connection:
        queue = Queue(f"q-{uuid.uuid4().hex}", channel=connection.default_channel)
        queue.declare()
        with connection.Producer() as producer:
            headers = {"id": uuid.uuid4().hex, "task": heartbeat.name, "argsrepr": "()", "kwargsrepr": "{}"}
            producer.publish([[], {}, {}], routing_key=queue.name, exchange="", headers=headers)
        message = queue.get()

    def lost(*_args, **_kwargs):
        raise AttributeError("'NoneType' object has no attribute 'hostname'")

    return kind(message, app=app, task=heartbeat, on_ack=lost, on_reject=lost)


def test_tasks_are_heard_so():
    assert heartbeat.Request.__name__ == "HeardRequest"


def test_a_lost_broker_at_the_receipt_is_only_noted(caplog):
    request = heard(heartbeat.Request)
    request.acknowledge()
    request.reject(requeue=True)
    assert "the broker went away before frontdesk.tasks.heartbeat" in caplog.text


def test_the_control_the_librarys_own_request_takes_the_worker_down():
    with pytest.raises(AttributeError, match="hostname"):
        heard(Request).acknowledge()
