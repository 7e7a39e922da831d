"""A table that is read on a terminal and as Markdown."""


class Table:
    def __init__(self, title, columns, notes=()):
        self.title, self.columns, self.rows, self.notes = title, columns, [], list(notes)

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells] + [""] * (len(self.columns) - len(cells)))

    def __str__(self):
        rows = [self.columns, *self.rows]
        widths = [max(3, *(len(row[at]) for row in rows)) for at in range(len(self.columns))]
        # The first column is words, the others are figures.
        line = (
            lambda row: "| "
            + " | ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))
            )
            + " |"
        )
        rule = "|" + "|".join("-" * (width + 1) + ("-" if at == 0 else ":") for at, width in enumerate(widths)) + "|"
        return "\n".join(
            [self.title, "", line(self.columns), rule, *map(line, self.rows), *(f"\n{note}" for note in self.notes)]
        )


def count(number):
    return f"{number:,.0f}"


def figure(number):
    """Three digits that matter, and none after the point above a hundred."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def mebibytes(size):
    """Nothing where nothing was seen: a program that was over too soon."""
    if size < 2**16:
        return ""
    return f"{size / 2**20:,.0f}" if size >= 10 * 2**20 else f"{size / 2**20:.1f}"


def middle(values):
    values = sorted(values)
    at = len(values) // 2
    return values[at] if len(values) % 2 else (values[at - 1] + values[at]) / 2
