"""What can go wrong with a journal. Each message names the place and the remedy."""

from lots.errors import UserError


class JournalError(UserError):
    """The journal cannot do what was asked."""


class JournalBusy(JournalError):
    """Another process has the journal's folder."""


class JournalFull(JournalError):
    """The bound is reached: nothing was written; it can once `Journal.release` made room."""


class JournalUnwritable(JournalError):
    """The disk refused: nothing half written remains, and the same call may succeed later."""


class JournalCorrupt(JournalError):
    """The disk does not hold what was written; no retry mends it."""


class OffsetUnknown(JournalError):
    """There is no entry at this offset."""
