"""Sightings of items by readers, and what waits to be taken in."""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled before this version is released."""


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
