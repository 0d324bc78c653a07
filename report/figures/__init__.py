"""Figures for papers, one file a family."""
