"""Loggers that are read out at arrival: their files understood, and handed to the worker."""
