"""What a scan will cost, before it is paid."""
