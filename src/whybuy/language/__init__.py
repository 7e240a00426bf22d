"""Ports to text models: what turns texts into vectors."""
