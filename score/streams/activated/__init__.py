"""Stream methods whose negatives are the words that the stream's OOD images activate."""
