"""What the air outside a site is like, by month and hour."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sites", sa.Column("climate", sa.JSON(), nullable=True))


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
