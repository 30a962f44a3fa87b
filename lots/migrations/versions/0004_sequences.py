"""Which numbers of each tag's sequence have come."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled before this version is released."""


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
