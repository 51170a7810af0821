"""Everything that waits."""
