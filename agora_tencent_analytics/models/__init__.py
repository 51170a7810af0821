"""What answers become: calls, sessions, series, events and figures, the same for every vendor."""
