"""How a listing is read to its end: pages, windows, cursors, and the certificate that nothing is missing."""
