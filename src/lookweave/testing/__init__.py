"""Stand-ins for services that Lookweave talks to, for its own tests and for yours."""
