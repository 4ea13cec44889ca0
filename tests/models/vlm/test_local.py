"""The describer in this process, with a tiny model made of transformers' own classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from lookweave.config import Vlm  # noqa: E402
from lookweave.errors import ConfigError, HubUnreachable, Rejected  # noqa: E402
from lookweave.models.protocols import Crop, Description  # noqa: E402
from lookweave.models.vlm.captioned import from_caption  # noqa: E402
from lookweave.models.vlm.cards import CARDS, configure  # noqa: E402
from lookweave.models.vlm.local import LocalVlmDescriber  # noqa: E402
from lookweave.taxonomy import CATEGORIES  # noqa: E402

from .tiny_vlm import write_tiny_florence, write_tiny_vlm  # noqa: E402

COAT = {
    "category": "coat", "could_also_be": ["jacket"], "colours": ["navy"], "pattern": "checked",
    "material": "wool", "sleeve": "long", "length": "knee", "neckline": "collar",
    "caption": "A checked coat with horn buttons.",
}  # fmt: skip

Crops = Callable[..., list[Crop]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def local(folder: Path, **settings: object) -> LocalVlmDescriber:
    vlm = Vlm(**{"model": str(folder), "max_tokens": 60, "scenes": False, **settings})
    return LocalVlmDescriber(configure(CARDS[1], vlm))


def test_a_chat_model_is_asked_and_read(tmp_path: Path, crops: Crops) -> None:
    write_tiny_vlm(tmp_path, json.dumps(COAT))
    answers = local(tmp_path).describe(crops(2, kind="look"))
    for answer in answers:
        assert isinstance(answer, Description)
        assert answer.caption == COAT["caption"]
        assert max(answer.attributes["category"], key=answer.attributes["category"].get) == "coat"


def test_looks_get_their_scene(tmp_path: Path, crops: Crops) -> None:
    # This model says one thing to every image: the fields of both answers at once.
    write_tiny_vlm(tmp_path, json.dumps({**COAT, "scene": "wet quay", "mood": "austere"}))
    [look, garment] = local(tmp_path, scenes=True).describe(
        [*crops(1, kind="look"), *crops(1, kind="garment")]
    )
    assert isinstance(look, Description) and isinstance(garment, Description)
    assert (look.scene, look.mood, look.pose) == ("wet quay", "austere", None)
    assert garment.scene is None


def test_babble_is_rejected_and_a_batch_equals_one_by_one(tmp_path: Path, crops: Crops) -> None:
    write_tiny_vlm(tmp_path)
    subject = local(tmp_path, max_tokens=50)
    shown = crops(3)
    shown[1] = Crop(np.zeros((90, 300, 3), np.uint8), (0, 0, 300, 90))
    together = subject.describe(shown)
    apart = [subject.describe([crop])[0] for crop in shown]
    for one, other in zip(together, apart, strict=True):
        assert isinstance(one, Rejected) and isinstance(other, Rejected)
        assert (one.reason, one.detail, one.retry) == (other.reason, other.detail, False)


def test_a_captioning_model_is_asked_for_captions(tmp_path: Path, crops: Crops) -> None:
    write_tiny_florence(tmp_path)
    subject = local(tmp_path, max_tokens=50)
    scores = np.zeros(len(CATEGORIES), np.float32)
    scores[CATEGORIES.index("coat")] = 1.0
    shown = [crops(1)[0], replace(crops(1)[0], label_scores=scores), *crops(2, first=30)]
    together = subject.describe(shown)
    apart = [subject.describe([crop])[0] for crop in shown]
    assert [str(answer) for answer in together] == [str(answer) for answer in apart]
    babble, known, *_ = together
    assert isinstance(babble, Rejected) and babble.reason == "no_garment"
    assert isinstance(known, Description) and known.caption
    assert max(known.attributes["category"], key=known.attributes["category"].get) == "coat"


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match=r"vlm\.model"):
        LocalVlmDescriber(configure(CARDS[1], Vlm()))
    with pytest.raises(HubUnreachable, match="models_dir"):
        local(Path("nobody/has-this-model"))


def test_a_caption_is_read_for_the_taxonomys_words() -> None:
    said = from_caption(
        "A woman with long hair in a long-sleeved floral dress with a v-neck, in red and gray."
    )
    assert said.attributes["category"]["dress"] == 1.0
    assert said.attributes["sleeve"] == {"long": 1.0}
    assert said.attributes["colours"] == {"red": 0.5, "grey": 0.5}
    assert said.attributes["pattern"] == {"floral": 1.0}
    assert said.attributes["neckline"] == {"v-neck": 1.0}


def test_the_detector_chooses_among_the_garments_of_a_caption() -> None:
    scores = np.full(len(CATEGORIES), 0.01, np.float32)
    scores[CATEGORIES.index("trousers")] = 0.8
    category = from_caption("A shirt tucked into pants and boots.", scores).attributes["category"]
    assert max(category, key=category.__getitem__) == "trousers"
    assert sum(category.values()) == pytest.approx(1.0)
    with pytest.raises(Rejected, match="names no garment"):
        from_caption("A sunny street.")


def test_a_local_models_key_follows_what_its_folder_holds(tmp_path: Path) -> None:
    write_tiny_vlm(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "moved")
    first, moved = (configure(CARDS[1], Vlm(model=str(tmp_path / n))) for n in ("one", "moved"))
    assert first.key == moved.key != configure(CARDS[1], Vlm(model="a/b")).key
    weights = tmp_path / "one/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert configure(CARDS[1], Vlm(model=str(tmp_path / "one"))).key != first.key
