"""The embedded broker, for trying out on a machine without one.

``python -m ingest.broker --port 1883`` serves MQTT 3.1.1 on loopback, to anybody, until it is
stopped. It keeps nothing over a restart, queues nothing for a client that is away, and does not
send again what was not acknowledged. In earnest, run Mosquitto or EMQX.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
import warnings
from collections.abc import Sequence

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig

IN_USE = 2
"""The exit code where the port cannot be had."""

STOP_SECONDS = 3.0

_PLUGINS = ("amqtt.plugins.authentication.AnonymousAuthPlugin",)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingest.broker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=1883, help="default: %(default)s")
    options = parser.parse_args(arguments)
    # To amqtt, a client that goes away without a word is worth a page of warnings.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        asyncio.run(serve(options.host, options.port))
    except (OSError, OverflowError) as error:
        print(  # noqa: T201
            f"the broker cannot listen on {options.host}:{options.port} ({error}): stop what does, "
            "or choose another with --port",
            file=sys.stderr,
        )
        return IN_USE
    return 0


async def serve(host: str, port: int) -> None:
    """Run until SIGTERM or SIGINT; prints ``listening on …`` when clients may come.

    Raises `OSError` where the address cannot be had.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    _require_free(host, port)
    listener = ListenerConfig(bind=f"{host}:{port}")
    plugins = {name: {"allow_anonymous": True} for name in _PLUGINS}
    broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=plugins))
    await broker.start()
    print(f"listening on mqtt://{host}:{port}", flush=True)  # noqa: T201
    await stopped.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), STOP_SECONDS)


def _require_free(host: str, port: int) -> None:
    """amqtt hides why it cannot start."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()


if __name__ == "__main__":
    sys.exit(main())
