"""What may be written down about people: small counts suppressed, undeclared columns refused."""
