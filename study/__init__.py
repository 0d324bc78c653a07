"""The original study, published numbers, and the demo."""
