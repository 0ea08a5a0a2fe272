"""A broker that goes away does not end a worker: neither at a receipt nor at the end of its connection."""

import uuid

import pytest
from celery.worker.consumer import Consumer
from celery.worker.request import Request
from kombu import Connection, Queue
from kombu.transport.memory import Transport

from frontdesk.celery import app
from frontdesk.tasks import heartbeat
from frontdesk.wakeups import LastingConsumer


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


def lost_connection(kind, monkeypatch):
    """What listens, at the moment at which its broker is gone with a message in hand."""
    consumer = object.__new__(kind)
    consumer.app, consumer.connection = app, Connection(transport=Transport)

    def unclosable():
        raise AttributeError("'NoneType' object has no attribute 'hostname'")

    monkeypatch.setattr(consumer.connection, "close", unclosable)
    return consumer


def test_workers_listen_so():
    assert app.conf.worker_consumer == "frontdesk.wakeups:LastingConsumer"


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_a_connection_that_cannot_be_closed_is_let_go(caplog, monkeypatch):
    consumer = lost_connection(LastingConsumer, monkeypatch)
    consumer.on_connection_error_after_connected(ConnectionError("gone"))
    assert consumer.connection is None
    assert "could not be closed in good order" in caplog.text


def test_the_control_the_librarys_own_consumer_goes_with_it(monkeypatch):
    with pytest.raises(AttributeError, match="hostname"):
        lost_connection(Consumer, monkeypatch).on_connection_error_after_connected(ConnectionError("gone"))
