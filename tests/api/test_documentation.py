"""docs/api.md: every route is in it, and every sample does what the page says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from api.app import create_app
from api.problems import SLUGS, TITLES
from lots.settings import Settings
from tests.api.service import LOT, Service
from tests.api.test_alerts import raised
from tests.api.test_left_over import keep, letter
from tests.api.test_whatif import know

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


class Sample(NamedTuple):
    method: str
    path: str
    body: str | None
    kind: str = "application/json"  # of the body

    @property
    def bare(self) -> str:
        return self.path.partition("?")[0]


def samples() -> list[Sample]:
    """The page's lines of curl, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("curl")]
    return [_sample(shlex.split(line)[1:]) for line in lines]


def _sample(words: list[str]) -> Sample:
    method, body, path, kind = "GET", None, "", "application/json"
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "--json":
            body = words.pop(0)
            method = "POST" if method == "GET" else method
        elif word == "--data-binary":
            method, body = "POST", _file(words.pop(0))
        elif word == "-H":
            header = words.pop(0)
            kind = header.removeprefix("Content-Type: ") if header != "$KEY" else kind
        else:
            assert word.startswith("$API/"), word
            path = word.removeprefix("$API")
    return Sample(method, path, body, kind)


def _file(name: str) -> str:
    """What the page shows of the file ``@name``."""
    (content,) = re.findall(rf"```csv {re.escape(name[1:])}\n(.*?)```", PAGE, re.DOTALL)
    return str(content)


def test_every_route_has_a_sample(tmp_path: Path) -> None:
    described: dict[str, Any] = create_app(Settings(data=tmp_path)).openapi()["paths"]
    routes = {(method.upper(), path) for path, found in described.items() for method in found}
    unused = []
    for method, path in sorted(routes):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        shadowed = "/v1/tags/unknown" if path == "/v1/tags/{id}" else None
        if not any(
            each.method == method and pattern.fullmatch(each.bare) and each.bare != shadowed
            for each in samples()
        ):
            unused.append(f"{method} {path}")
    assert unused == []
    assert len(routes) > 50


def test_the_samples_work_in_their_order(service: Service) -> None:
    acme = service.caller("documentation")
    seeded = lettered = False
    for sample in samples():
        if "/alerts/" in sample.path and not seeded:
            raised(service, acme, 1, id="5d1f0c7e", lot="PB-2207")
            seeded = True
        if "/whatif" in sample.path:
            know(service, acme, "PB-2207")
        if "2f1c9a" in sample.path and not lettered:
            keep(service, letter(acme, 1, b"x", id="2f1c9a:0:3"))
            lettered = True
        headers = {"Content-Type": sample.kind} if sample.body else {}
        content = sample.body.encode() if sample.body else None
        reply = acme.writes.request(sample.method, sample.path, content=content, headers=headers)
        assert reply.is_success, f"{sample}: {reply.text}"
        shown(sample, reply)


def shown(sample: Sample, reply: httpx.Response) -> None:
    """Samples that look for something find it."""
    if "ref=" in sample.path:
        assert [lot["id"] for lot in reply.json()["items"]] == ["PB-2207"]
    if sample.path == "/v1/lots/PB-2207/sources":
        assert [source["tag"] for source in reply.json()["sources"]] == ["T-0451"]


def test_every_block_of_json_is_json() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        json.loads(block)


@pytest.mark.parametrize("name", ["history", "alert", "lot"])
def test_the_shapes_on_the_page_are_those_that_come(service: Service, name: str) -> None:
    who = service.caller(f"documentation-{name}")
    who.put("lots", id="PB-2207", **LOT)
    marks = {"history": '"step_s"', "alert": '"severity"', "lot": '"now"'}
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    page = next(block for block in blocks if marks[name].strip('"') in block)
    if name == "alert":
        came = who.get(f"/v1/alerts/{raised(service, who, 1, lot='PB-2207')}")
    else:
        came = who.get("/v1/lots/PB-2207" + ("/history" if name == "history" else ""))
    if name == "lot":
        page, came = page["now"], came["now"]
    assert set(page) == set(came)


def test_every_problem_is_on_the_page() -> None:
    told = dict(re.findall(r"\| `/problems/([\w-]+)` \| (\d+) \|", PAGE))
    assert set(told) == set(TITLES)
    for status, slug in SLUGS.items():
        assert told[slug] == str(status)
