"""What a service's tests stand on: real PostgreSQL and RabbitMQ of their own, tokens, events, counted statements."""
