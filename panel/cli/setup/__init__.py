"""`autossl setup` as a conversation: `answers` asks, `steps` does, `words` says, `conversation` holds them together."""
