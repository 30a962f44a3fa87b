"""How severe an alert was, from when on."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Until now an alert had one severity from its beginning on.
FILLED = """UPDATE alerts SET stages = '[[' || opened || ', "' || severity || '"]]'"""
FILLED_POSTGRESQL = """
UPDATE alerts SET stages = CAST('[[' || opened || ', "' || severity || '"]]' AS JSON)
"""


def upgrade() -> None:
    column = sa.Column("stages", sa.JSON(), nullable=False, server_default="[]")
    op.add_column("alerts", column)
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(FILLED_POSTGRESQL if on_postgresql else FILLED)


def downgrade() -> None:
    """A database does not go back: restore a backup."""
    raise NotImplementedError
