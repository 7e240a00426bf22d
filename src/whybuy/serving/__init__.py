"""The HTTP API and the web pages over one opened `Discovery`."""
