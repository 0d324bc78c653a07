"""Class names, prompt templates and word lists."""
