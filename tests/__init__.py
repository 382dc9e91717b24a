"""The tests, in folders by level; what they share stands in `tests.support`."""
