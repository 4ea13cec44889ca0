"""``lookweave models``: the cards, and weights fetched for a machine without a network."""

from __future__ import annotations

from typing import Annotated

import typer

from lookweave import api
from lookweave.cli.options import Json, ModelsDir
from lookweave.terminal import say, show_result

app = typer.Typer(invoke_without_command=True)


def list_models(context: typer.Context, json_: Json = False, models_dir: ModelsDir = None) -> None:
    """Every model card: task, size, licence, where its weights come from, ready or not."""
    if context.invoked_subcommand:
        return
    listing = api.list_models(models_dir)
    if json_:
        show_result(listing.to_dict(), True)
        return
    for one in listing.models:
        card = one.card
        size = f"{round(card.size_mb, 1):g} MB" if card.size_mb else "-"
        commerce = "" if card.commercial else ", not for commerce"
        state = "not ready" if one.missing else "ready"
        say(
            f"{card.name:<26} {card.task:<10} {size:<9} {card.licence_text}{commerce}, "
            f"{card.source}: {state}"
        )
        say(f"    {card.good_for}")
        if card.offered_by:
            say(f"    from the package {card.offered_by}")
        if one.missing:
            say(f"    not ready: {one.missing}")
    if listing.generators:
        say("\nBackends of photo-shoots:")
    for made in listing.generators:
        read = f" (read {made['licence_date']})" if made["licence_date"] else " (check)"
        state = "ready" if made["source"] == "package" else "installed, its model not looked for"
        state = "not ready" if made["missing"] else state
        size = f"{made['memory_mb'] / 1000:g} GB" if made["memory_mb"] else "-"
        say(
            f"    --backend {made['name']:<26} {size:<8} {made['licence']}{read}, "
            f"{made['source']}: {state}"
        )
        say(f"        {made['good_for']}")
        ways: dict[str, list[str]] = {}
        for control, how in made["controls"].items():
            ways.setdefault(how, []).append(control)
        say("        " + "; ".join(f"{how}: {', '.join(what)}" for how, what in ways.items()))
        if made["missing"]:
            say(f"        not ready: {made['missing']}")
    say("\nPresets:")
    for name, parts in listing.presets.items():
        say(f"    --models {name:<10} {parts}")
    for package, reason in listing.unreadable.items():
        say(f"\nThe models of the package {package} cannot be read: {reason}")


def fetch_model(
    name: Annotated[str, typer.Argument(help="a card whose weights come from the hub")],
    to: Annotated[str, typer.Option(help="the models folder; --models-dir on the other machine")],
    json_: Json = False,
) -> None:
    """Bring a model's weights to a folder, for a machine without a network."""
    where = api.fetch_model(name, to)
    show_result({"model": name, "folder": str(where)} if json_ else str(where), json_)
