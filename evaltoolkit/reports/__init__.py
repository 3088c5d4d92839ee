"""Figures, tables, prose and pages: what leaves the building."""
