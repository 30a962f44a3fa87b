"""Readings by MQTT, with the node's status, its clock and its settings along the way."""

from node.delivery import Delivery


class Broker:
    """`link` is an `Mqtt` that is not open; `network(on)` and `time_ms()`, from a time server,
    raise OSError where there is none; `tell` is for who watches the console."""

    free_at_ms = 0

    def __init__(self, link, network, time_ms, tenant, tag, tell=print):
        self._link = link
        self._network = network
        self._time_ms = time_ms
        self._tell = tell
        root = "dunnage/v1/%s/%s/" % (tenant, tag)
        self._topics = (root + "readings", root + "ack", root + "commands")
        self._status = root + "status"

    def carry(self, ring, clock, settings, until_ms):
        """See `Node`. Ends with a good-bye, so that the will is for a link that broke."""
        try:
            self._network(True)
            yield
            self._sync(clock, settings["sync"] * 1000)
            yield
            self._link.connect()
            yield
            self._link.open(self._status, b"offline")
            yield
            self._link.subscribe(self._topics[1:])
            yield
            self._link.publish(self._status, b"online", True)
            yield
            yield from Delivery(ring, self._link, self._topics, clock, settings).run(until_ms)
        finally:
            self._link.close()
            self._network(False)

    def _sync(self, clock, every_ms):
        """Without a time server, readings go out all the same; so with a time that the port cannot
        be set to, as from 2038 on where its seconds have 31 bits."""
        if clock.synced_ms is not None and clock.uptime_ms() - clock.synced_ms < every_ms:
            return
        try:
            clock.set(self._time_ms())
        except (OSError, OverflowError) as error:
            self._tell("the clock was not set: %s" % error)
