"""Photos: any file's bytes into upright 8-bit sRGB pixels, or why not.

`decode` reads, `formats` tells what the bytes are, `colour` brings them to sRGB.
"""

from lookweave.photos.decode import FileBytes, Limits, Photo, load, read_file, thumbnail

__all__ = ["FileBytes", "Limits", "Photo", "load", "read_file", "thumbnail"]
