"""The platform library: what every service needs and none owns. Knows no business, imports no service."""
