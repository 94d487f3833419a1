"""The doors beside AMQP: HTTP and folders. Each ends in `lienthong.flows.receive`."""
