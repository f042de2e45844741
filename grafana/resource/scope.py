"""What the sections of the Resource Dashboard have in common."""

from typing import Final

from grafana import links
from grafana.queries import Scope
from grafana.tables import Key

SCOPE: Final = Scope({"layer": '=~"$layer"', "quest_id": '=~"$quest"'})
BY_QUEST: Final = (Key("quest_id"), Key("quest", "Quest", link=links.quest_of_row()))
