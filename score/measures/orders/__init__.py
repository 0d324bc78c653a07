"""Measures of scores that learn from the stream: over orders, in pairs, and along the stream."""
