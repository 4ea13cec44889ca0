"""Photo-shoots: a garment's product photo in, an editorial picture out."""
