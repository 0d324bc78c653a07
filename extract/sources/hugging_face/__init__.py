"""Hugging Face datasets on disk: Parquet and Arrow files that hold images."""
