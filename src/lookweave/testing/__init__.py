"""Stand-ins for services that Lookweave talks to, and what tests of it compare: for yours, too."""
