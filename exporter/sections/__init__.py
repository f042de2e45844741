"""The sections of the report, one module each: SQL over the rollups -> metric families."""

from exporter.sections import allocation, efficiency, providers, report, spend, utilization, waste

SECTIONS = {
    "report": report,
    "allocation": allocation,
    "spend": spend,
    "utilization": utilization,
    "providers": providers,
    "efficiency": efficiency,
    "waste": waste,
}
