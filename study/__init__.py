"""The study, its published numbers, and the demo."""
