"""bertune tasks."""

from bertune.cli import options as o


def tasks(as_json: o.AsJson = False) -> None:
    """List the tasks with the columns they read and an example of each."""
    from bertune.base import registry

    teller = o.teller(as_json)
    for name in registry.names("tasks"):
        about = {part: registry.literal("tasks", name, part) for part in ("columns", "example")}
        teller.say(name, registry.describe("tasks", name), **about)
        teller.say("", f"columns: {', '.join(about['columns'])}; for example:")
        teller.say("", "\n".join(about["example"].splitlines()[:2]))
