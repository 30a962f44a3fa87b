"""Hours and days whose rollups are to be made again."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled before this version is released."""


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
