"""Where images come from: folders, lists, tables, tars."""
