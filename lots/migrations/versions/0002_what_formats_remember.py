"""What formats remember from one message to a later one."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "format_memory",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "since", name=op.f("pk_format_memory")),
    )


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
