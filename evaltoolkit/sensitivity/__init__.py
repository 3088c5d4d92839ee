"""How far would parallel trends have to fail? Robust intervals under stated violations, and breakdown values."""
