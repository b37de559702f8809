"""What is current, for other monitoring systems: Prometheus asks for it, OpenTelemetry is sent."""
