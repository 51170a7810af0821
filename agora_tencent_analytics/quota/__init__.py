"""Who may send when: limits, queues, and the stores that processes share them through."""
