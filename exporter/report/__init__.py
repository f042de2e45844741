"""The report: what all sections share, and how they are computed together from the rollups at one moment."""
