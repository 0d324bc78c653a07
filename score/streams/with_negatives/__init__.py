"""Stream methods that compare the classes with negative labels."""
