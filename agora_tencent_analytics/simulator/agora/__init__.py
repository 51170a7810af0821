"""A simulated Agora."""
