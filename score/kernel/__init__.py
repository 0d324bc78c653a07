"""The sums that most of a run's time goes into: their definition in NumPy, and the same in C."""
