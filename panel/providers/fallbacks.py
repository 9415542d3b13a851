"""The order of the providers that stand behind the current one."""

from __future__ import annotations

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue

from jobs.policy.access import Right
from jobs.wiring import providers
from panel import hx, work
from panel.access import needs
from panel.audit import audited, note
from panel.providers.shown import behind
from panel.providers.tab import pages

STEPS = {"up": -1, "down": 1}


@pages.post("/order")
@needs(Right.HOST)
@audited("provider.order")
def move() -> ResponseReturnValue:
    """`move`: up, down or out. From its end of the list nothing moves on, and it says so."""
    name, way = request.form.get("name", ""), request.form.get("move", "")
    note(object=f"{name} {way}")
    order = [str(row.name) for row in providers.fallbacks()]
    if name not in order or way not in (*STEPS, "out"):
        abort(422)
    place = order.index(name)
    order.remove(name)
    if way != "out":
        order.insert(min(max(place + STEPS[way], 0), len(order)), name)
    providers.keep_fallbacks(order)
    where = "is none of the fallbacks any more" if way == "out" else f"is number {order.index(name) + 1} now"
    hx.say(f"{name} {where}.", "good")
    if not hx.wants_partial():
        return hx.redirect(url_for("providers.show", _anchor="fallbacks"))
    return hx.partial_only("providers/_fallbacks.html", behind=behind(providers.list_providers(work.instance())))
