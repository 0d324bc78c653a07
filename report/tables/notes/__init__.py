"""Notes on a table: its caption, and the lines below it by what they tell of."""
