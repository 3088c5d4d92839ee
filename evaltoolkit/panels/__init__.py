"""Measures of units over dated periods."""
