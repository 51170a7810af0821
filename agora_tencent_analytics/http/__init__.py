"""The way of one request: from the question to the decoded page."""
