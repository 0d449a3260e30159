"""Formulas as DEAP's typed trees: their items, the shapes of a space, and how many there are."""
