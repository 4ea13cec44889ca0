"""The list of all verbs: a line each, and where it is written.

A new verb is a function in a file of its kind and a line here. It does no work of its own: it
calls the library, and shows what comes back.
"""

from __future__ import annotations

from typing import Annotated

import typer

from lookweave import __version__
from lookweave.cli import direction, models, planning, results, studio, tables, users, work
from lookweave.cli.logged import with_log
from lookweave.studio.render.cli import render
from lookweave.terminal import say
from lookweave.train.cli import app as train_app

app = typer.Typer(
    name="lookweave",
    help="Pair product photos of garments with editorial photos of the very same garments.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

VERBS = (
    work.demo,
    work.build,
    work.status,
    work.config,
    work.sources,
    work.takedown,
    work.verify_store,
    work.serve,
    tables.matches,
    tables.pairs,
    tables.products,
    tables.search,
    results.report,
    results.evaluate,
    results.benchmark,
    results.calibrate,
    results.audit,
    results.publish,
    results.export,
    planning.measure,
    planning.plan,
    render,
    studio.shoot,
    studio.judge,
    direction.board,
    direction.concepts,
    direction.shots,
    direction.spread,
    direction.campaign,
    direction.outfits,
)
"""In the order that --help lists them; ``verify_store`` is called ``verify-store``."""

for _verb in VERBS:
    app.command(_verb.__name__.replace("_", "-"))(with_log(_verb))

models.app.callback()(models.list_models)
models.app.command("fetch")(with_log(models.fetch_model))
app.add_typer(models.app, name="models", help="Every model card.")

for _of_users in users.VERBS:
    users.app.command(_of_users.__name__.partition("_")[0])(with_log(_of_users))
app.add_typer(users.app, name="users", help="Who may sign in to what `serve` shows.")

for _command in train_app.registered_commands:
    if _command.callback is not None:
        _command.callback = with_log(_command.callback)
app.add_typer(train_app, name="train")


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"lookweave {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="print the version", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(2)
