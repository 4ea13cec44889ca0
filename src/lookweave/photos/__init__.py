"""Photos: any file's bytes into upright 8-bit sRGB pixels, or why not.

`decode` reads; `formats` tells what the bytes are and takes formats of others; `jpeg`, `png`,
`tiff` and `containers` open them; `holes` finds what was never written; `colour` and
`colour_spaces` bring them to sRGB.
"""

from lookweave.photos.decode import FileBytes, Limits, Photo, load, read_file, thumbnail
from lookweave.photos.formats import PhotoFormat, register_photo_format

__all__ = [
    "FileBytes",
    "Limits",
    "Photo",
    "PhotoFormat",
    "load",
    "read_file",
    "register_photo_format",
    "thumbnail",
]
