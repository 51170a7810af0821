"""What happened in the simulated world."""
