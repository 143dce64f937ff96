"""bertune show."""

from typing import Annotated

import typer

from bertune.cli import options as o


def show(
    kind: Annotated[str, typer.Argument(help="kind of part, such as losses", metavar="KIND")],
    name: Annotated[str | None, typer.Argument(help="one part; none: all of the kind", metavar="NAME")] = None,
    as_json: o.AsJson = False,
) -> None:
    """Show the parts of a kind, or the settings of one part."""
    from bertune.base import registry
    from bertune.base.settings import schema, settings_of

    say = o.teller(as_json)
    kind = next((name for name in (kind, kind + "s", kind + "es") if name in registry.DOORS), kind)
    if name is None:
        for part in registry.names(kind):
            say.say(part, registry.describe(kind, part), part=part)
        return
    part = registry.load(kind, name)
    say.say(name, registry.describe(kind, name), part=name)
    for setting in settings_of(schema(part)):
        text = f"{setting.name} = {setting.default!r}: {setting.allowed}. {setting.meaning}".rstrip(". ")
        say.say("", text, setting=setting.name, default=setting.default, allowed=setting.allowed)
