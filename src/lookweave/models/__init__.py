"""Models behind four protocols, chosen by name through cards."""
