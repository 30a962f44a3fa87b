"""What Alembic runs: the migrations, on the connection that `lots.database.migrate` gives."""

from alembic import context

from lots.model import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
)
with context.begin_transaction():
    context.run_migrations()
