"""What somebody did about an alert."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("done", sa.String(length=200), nullable=True))


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
