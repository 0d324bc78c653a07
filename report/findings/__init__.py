"""Findings: what results show, in sentences, and what changed between two runs."""
