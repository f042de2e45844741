"""The exposition: which bytes a scrape gets, and how it asks for them."""
