"""The whole way on a simulated Flanders."""
