"""Draws what `tmux capture-pane -e -N -p` tells of a screen: standard input to an SVG on standard output.

Each run of one look is one <text> at its own column and with its own length, so that it fits whatever font shows it;
lines between panes are drawn, since those of a font leave gaps between rows.

usage: terminal_to_svg.py COLUMNS ROWS CURSOR_COLUMN CURSOR_ROW
"""

import re
import sys
import unicodedata
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 8.4, 18, 14, 12
BACKGROUND, FOREGROUND = "#0d1117", "#d6dde5"
SIXTEEN = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4",
           "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc"]


@dataclass(frozen=True)
class Look:
    foreground: str = ""
    background: str = ""
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


def colour(number):
    """One of the 256 of xterm."""
    if number < 16:
        return SIXTEEN[number]
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    steps = [0, 95, 135, 175, 215, 255]
    number -= 16
    return "#" + "".join(f"{steps[part]:02x}" for part in (number // 36, number // 6 % 6, number % 6))


def changed(look, parameters):
    """A look behind an SGR sequence."""
    codes = [int(code or 0) for code in parameters.replace(":", ";").split(";")]
    flags = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}
    while codes:
        code = codes.pop(0)
        if code == 0:
            look = Look()
        elif code in flags:
            look = replace(look, **{flags[code]: True})
        elif code == 22:
            look = replace(look, bold=False, dim=False)
        elif code - 20 in flags:
            look = replace(look, **{flags[code - 20]: False})
        elif code in (38, 48):
            kind = codes.pop(0)
            found = colour(codes.pop(0)) if kind == 5 else "#" + "".join(f"{codes.pop(0):02x}" for _ in range(3))
            look = replace(look, **{"foreground" if code == 38 else "background": found})
        elif code in (39, 49):
            look = replace(look, **{"foreground" if code == 39 else "background": ""})
        else:
            for first, key in ((30, "foreground"), (40, "background"), (82, "foreground"), (92, "background")):
                if first <= code < first + 8 or (first > 80 and first + 8 <= code < first + 16):
                    look = replace(look, **{key: SIXTEEN[code - first]})
    return look


def width(character):
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cells(line):
    """The characters of a line: column, text, columns that it takes, look."""
    column, look, found = 0, Look(), []
    for sequence, character in re.findall(r"\x1b\[([0-9;:]*)m|(.)", line, re.S):
        if not character:
            look = changed(look, sequence)
            continue
        columns = width(character)
        if columns == 0 and found:
            at, text, taken, same = found[-1]
            found[-1] = (at, text + character, taken, same)
            continue
        found.append((column, character, columns, look))
        column += columns
    return found


def runs(line):
    """Cells of one look and of one width beside each other; the lines between panes stand alone."""
    run = []
    for cell in cells(line):
        same = run and run[-1][3] == cell[3] and (run[-1][2] == cell[2] or cell[1] == " ")
        if run and not (same and (run[-1][1] in "│─") == (cell[1] in "│─")):
            yield run
            run = []
        run.append(cell)
    if run:
        yield run


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def draw(line, row):
    top = MARGIN + row * CELL_HEIGHT
    for run in runs(line):
        look, text = run[0][3], "".join(cell[1] for cell in run)
        columns = sum(cell[2] for cell in run)
        ink, paper = look.foreground or FOREGROUND, look.background
        if look.reverse:
            ink, paper = paper or BACKGROUND, ink
        x = MARGIN + run[0][0] * CELL_WIDTH
        if paper:
            yield f'<rect x="{number(x)}" y="{top}" width="{number(columns * CELL_WIDTH)}" height="{CELL_HEIGHT}" fill="{paper}"/>'
        faint = ' opacity=".55"' if look.dim else ""
        if text[0] in "│─":
            box = (x + CELL_WIDTH / 2 - .5, top, 1, CELL_HEIGHT) if text[0] == "│" else (x, top + CELL_HEIGHT / 2 - .5, columns * CELL_WIDTH, 1)
            yield '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}/>'.format(*map(number, box), ink, faint)
            continue
        attributes = f' fill="{ink}"' if ink != FOREGROUND else ""
        attributes += ' font-weight="bold"' if look.bold else ""
        attributes += ' font-style="italic"' if look.italic else ""
        attributes += ' text-decoration="underline"' if look.underline else ""
        # Blanks at the ends and several in a row would be dropped: they are no part of what is written.
        for part in re.finditer(r"\S+(?: \S+)*", text):
            before = sum(cell[2] for cell in run[:part_index(run, part.start())])
            taken = sum(cell[2] for cell in run[part_index(run, part.start()):part_index(run, part.end())])
            place = MARGIN + (run[0][0] + before) * CELL_WIDTH
            yield (f'<text x="{number(place)}" y="{top + 13}" textLength="{number(taken * CELL_WIDTH)}"'
                   f'{attributes}{faint}>{escape(part.group())}</text>')


def part_index(run, offset):
    """The cell at an offset of the run's text."""
    for index, cell in enumerate(run):
        if offset <= 0:
            return index
        offset -= len(cell[1])
    return len(run)


def main():
    columns, rows, cursor_column, cursor_row = map(int, sys.argv[1:])
    lines = sys.stdin.read().split("\n")[:rows]
    wide, high = number(2 * MARGIN + columns * CELL_WIDTH), 2 * MARGIN + rows * CELL_HEIGHT
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
          f' font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="{FONT_SIZE}" fill="{FOREGROUND}">')
    print("<title>Parlor's client at a terminal: a talk, a file on its way, and a game of gomoku</title>")
    print(f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>')
    x, y = MARGIN + cursor_column * CELL_WIDTH, MARGIN + cursor_row * CELL_HEIGHT
    print(f'<rect x="{number(x)}" y="{y}" width="{CELL_WIDTH}" height="{CELL_HEIGHT}" fill="{FOREGROUND}" opacity=".7"/>')
    for row, line in enumerate(lines):
        for element in draw(line, row):
            print(element)
    print("</svg>")


main()
