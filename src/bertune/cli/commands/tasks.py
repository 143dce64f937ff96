"""bertune tasks."""

from bertune.cli import options as o


def tasks(as_json: o.AsJson = False) -> None:
    """List the tasks with the columns they read."""
    from bertune.base import registry

    teller = o.teller(as_json)
    for name in registry.names("tasks"):
        columns = registry.literal("tasks", name, "columns")
        example = registry.literal("tasks", name, "example")
        teller.say(name, registry.describe("tasks", name), columns=columns, example=example)
        teller.say("", f"columns: {', '.join(columns)}")
