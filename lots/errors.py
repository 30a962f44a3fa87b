"""The root of errors that a user can act on: their message names the place and the remedy."""


class UserError(Exception):
    """Shown as it is, without a trace."""
