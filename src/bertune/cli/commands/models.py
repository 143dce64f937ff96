"""bertune models."""

from bertune.cli import options as o


def models(as_json: o.AsJson = False) -> None:
    """List the named models, for which languages and hardware, and whether they are at hand."""
    from bertune.model.choice import at_hand, known

    teller = o.teller(as_json)
    for model in known():
        here = "at hand" if at_hand(model) else "not at hand"
        text = f"{model['reason']}; {', '.join(model['hardware'])}; {here}"
        teller.say(model["name"], text, source=model["source"], at_hand=here == "at hand")
    teller.say("others", "any hub id or folder of an encoder: --model NAME")
