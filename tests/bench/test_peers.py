"""Every peer is given every question, word for word."""

import json
from dataclasses import replace

import pytest

from bench.peers import PEERS, Peer
from bench.questions import Question

ASKED = [
    Question("calls", "SELECT 'q' AS quest_id, 1::float8 AS resource_calls", ("quest_id",), ("resource_calls",)),
    Question("two", "SELECT '1d' AS \"window\", 1 AS a, 2 AS b", ("window",), ("a", "b")),
]
URL = "postgresql://reader@127.0.0.1:5432/ledgers"
MARKERS = {
    "query-exporter": ["resource_calls{", "a{", "b{"],
    "sql_exporter": ['col="resource_calls"', 'col="a"', 'col="b"'],
    "postgres_exporter": ["calls_resource_calls{", "two_a{", "two_b{"],
}


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_the_configuration_holds_the_questions(peer: Peer) -> None:
    texts = set(_texts(peer.configure(ASKED, URL)))
    assert {question.sql for question in ASKED} <= texts
    assert {"quest_id", "resource_calls", "window", "a", "b"} <= texts


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_how_an_answer_looks_on_the_page(peer: Peer) -> None:
    assert [peer.marker(question, value) for question in ASKED for value in question.values] == MARKERS[peer.name]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_that_is_not_installed_is_said_to_be_with_the_way_to_install_it(peer: Peer) -> None:
    said = replace(peer, program="no-such-program").state()
    assert said.startswith("not measured: not installed; fix: ")
    assert f"apt-get install --no-install-recommends {peer.package}" in said or f"pip install {peer.package}==" in said


def _texts(node: object) -> list[str]:
    """Every key and text in a document."""
    if isinstance(node, dict):
        return [text for key, value in node.items() for text in (key, *_texts(value))]
    if isinstance(node, list):
        return [text for item in node for text in _texts(item)]
    return [node] if isinstance(node, str) else [json.dumps(node)]
