"""Puts the parts together for whoever asks: the CLI, the panel and the clock. The only way from `panel` to a step."""
