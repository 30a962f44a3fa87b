"""When a lot was weighed and cored, and what regain that gave."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lots", sa.Column("weighed", sa.BigInteger(), nullable=True))
    op.add_column("lots", sa.Column("regain_pct", sa.Double(), nullable=True))
    op.add_column("lots", sa.Column("cored", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
