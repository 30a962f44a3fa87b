"""Settings: where they come from, what is told when they are wrong, and their page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lots.settings import Settings, SettingsError, Subscription, load

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"DUNNAGE_{name.upper()}", raising=False)


def error_of(toml: str = "") -> str:
    Path("dunnage.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load()
    return str(caught.value)


def test_the_environment_comes_before_the_file_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load().api_port == 8080
    Path("dunnage.toml").write_text('api_port = 1\nclient_id = "of the file"')
    monkeypatch.setenv("DUNNAGE_API_PORT", "2")
    assert (load().api_port, load().client_id) == (2, "of the file")


def test_by_default_everything_is_in_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNNAGE_DATA", "/srv/goods")
    settings = load()
    assert settings.registry == "sqlite:////srv/goods/registry.sqlite"
    assert settings.readings == "sqlite:////srv/goods/readings.sqlite"
    monkeypatch.setenv("DUNNAGE_REGISTRY_URL", "postgresql://h/d")
    monkeypatch.setenv("DUNNAGE_READINGS_URL", "influxdb://h/d")
    assert (load().registry, load().readings) == ("postgresql://h/d", "influxdb://h/d")


def test_subscriptions_are_rows_of_the_file_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("dunnage.toml").write_text('[[subscriptions]]\nfilter = "a/#"\nformat = "native"\n')
    assert load().subscriptions == (Subscription(filter="a/#", format="native"),)
    monkeypatch.setenv("DUNNAGE_SUBSCRIPTIONS", '[{"filter": "b", "format": "native"}]')
    assert load().subscriptions == (Subscription(filter="b", format="native"),)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("api_port", "http", "valid integer"),
        ("api_port", "65536", "less than or equal to 65535"),
        ("journal_max_mb", "1", "greater than or equal to 64"),
        ("raw_retention_days", "0", "greater than or equal to 1"),
        ("client_id", "", "at least 1 character"),
        ("clock_speed", "-1", "greater than or equal to 0"),
        ("clock_speed", "inf", "finite"),
        ("data", "", "name a folder"),
        ("webhook_url", "example.com/hook", "https://example.com"),
        ("webhook_url", "https://example.com/a b", "https://example.com"),
        ("webhook_url", "https://[", "https://example.com"),
        ("subscriptions", "nonsense", "JSON"),
        ("subscriptions", "[]", "at least 1 item"),
        ("subscriptions", '[{"filter": "a/#/b", "format": "native"}]', "# only at the end"),
        ("subscriptions", '[{"filter": "a/b+", "format": "native"}]', "stand alone"),
        ("subscriptions", '[{"filter": "", "format": "native"}]', "dunnage/v1/+/+/readings"),
        ("subscriptions", '[{"filter": "a"}]', "Field required"),
    ],
)
def test_an_error_names_the_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(f"DUNNAGE_{name.upper()}", value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert f"DUNNAGE_{name.upper()}" in str(caught.value)
    assert told in str(caught.value)


def test_all_errors_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNNAGE_API_PORT", "x")
    lines = error_of('worker_port = "y"').splitlines()
    assert [line.split()[0] for line in lines] == ["DUNNAGE_API_PORT", "DUNNAGE_WORKER_PORT"]


def test_a_name_that_does_not_exist_is_told() -> None:
    message = error_of("api_prot = 1")
    assert "api_prot in dunnage.toml" in message
    assert "docs/settings.md" in message


def test_a_variable_that_is_nearly_a_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNNAGE_API_PROT", "1")
    with pytest.raises(
        SettingsError, match=r"DUNNAGE_API_PROT in the environment.*DUNNAGE_API_PORT"
    ):
        load()


@pytest.mark.parametrize(
    "name",
    [
        "DUNNAGE_SERVICE_HOST",
        "DUNNAGE_PORT_8080_TCP_ADDR",
        "DUNNAGE_API_SERVICE_PORT",
        "DUNNAGE_TEST_INFLUX2_URL",
    ],
)
def test_somebody_elses_variable_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "tcp://10.0.0.1:8080")
    assert load().api_port == 8080


@pytest.mark.parametrize("toml", ["api_port =", "api_port = 1\napi_port = 2", "[[["])
def test_a_file_that_is_no_toml_is_told(toml: str) -> None:
    assert error_of(toml).startswith("dunnage.toml cannot be read: ")


def test_a_folder_in_place_of_the_file_is_told() -> None:
    Path("dunnage.toml").mkdir()
    with pytest.raises(SettingsError, match=r"dunnage\.toml cannot be read"):
        load()


def test_a_file_that_is_not_utf_8_is_told() -> None:
    Path("dunnage.toml").write_bytes(b'client_id = "\xff"')
    with pytest.raises(SettingsError, match=r"dunnage\.toml cannot be read"):
        load()


def test_no_packs_are_those_that_come_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUNNAGE_PACKS", "")
    assert load().packs is None


def test_every_setting_is_on_the_page_with_its_default() -> None:
    text = PAGE.read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))
    assert set(rows) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, int | float) or (isinstance(default, str | Path) and str(default)):
            assert rows[name] == f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_the_file_on_the_page_can_be_read() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    Path("dunnage.toml").write_text(toml)
    settings = load()
    assert settings.data == Path("/var/lib/dunnage")
    assert settings.subscriptions == Settings.model_fields["subscriptions"].default
