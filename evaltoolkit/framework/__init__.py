"""Indicators, their rules, dated periods and the long table of values."""
