"""The cost model, without a build: what is put in comes out again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lookweave.errors import InputError
from lookweave.pipeline.run import PIPELINE
from lookweave.planning import calls
from lookweave.planning.measure import UNITS, fitted, join_work, rows_allowed
from lookweave.planning.plan import GPUS, Machines, Plan, plan
from lookweave.planning.rates import Rates, StepRate, read_rates


def rates(**more: Any) -> Rates:
    steps = {
        name: StepRate(
            unit=unit, cpu_fixed=1.0, cpu_each=0.01, seconds_fixed=1.0, seconds_each=0.005,
            bytes_each=100.0, peak_mb=500.0, runs=(),
        )
        for name, unit in UNITS.items()
    }  # fmt: skip
    given = {
        "models": "siglip", "device": "cpu", "cores": 4, "workers": 4, "memory_mb": 16000.0,
        "garments": 50, "looks": 50, "bytes_per_photo": 1e6, "regions_per_look": 3.0,
        "compared": 0.5, "matches_kept": 1.0, "top_k": 50, "reverse_k": 5, "width": 1000,
        "join_rate": 1e10, "steps": steps,
    }  # fmt: skip
    return Rates(**(given | more))


def of(found: Plan, name: str) -> Any:
    return next(step for step in found.steps if step.step == name)


def test_every_step_has_a_unit() -> None:
    assert [step.name for step in PIPELINE if step.name != "link"] == list(UNITS)


def test_a_straight_line_is_found_and_no_cost_is_below_zero() -> None:
    assert fitted([100, 200, 400], [3.0, 5.0, 9.0]) == pytest.approx((1.0, 0.02))
    assert fitted([100, 200, 400], [1.0, 2.5, 5.2])[0] == 0.0
    assert fitted([5, 10], [0.0, 0.0]) == (0.0, 0.0)


def test_a_line_is_carried_to_any_size_and_divided_by_cores_and_nodes() -> None:
    one = plan(1000, 500, rates(), Machines(nodes=1, cores=1, network=1e6))
    assert of(one, "ingest").core_seconds == pytest.approx(1 + 0.01 * 1500)
    assert of(one, "embed").core_seconds == pytest.approx(1 + 0.01 * (1000 + 3 * 500))
    many = plan(1000, 500, rates(), Machines(nodes=3, cores=8, network=1e6))
    assert of(many, "ingest").seconds == pytest.approx(of(one, "ingest").seconds / 24)
    assert of(many, "group").seconds == of(one, "group").seconds, "it runs on one core"


def test_the_join_grows_with_the_product_of_garments_and_regions() -> None:
    def join(garments: int, looks: int) -> float:
        found = of(plan(garments, looks, rates(), Machines()), "match")
        return float(found.core_seconds - 1 - 0.01 * (garments + 3 * looks))

    assert join(10_000, 1000) == pytest.approx(join_work(10_000, 3000, 0.5, 1000) / 1e10)
    assert join(20_000, 3000) == pytest.approx(6 * join(10_000, 1000))


def test_matches_are_as_many_as_both_lists_allow() -> None:
    assert rows_allowed(10, 1000, 0.5, 50, 5) == 10 * 50 + 1000 * 5
    assert rows_allowed(10, 40, 0.5, 50, 5) == 10 * 20 + 40 * 5
    found = plan(10, 1000, rates(matches_kept=0.5), Machines())
    assert of(found, "tier").units == 0.5 * rows_allowed(10, 3000, 0.5, 50, 5)


def test_a_slow_network_is_the_bottleneck_and_says_so() -> None:
    found = plan(1_000_000, 100_000, rates(), Machines(cores=64, network=0.1))
    step = of(found, "ingest")
    assert (step.bottleneck, step.seconds) == ("network", pytest.approx(1.1e12 * 8 / 1e8))
    assert of(plan(1000, 1000, rates(), Machines(cores=1)), "ingest").bottleneck == "cores"


def test_a_gpu_takes_what_is_not_reading_and_the_plan_says_what_it_assumed() -> None:
    slow = rates()
    steps = {**slow.steps, "embed": slow.steps["embed"].model_copy(update={"cpu_each": 0.5})}
    slow = slow.model_copy(update={"steps": steps})
    with_gpu = plan(1000, 1000, slow, Machines(cores=4, gpu="l4"))
    step = of(with_gpu, "embed")
    assert step.core_seconds == pytest.approx(0.01 * 4000), "photos are read as ingest reads them"
    assert step.gpu_seconds == pytest.approx((1 + 0.49 * 4000) * 2e10 / (GPUS["l4"] * 3e11))
    assert any("30%" in sentence for sentence in with_gpu.assumed)
    embedded = plan(1000, 1000, slow.model_copy(update={"models": "embedded"}), Machines(gpu="l4"))
    assert of(embedded, "embed").gpu_seconds == 0
    assert any("GPU is not used" in sentence for sentence in embedded.assumed)
    measured = plan(1000, 1000, rates(device="cuda"), Machines(gpu="h100"))
    assert of(measured, "embed").gpu_seconds == pytest.approx(1 + 0.005 * 4000)


def test_rates_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "rates.json"
    file.write_text(rates().to_json())
    assert read_rates(file) == rates()
    found = calls.plan(9_500_000, 550_000, rates=file, nodes=4, gpu="h100")
    assert found == plan(9_500_000, 550_000, rates(), Machines(4, 4, "h100"))
    told = found.to_dict()
    assert told["seconds"] == pytest.approx(sum(step["seconds"] for step in told["steps"]))
    json.dumps(told)


@pytest.mark.parametrize("content", ["", "{}", '{"models": 3}', "no json"])
def test_a_file_without_rates_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "rates.json"
    file.write_text(content)
    with pytest.raises(InputError, match=r"holds no rates.*lookweave measure"):
        read_rates(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_rates(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("given", "said"),
    [({"gpu": "h1000"}, "h100"), ({"nodes": 0}, "at least 1"), ({"network": 0.0}, "above 0")],
)
def test_machines_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(Machines(), **given)


def test_nothing_is_not_planned() -> None:
    with pytest.raises(InputError, match="at least 1 garment"):
        plan(0, 5, rates(), Machines())


def test_measuring_asks_for_both_kinds_and_a_json_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give both"):
        calls.measure("somewhere")
    with pytest.raises(InputError, match=r"\.json"):
        calls.measure(out=tmp_path / "rates.txt")
