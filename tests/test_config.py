from pathlib import Path

import pytest

from lookweave.config import load
from lookweave.errors import ConfigError


def test_flags_beat_environment_and_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lookweave.toml").write_text(
        "[match]\ntop_k = 5\nreverse_k = 6\nhubness_bank = 7\n", encoding="utf-8"
    )
    monkeypatch.setenv("LOOKWEAVE_MATCH__REVERSE_K", "60")
    monkeypatch.setenv("LOOKWEAVE_MATCH__HUBNESS_BANK", "70")
    match = load(tmp_path, match={"hubness_bank": 700}).match
    assert (match.top_k, match.reverse_k, match.hubness_bank) == (5, 60, 700)


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "lookweave.toml").write_text(
        "colour = 1\n[match]\ntop_k = 0\n[tier]\nvalidation = 0.6\ntest = 0.6\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    said = str(caught.value)
    assert "colour: there is no such setting" in said
    assert "match.top_k" in said and "it is 0" in said
    assert "leave something to train on" in said
    assert "lookweave.toml" in said


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot both be 0"):
        load(match={"lambda_vlm": 0.0, "lambda_visual": 0.0})


def test_broken_toml_names_the_file_and_the_place(tmp_path: Path) -> None:
    (tmp_path / "lookweave.toml").write_text("[match\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"lookweave\.toml is not valid TOML.*line 1"):
        load(tmp_path)
