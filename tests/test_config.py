from pathlib import Path

import pytest

from lookweave.config import FILE_NAME, Setting, explain, load
from lookweave.errors import ConfigError


def test_each_layer_beats_the_one_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults < earlier builds < lookweave.toml < environment < flags of this call."""
    names = ["categories", "top_k", "reverse_k", "hubness_bank", "block_rows"]
    earlier = dict.fromkeys(names[1:], 100)
    monkeypatch.setenv("LOOKWEAVE_MATCH__HUBNESS_BANK", "300")
    monkeypatch.setenv("LOOKWEAVE_MATCH__BLOCK_ROWS", "300")
    lines = [f"{name} = 200" for name in names[2:]]
    (tmp_path / FILE_NAME).write_text("\n".join(["[match]", *lines]), encoding="utf-8")

    settings = explain(tmp_path, {"match": earlier}, match={"block_rows": 400})
    told = {one.name: (one.value, one.origin) for one in settings}
    assert [told[f"match.{name}"] for name in names] == [
        (4, "default"),
        (100, "an earlier build"),
        (200, "lookweave.toml"),
        (300, "LOOKWEAVE_MATCH__HUBNESS_BANK"),
        (400, "this call"),
    ]
    match = load(tmp_path, {"match": earlier}, match={"block_rows": 400}).match
    assert [getattr(match, name) for name in names] == [4, 100, 200, 300, 400]


def test_every_setting_is_explained_once() -> None:
    names = [one.name for one in explain()]
    assert len(names) == len(set(names))
    assert {"garments", "models", "match.top_k", "run.engine", "vlm.extra"} <= set(names)


def test_a_whole_section_may_stand_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKWEAVE_MATCH", '{"top_k": 3}')
    assert Setting("match.top_k", 3, "LOOKWEAVE_MATCH") in explain()
    monkeypatch.setenv("LOOKWEAVE_VLM__EXTRA__SEED", "5")
    assert load().vlm.extra == {"seed": "5"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOOKWEAVE_NONSENSE", "1", "LOOKWEAVE_NONSENSE is no setting"),
        ("LOOKWEAVE_MODEL", "fast", "did you mean LOOKWEAVE_MODELS?"),
        ("LOOKWEAVE_MATCH_TOP_K", "5", "did you mean LOOKWEAVE_MATCH__TOP_K?"),
        ("LOOKWEAVE_MATCH__TOPK", "5", "Did you mean match.top_k?"),
        ("LOOKWEAVE_MATCH", "{", "LOOKWEAVE_MATCH is no JSON"),
        ("LOOKWEAVE_RUN__WORKERS", "", "from LOOKWEAVE_RUN__WORKERS"),
    ],
)
def test_a_variable_that_means_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load()
    assert said in str(caught.value)


def test_the_variable_that_holds_the_key_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKWEAVE_VLM_API_KEY", "secret")
    monkeypatch.setenv("LOOKWEAVE_OUR_KEY", "secret")
    with pytest.raises(ConfigError, match="LOOKWEAVE_OUR_KEY"):
        load()
    assert load(vlm={"api_key_variable": "LOOKWEAVE_OUR_KEY"}).vlm.timeout == 120


def test_everything_wrong_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        "colour = 1\n[match]\ntop_k = 0\n[tier]\nvalidation = 0.6\ntest = 0.6\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {"run": {"workers": 0}})
    said = str(caught.value)
    assert "colour: there is no such setting, from lookweave.toml" in said
    assert "match.top_k" in said and "it is 0, from lookweave.toml" in said
    assert "leave something to train on" in said
    assert "run.workers" in said and "from an earlier build" in said


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot both be 0"):
        load(match={"lambda_vlm": 0.0, "lambda_visual": 0.0})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_file_is_read_as_editors_write_it(tmp_path: Path, encoding: str, end: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    text = end.join([f"{mark}# Größe", "[match]", "top_k = 9", ""])
    (tmp_path / FILE_NAME).write_bytes(text.encode(encoding))
    assert load(tmp_path).match.top_k == 9


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[match\n", r"lookweave\.toml is not valid TOML.*line 1"),
        ("# Größe\n".encode("cp1252"), r"not written in UTF-8 \(at byte 4\). Save it as UTF-8"),
        (b"\xff\xfe[\x00a", r"not written in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_place(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        load(tmp_path)


def test_a_folder_in_the_files_place_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
