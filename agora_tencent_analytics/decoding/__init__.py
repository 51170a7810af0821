"""From bytes to models: rows, points, and text that is nearly JSON."""
