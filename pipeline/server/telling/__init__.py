"""What is told of a request: to the client, to Prometheus, to a tracer, to the log."""
