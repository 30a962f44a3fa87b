"""boards/esp32.py imports it; nothing here speaks TLS."""
