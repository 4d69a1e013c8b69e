"""The reference names every address of the console with the role that it needs."""

import re
from pathlib import Path

from starlette.routing import Mount, Route

from posthouse.bootstrap import build_house
from posthouse.cli.console import build_console, build_sign_in
from posthouse.settings.settings import Settings
from tests.architecture.test_documented import rows, sections


async def test_every_route_of_the_console_is_documented_with_its_role(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    house = build_house(settings)
    await house.open()
    console = build_console(settings, house, build_sign_in(house))
    roles = {f"{entry.method} /console{entry.path}": str(entry.role) for entry in console.entries}
    found = set()
    for route in console.routes():
        if isinstance(route, Mount):
            found.add("GET " + re.sub(r"/static/\w+$", "/static/{stamp}/{file}", route.path))
        elif isinstance(route, Route) and route.include_in_schema:
            found |= {f"{method} {route.path}" for method in (route.methods or set()) - {"HEAD"}}
    await house.close()
    documented = rows(sections("http.md")["The console"])
    assert set(documented) == found
    assert {name: cells[0] for name, cells in documented.items() if cells[0]} == roles
