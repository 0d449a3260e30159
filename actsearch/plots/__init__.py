"""Pictures, by matplotlib without pyplot: no state, no display, the same bytes each time."""
