"""How sure: tests and intervals that stay valid when few are treated."""
