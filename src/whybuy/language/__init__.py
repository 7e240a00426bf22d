"""Interfaces to text models (encoders, fluency models, generators) and the implementations that come with whybuy."""
