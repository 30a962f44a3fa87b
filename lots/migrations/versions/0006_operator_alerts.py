"""What operators are to know of the service itself."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled before this version is released."""


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
