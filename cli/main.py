"""The command line. Each command imports what it needs when it runs, so that help stays quick."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import dead_letters, formats, packs
from cli.evaluate import EXAMPLES as EVALUATE_EXAMPLES
from cli.evaluate import evaluate
from cli.import_ import import_file
from cli.simulate import EXAMPLES, simulate
from cli.terminal import KEPT, plain
from cli.troubles import troubles
from lots.errors import UserError

app = typer.Typer(
    name="dunnage",
    help="Condition monitoring and preventive-service alerts for lots of lead ingots and wool.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
tenants = typer.Typer(help="Tenants: the customers of the service.", no_args_is_help=True)
keys = typer.Typer(help="Keys to the API.", no_args_is_help=True)
tags = typer.Typer(help="Tags that report and are not registered.", no_args_is_help=True)
app.add_typer(tenants, name="tenants")
app.add_typer(keys, name="keys")
app.add_typer(tags, name="tags")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(formats.app, name="formats")
app.add_typer(packs.app, name="rules")
app.command("import")(import_file)
app.command("troubles")(troubles)
app.command("simulate", epilog=EXAMPLES)(simulate)
app.command("evaluate", epilog=EVALUATE_EXAMPLES)(evaluate)

Tenant = Annotated[str, typer.Option(help="Whose it is.")]
LAST_PORT = 65535


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where its files go; emptied at the start.")] = Path(
        "dunnage-demo"
    ),
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="Stop after so many seconds.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="End with one line of JSON, show no table.")
    ] = False,
    api_port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Port of the API.")] = 8080,
    broker_port: Annotated[
        int, typer.Option(min=1, max=LAST_PORT, help="Port of the embedded broker.")
    ] = 18830,
    speed: Annotated[
        float, typer.Option(min=1, max=86400, help="Times as fast as life: 8640 is a day in 10 s.")
    ] = 8640.0,
    seed: Annotated[int, typer.Option(help="Of the sensors' noise, and of a journey.")] = 1,
    journey: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Play this journey instead and end with what really happened beside the alerts"
            " (dunnage simulate --list; or a YAML file).",
        ),
    ] = None,
) -> None:
    """Try it: forty lots at three sites in real climate, sped up, with all parts running.

    With --journey one journey whose real outcome is known, from its start to its end.
    """
    from cli.demo import Options, run_demo

    run_demo(Options(folder, seconds, as_json, api_port, broker_port, speed, seed, journey))


@app.command()
def run() -> None:
    """Run all parts on this machine as child processes; each is restarted alone if it fails."""
    from cli.run import run_all
    from lots.settings import load

    run_all(load())


@app.command()
def worker(
    new_journal: Annotated[
        bool,
        typer.Option(
            "--new-journal",
            help="Follow the journal in the data folder instead of the one that is lost.",
        ),
    ] = False,
) -> None:
    """Ingest and rules: from the broker to the store and the alerts."""
    from cli.logging import to_stderr
    from cli.worker import run_worker
    from lots.settings import load

    to_stderr()
    run_worker(load(), new_journal=new_journal)


@app.command()
def api() -> None:
    """The HTTP API."""
    from api.server import serve
    from cli.logging import to_stderr
    from lots.settings import load

    to_stderr()
    serve(load())


@app.command()
def broker(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=LAST_PORT, help="Default: broker_port of the settings."),
    ] = None,
) -> None:
    """The embedded MQTT broker, for trying out: loopback only, about 1 000 messages a second."""
    from ingest.broker import main as serve
    from lots.settings import load

    raise typer.Exit(1 if serve(["--port", str(port or load().broker_port)]) else 0)


@app.command()
def whatif(
    lot: Annotated[str, typer.Argument(help="Its id.")],
    at: Annotated[
        list[str],
        typer.Option(
            "--open",
            help="An hour (09:00, of the site's clock) or an instant; several times for several.",
        ),
    ],
    tenant: Tenant = "default",
    site: Annotated[
        str | None, typer.Option(help="Where; else where it goes next, or stands.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=-60, max=60, help="Of the air outside, °C; else by its climate."),
    ] = None,
    humidity: Annotated[
        float | None, typer.Option(min=1, max=100, help="Of the air outside, %RH.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Compare hours at which a lot of lead may be opened: what settles on it, and for how long.

    From the metal and the film as they are known now; until then the lot stays in the air that it
    has. At worst is in air with a dew point one standard deviation higher.
    """
    from cli.whatif import run
    from rules.openings import Asked

    if (temperature is None) != (humidity is None):
        raise typer.BadParameter("--temperature and --humidity go together")
    outside = None if temperature is None or humidity is None else (temperature, humidity)
    run(Asked(lot, at, site, outside), tenant, as_json)


@app.command()
def trend(
    lot: Annotated[str, typer.Argument(help="Its id.")],
    tenant: Tenant = "default",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the score.")] = False,
) -> None:
    """What a lot's own last days say of its next hours: air, dew point, metal, and how likely it
    sweats (lead) or the air gets damp (wool) until then.

    ± is one standard deviation of the same forecasts in the last week.
    """
    from cli.trend import show

    show(lot, tenant, as_json)


@app.command()
def outlook(
    site: Annotated[str, typer.Argument(help="Its id.")],
    tenant: Tenant = "default",
    commodity: Annotated[
        Literal["lead", "wool"] | None, typer.Option(help="These goods alone.")
    ] = None,
    weeks: Annotated[
        bool, typer.Option("--weeks", help="Every week of the year, in figures.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a line each.")] = False,
) -> None:
    """Which weeks of the year bring sweat, damp, frost or moth to a site, and what is due before.

    For goods in an unheated store, by the site's climate (dunnage import climate).
    """
    from cli.outlook import show

    show(site, tenant, commodity, weeks, as_json)


@app.command()
def forecasts(
    tenant: Tenant = "default",
    lot: Annotated[str | None, typer.Option(help="Of this lot alone.")] = None,
    each: Annotated[
        bool, typer.Option("--each", help="One by one, the newest first, in place of the score.")
    ] = False,
    trends: Annotated[
        bool,
        typer.Option(
            "--trends", help="Of trends in their place: as they would have been said, 14 days."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a line each.")] = False,
) -> None:
    """How good forecasts were, by rule and site: how many came, and the Brier score.

    Each was told by an alert that opened before anything was measured. Trends (dunnage trend) are
    scored from the stored readings of each lot, by rule and hours ahead.
    """
    from cli.forecasts import show, show_trends

    if trends:
        if each:
            raise typer.BadParameter("--each is not for --trends")
        show_trends(tenant, lot, as_json)
    else:
        show(tenant, lot, each, as_json)


@app.command()
def tasks(
    tenant: Tenant = "default",
    site: Annotated[str | None, typer.Option(help="At this site alone.")] = None,
    over: Annotated[bool, typer.Option("--over", help="Those whose season is over too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a line each.")] = False,
) -> None:
    """What is to be done at sites before a season that is hard on the goods (dunnage outlook).

    A worker makes these, once for each season, and tells them to the webhook.
    """
    from cli.tasks import show

    show(tenant, site, over, as_json)


@app.command()
def guide(
    commodity: Annotated[Literal["lead", "wool"], typer.Argument(help="The goods.")],
    hazard: Annotated[
        Literal["sweat", "damp", "frost", "moth"], typer.Argument(help="What threatens them.")
    ],
    language: Annotated[Literal["en", "zh"], typer.Option(help="English or Chinese.")] = "en",
    site: Annotated[
        str | None, typer.Option(help="Say when its season is there (dunnage outlook).")
    ] = None,
    tenant: Tenant = "default",
    to: Annotated[Path | None, typer.Option(help="The file; else standard output.")] = None,
) -> None:
    """A page of HTML to print and hang up: how goods are stored in a hard season."""
    from cli.outlook import write_guide

    write_guide(commodity, hazard, language, site, tenant, to)


@app.command()
def replay(
    file: Annotated[
        Path,
        typer.Argument(help="CSV of time, sensor (else the file's name), temperature, humidity."),
    ],
    tenant: Tenant = "default",
    speed: Annotated[
        float, typer.Option(min=0.001, help="Times as fast as it was recorded.")
    ] = 1.0,
    recorded: Annotated[
        bool,
        typer.Option(
            "--recorded", help="Keep the file's times and do not wait; else its first row is now."
        ),
    ] = False,
    timezone: Annotated[
        str | None, typer.Option(help="Of times that name none, such as Europe/Berlin.")
    ] = None,
) -> None:
    """Publish a recorded series over MQTT as its sensors would have."""
    from cli.replaying import replay_file
    from lots.settings import load

    raise typer.Exit(replay_file(load(), file, tenant, speed, recorded, timezone))


@tenants.command("add")
def add_tenant(
    tenant: Annotated[str, typer.Argument(help="Its id, as it stands in topics.")],
    name: Annotated[str, typer.Option(help="What people call it; else its id.")] = "",
) -> None:
    """Make a tenant, or give it another name."""
    from cli.administration import add_tenant as command

    command(tenant, name or tenant)


@tenants.command("list")
def list_tenants() -> None:
    """All tenants."""
    from cli.administration import list_tenants as command

    command()


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Who or what uses it.")],
    tenant: Tenant = "default",
    read_only: Annotated[
        bool, typer.Option("--read-only", help="It may read, and change nothing.")
    ] = False,
) -> None:
    """Make a key to a tenant's data and print it: this once, only its hash is kept."""
    from cli.administration import add_key as command

    command(name, tenant, not read_only)


@keys.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="As it was given to `keys add`.")],
    tenant: Tenant = "default",
) -> None:
    """Close the keys of that name."""
    from cli.administration import revoke_key as command

    command(name, tenant)


@tags.command("unknown")
def unknown_tags(tenant: Tenant = "default") -> None:
    """Tags that report and are not registered; their readings are kept."""
    from cli.administration import list_unknown_tags as command

    command(tenant)


@tags.command("adopt")
def adopt_tag(
    tag: Annotated[str, typer.Argument(help="Its id, as `tags unknown` prints it.")],
    tenant: Tenant = "default",
    interval: Annotated[int, typer.Option(min=1, help="How often it measures, s.")] = 3600,
) -> None:
    """Register a tag that reports; then bind it to a lot or a place."""
    from cli.administration import adopt_tag as command

    command(tag, tenant, interval)


def main() -> None:
    """Run a command. What a user can mend is one plain message and status 1, without a trace."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a terminal that lacks a character
    try:
        app(prog_name="dunnage")
    except UserError as error:
        print(f"dunnage: {plain(str(error), KEPT)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
