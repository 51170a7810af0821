"""How files are opened that hold secrets of others, and when what stands in them is believed."""
