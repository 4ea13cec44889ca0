"""The photo-shoot: rendered pictures with truth, and what is learnt from them."""
