"""Errors whose message is meant for the user."""

from cli.processes import ChildFailed
from ingest.errors import JournalError
from lots.cursors import CursorMismatch
from lots.readings.store import StoreMisconfigured, StoreUnavailable
from lots.refusals import RegistryError
from lots.settings import SettingsError
from rules.pack import PackError

USER_ERRORS = (
    ChildFailed,
    CursorMismatch,
    JournalError,
    PackError,
    RegistryError,
    SettingsError,
    StoreMisconfigured,
    StoreUnavailable,
)
