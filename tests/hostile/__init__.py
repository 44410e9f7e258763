"""Files that mean harm, made by rule from a few honest ones: each family in a file of its own (README.md)."""
