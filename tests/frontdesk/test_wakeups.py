"""A broker that goes away does not end a worker: neither at a receipt nor at the end of its connection."""

import logging
from types import SimpleNamespace

import pytest
from celery.worker.consumer import Consumer
from kombu import Connection
from kombu.transport.memory import Transport

from frontdesk.celery import app
from frontdesk.wakeups import LastingConsumer

logger = logging.getLogger(__name__)


def lost(*_args, **_kwargs):
    """What the library meets at a connection that is gone."""
    raise AttributeError("'NoneType' object has no attribute 'hostname'")


def listening(kind):
    """What listens for a worker, with a loop that keeps what it is to do soon."""
    consumer = object.__new__(kind)
    later = []
    consumer.app, consumer.connection = app, Connection(transport=Transport)
    consumer.hub = SimpleNamespace(call_soon=later.append)
    return consumer, later


def test_workers_listen_so():
    assert app.conf.worker_consumer == "frontdesk.wakeups:LastingConsumer"


def test_a_receipt_that_cannot_be_written_is_only_noted(caplog):
    consumer, later = listening(LastingConsumer)
    consumer.call_soon_ack(lost, logger, (ConnectionError,))
    later[0]()
    assert "the broker went away before a receipt was written: AttributeError" in caplog.text


def test_a_receipt_that_can_be_written_is():
    consumer, later = listening(LastingConsumer)
    written = []
    consumer.call_soon_ack(written.append, "receipt")
    later[0]()
    assert written == ["receipt"]


def test_the_control_the_librarys_own_loop_meets_the_error():
    consumer, later = listening(Consumer)
    consumer.call_soon_ack(lost, logger, (ConnectionError,))
    with pytest.raises(AttributeError, match="hostname"):
        later[0]()


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_a_connection_that_cannot_be_closed_is_let_go(caplog, monkeypatch):
    consumer, _ = listening(LastingConsumer)
    channel = consumer.connection.default_channel
    monkeypatch.setattr(consumer.connection, "close", lost)
    consumer.on_connection_error_after_connected(ConnectionError("gone"))
    assert consumer.connection is None
    assert not channel.do_restore, "what is not acknowledged is not handed back through it"
    assert "could not be closed in good order" in caplog.text


def test_the_control_the_librarys_own_consumer_goes_with_it(monkeypatch):
    consumer, _ = listening(Consumer)
    monkeypatch.setattr(consumer.connection, "close", lost)
    with pytest.raises(AttributeError, match="hostname"):
        consumer.on_connection_error_after_connected(ConnectionError("gone"))
