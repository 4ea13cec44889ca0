"""The card of the example model. It names the class and imports nothing heavy: cards of all
installed packages are read by every command that lists or chooses models."""

from lookweave.models.card import Card

CARDS = [
    Card(
        name="example-colours",
        task="encoder",
        factory="lookweave_example_model.encoder:ColourHistogram",
        licence="Apache-2.0",
        good_for="an example: garments compared by their colours alone",
        dimension=4**3,
        settings={"levels": 4},
        version=1,  # raise it whenever the same settings give other vectors
    )
]
