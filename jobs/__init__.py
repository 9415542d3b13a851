"""What runs without a person: the steps of a check, the queue and the clock."""
