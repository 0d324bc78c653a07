"""Image sources: folders, lists, tables and tars."""
