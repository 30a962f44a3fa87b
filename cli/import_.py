def import_file() -> None:
    """Import (coming)."""
