"""What both simulated vendors have in common: the server, its counting, its listings and its log."""
