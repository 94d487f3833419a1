"""Measuring the product on the machine it runs on, beside the bare primitives of every stage."""
