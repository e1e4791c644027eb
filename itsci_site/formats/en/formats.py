"""English: day before month, the month a word."""

DATE_FORMAT = "j F Y"
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
