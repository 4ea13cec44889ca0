"""Photos: any file's bytes into upright 8-bit sRGB pixels, or why not.

`decode` reads; `formats` tells what the bytes are and takes formats of others; `jpeg`, `png`,
`tiff` and `containers` open them; `holes` finds what was never written; `colour` and
`colour_spaces` bring them to sRGB; `small` makes thumbnails and perceptual hashes.
"""

from lookweave.photos.decode import FileBytes, Limits, Photo, load, read_file
from lookweave.photos.formats import PhotoFormat, register_photo_format
from lookweave.photos.small import perceptual_hash, thumbnail

__all__ = [
    "FileBytes",
    "Limits",
    "Photo",
    "PhotoFormat",
    "load",
    "perceptual_hash",
    "read_file",
    "register_photo_format",
    "thumbnail",
]
