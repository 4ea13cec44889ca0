"""Models from outside: by a call, and by installed packages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import lookweave
from lookweave.config import load
from lookweave.errors import ConfigError, ModelError, UnknownModel
from lookweave.models import cards, registry
from lookweave.models.card import Card
from lookweave.models.protocols import Crop, Vectors

EXAMPLE = Path(__file__).parents[2] / "examples/lookweave-example-model"

CARD = Card(name="grey", task="encoder", licence="Apache-2.0", dimension=1, good_for="a test")


class Grey:
    """All garments are alike."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        self.dimension = card.dimension or 0

    def encode(self, crops: list[Crop]) -> Vectors:
        return np.ones((len(crops), self.dimension), np.float32)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = registry.registered_models()
    yield
    for card in registry.registered_models():
        registry.forget_model(card.name)
    registry.restore_models(before)


def test_a_registered_class_is_a_model() -> None:
    lookweave.register_model(CARD, Grey)

    models = cards.models_of(load(models="grey"))

    assert isinstance(models.encoder.load(), Grey)
    assert models.detector.name == "lookweave-segmenter"
    assert "grey" in cards.all_cards()
    lookweave.register_model(
        Card("grey-2", "encoder", licence="MIT", dimension=2), lambda *_: Grey(CARD)
    )
    assert cards.card_named("grey-2").load().dimension == 1


def test_a_factory_is_named_in_place_of_a_loader() -> None:
    card = Card(
        "no-detection", "detector", "lookweave.models.whole:WholePhoto", "Apache-2.0",
    )  # fmt: skip
    lookweave.register_model(card)
    assert cards.card_named("no-detection").load().detect([np.zeros((4, 5, 3), np.uint8)])


def test_the_key_does_not_follow_where_the_class_lives() -> None:
    lookweave.register_model(CARD, Grey)
    key = cards.card_named("grey").key
    lookweave.register_model(CARD, lambda *_: Grey(CARD), replace_it=True)
    assert cards.card_named("grey").key == key
    assert cards.card_of(key) == cards.card_named("grey")


def test_the_key_follows_version_settings_and_every_byte_of_the_weights(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    (weights / "sub").mkdir(parents=True)
    (weights / "sub/table.npy").write_bytes(bytes(100))
    keys = []
    for card in (
        Card("grey", "encoder", licence="MIT", dimension=1, weights=weights),
        Card("grey", "encoder", licence="MIT", dimension=1, weights=weights, version=2),
        Card("grey", "encoder", licence="MIT", dimension=1, weights=weights, settings={"a": 1}),
    ):
        lookweave.register_model(card, Grey, replace_it=True)
        keys.append(cards.models_of(load(models="grey")).encoder.key)
    (weights / "sub/table.npy").write_bytes(bytes(99) + b"1")
    keys.append(cards.models_of(load(models="grey")).encoder.key)
    assert len(set(keys)) == 4


@pytest.mark.parametrize("name", ["siglip-base", "embedded", "fashion-clip-zero-shot", "vlm"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*Lookweave's own.*this process"):
        lookweave.register_model(Card(name, "encoder", licence="MIT", dimension=1), Grey)
    assert not registry.registered_models()


def test_a_model_is_replaced_when_that_is_said() -> None:
    lookweave.register_model(CARD, Grey)
    with pytest.raises(ConfigError, match="registered already"):
        lookweave.register_model(CARD, Grey)
    changed = Card("grey", "encoder", licence="MIT", dimension=7)
    lookweave.register_model(changed, Grey, replace_it=True)
    assert cards.card_named("grey").dimension == 7
    registry.forget_model("grey")
    with pytest.raises(UnknownModel, match="grey"):
        cards.card_named("grey")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (Card("a b", "encoder", licence="MIT", dimension=1), "its name may hold"),
        (Card("a+b", "encoder", licence="MIT", dimension=1), "its name may hold"),
        (Card("../a", "encoder", licence="MIT", dimension=1), "its name may hold"),
        (Card("a.onnx", "detector", licence="MIT"), "must not end in .onnx"),
        (Card("a", "classifier", licence="MIT"), "must be one of detector"),  # type: ignore[arg-type]
        (Card("a", "detector"), "says no licence"),
        (Card("a", "encoder", licence="MIT"), "dimension"),
    ],
)
def test_a_card_that_lacks_something_is_refused(card: Card, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        lookweave.register_model(card, Grey)


def test_neither_loader_nor_factory_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a loader"):
        lookweave.register_model(CARD)


def test_an_object_without_the_method_is_refused() -> None:
    lookweave.register_model(Card("d", "detector", licence="MIT"), Grey)
    with pytest.raises(ModelError, match="d is a Grey without the method detect"):
        cards.card_named("d").load()


def test_an_encoder_of_text_describes_too() -> None:
    lookweave.register_model(Card("t", "encoder", licence="MIT", dimension=1, text=True), Grey)
    card = cards.card_named("t-zero-shot")
    assert card.loader is None and card.made_of is not None and card.made_of.loader is Grey


def test_the_page_on_own_models_is_true() -> None:
    page = (EXAMPLE.parents[1] / "docs/models/own.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    vectors = (
        cards.card_named("mean-colour")
        .load()
        .encode(
            [
                Crop(np.full((9, 9, 3), colour, np.uint8), (0, 0, 9, 9))
                for colour in ((9, 9, 9), (250, 0, 0))
            ]
        )
    )
    assert vectors[0] == pytest.approx([3**-0.5] * 3) and vectors[1][0] > 0.99


Package = Callable[..., Path]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """Write an installed package as pip would: a module, and the entry point that names it."""

    def write(name: str, module: str, folder: str = "site") -> Path:
        site = tmp_path / folder
        about = site / f"{name}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[lookweave.models]\nx = {name}:CARDS\n")
        (site / f"{name}.py").write_text(module)
        return site

    return write


IMPORT = "from lookweave.models.card import Card\n"
DETECTOR = 'Card("{}", "detector", "lookweave.models.whole:WholePhoto", "MIT")'


@pytest.mark.parametrize("value", [DETECTOR, f"[{DETECTOR}]", f"({DETECTOR},)"])
def test_an_installed_package_offers_models(
    package: Package, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    module = f"offer_{abs(hash(value))}"
    monkeypatch.syspath_prepend(package(module, f"{IMPORT}CARDS = {value.format('theirs')}"))
    card = cards.card_named("theirs")
    assert card.offered_by == module
    assert cards.resolve("theirs").detector == card


def test_two_packages_with_one_name_are_told(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first_offer", "second_offer"):
        monkeypatch.syspath_prepend(
            package(name, f"{IMPORT}CARDS = {DETECTOR.format('same')}", name)
        )
    with pytest.raises(
        ConfigError, match=r"'same': one of the package first_offer .* second_offer"
    ):
        cards.all_cards()


def test_a_package_that_takes_one_of_our_names_is_told(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"{IMPORT}CARDS = {DETECTOR.format('detr-coco')}"
    monkeypatch.syspath_prepend(package("takes_ours", module))
    with pytest.raises(ConfigError, match="Lookweave's own and one of the package takes_ours"):
        cards.all_cards()


def test_a_package_that_cannot_be_imported_keeps_nobody_from_other_models(
    package: Package, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.syspath_prepend(package("broken_offer", "import a_module_that_is_not_there"))
    assert cards.resolve("embedded").encoder.name == "lookweave-encoder"
    assert "broken_offer cannot be read" in caplog.text
    with pytest.raises(UnknownModel, match=r"broken_offer cannot be read \(ModuleNotFoundError"):
        cards.card_named("theirs")


@pytest.mark.parametrize(
    ("value", "words"),
    [("3", "neither a Card nor a list"), ('[Card("a", "detector")]', "says no licence")],
)
def test_a_package_that_offers_no_card_is_told(
    package: Package, monkeypatch: pytest.MonkeyPatch, value: str, words: str
) -> None:
    name = f"odd_offer_{len(value)}"
    monkeypatch.syspath_prepend(package(name, f"{IMPORT}CARDS = {value}"))
    with pytest.raises(ConfigError, match=f"{name}.*{words}"):
        cards.all_cards()


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> dict[str, str]:
    """The environment of a Python in which the example package is installed by pip."""
    site = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "example"
    # A copy, for a build leaves folders of its own in the source.
    subprocess.run([sys.executable, "-c", "import shutil, sys; shutil.copytree(*sys.argv[1:])",
                    EXAMPLE, source], check=True)  # fmt: skip
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
               "--no-build-isolation", "--disable-pip-version-check", "--target", site, source]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {**environment, "PYTHONPATH": f"{site}{os.pathsep}{environment['PYTHONPATH']}"}


def _lookweave(environment: dict[str, str], *arguments: object) -> dict[str, object]:
    command = [sys.executable, "-m", "lookweave.cli", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_the_example_package_is_listed_and_builds(
    installed: dict[str, str], photo_folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    listed = _lookweave(installed, "models")["models"]
    assert isinstance(listed, list)
    [own] = [one for one in listed if one["name"] == "example-colours"]
    assert own["package"] == "lookweave-example-model" and own["ready"]
    assert own["licence"] == "Apache-2.0"

    built = _lookweave(
        installed, "build", "--garments", photo_folders[0], "--looks", photo_folders[1],
        "--models", "whole-photo+example-colours", "--out", tmp_path / "ws",
    )  # fmt: skip

    counts = built["counts"]
    assert isinstance(counts, dict) and counts["matches"] > 0
    assert (tmp_path / f"ws/embeddings/{own['key']}.lance").is_dir()


def test_the_example_tells_colours_apart(installed: dict[str, str]) -> None:
    code = """
import numpy as np
from lookweave.models.cards import card_named
from lookweave.models.protocols import Crop
encoder = card_named("example-colours").load()
red, blue = (np.full((30, 20, 3), colour, np.uint8) for colour in ((200, 10, 10), (10, 10, 200)))
half = np.concatenate([red, blue])
mask = np.repeat([255, 0], 30)[:, None] * np.ones((1, 20), np.uint8)
box = (0.0, 0.0, 20.0, 30.0)
crops = [Crop(red, box), Crop(blue, box), Crop(half, (0.0, 0.0, 20.0, 60.0)),
         Crop(half, (0.0, 0.0, 20.0, 60.0), mask.astype(np.uint8))]
vectors = encoder.encode(crops)
print(np.round(vectors @ vectors.T, 3).tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env=installed)  # fmt: skip
    assert done.returncode == 0, done.stderr
    alike = json.loads(done.stdout)
    assert alike[0] == pytest.approx([1, 0, 0.707, 1.0], abs=2e-3)
    assert alike[1] == pytest.approx([0, 1, 0.707, 0.0], abs=2e-3)
