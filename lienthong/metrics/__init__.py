"""What is told to whoever watches the system, as Prometheus reads it."""
