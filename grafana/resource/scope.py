"""What the sections of the Resource Dashboard have in common."""

from typing import Final

from grafana import links
from grafana.queries import Scope
from grafana.tables import Key

SCOPE: Final = Scope({"layer": '=~"$layer"', "quest_id": '=~"$quest"'})
QUEST: Final = ("quest_id", "quest")
BY_QUEST: Final = (Key("quest_id"), Key("quest", "Quest", link=links.quest_of_row()))

NO_BUDGET: Final = "no data: no budget today"
NO_SPEND: Final = "no data: no costs"
NO_IMPACT: Final = "no data: no judged tasks in this window"
NO_HISTORY: Final = "no data: no spend in the last 24 hours; it starts with the first scrape"
