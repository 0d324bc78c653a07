"""Results as tables: terminal, CSV, JSON, Markdown, LaTeX."""
