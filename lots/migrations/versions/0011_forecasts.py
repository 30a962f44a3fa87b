"""What alerts foretold, and what came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forecasts",
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("said", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("legs", sa.JSON(), nullable=False),
        sa.Column("curve", sa.JSON(), nullable=False),
        sa.Column("revised", sa.BigInteger(), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.Column("came", sa.BigInteger(), nullable=True),
        sa.Column("prevented", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert"], ["alerts.id"], name=op.f("fk_forecasts_alert_alerts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alert", name=op.f("pk_forecasts")),
    )
    op.create_index("ix_forecasts_lot", "forecasts", ["tenant", "lot", "said"])
    op.create_index("ix_forecasts_judged", "forecasts", ["judged", "said"])


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
