"""Letters as one HTML document, for browsers."""

import html

import letter

STYLE = """
@page { size: A4; margin: 20mm }
body { font: 10.5pt/1.3 Arial, Arimo, 'Liberation Sans', sans-serif; margin: 0 }
section { break-after: page; position: relative; height: 256mm }
header { font-weight: bold; font-size: 14pt }
.from { position: absolute; right: 0; top: 0; font-size: 9pt }
address { font-style: normal; height: 55mm; padding-top: 20mm; box-sizing: border-box }
h1 { font-size: 13pt }
.codes { position: absolute; left: 0; bottom: 0; width: 110mm; height: 28mm; border: 0.3mm solid; font-size: 12pt; padding: 2mm; box-sizing: border-box }
.codes small { font-size: 8pt }
svg { position: absolute; right: 0; bottom: 0; width: 28mm; height: 28mm }
"""


def svg(one):
    side, runs = one.square()
    path = "".join(f"M{x} {y}h{width}v1h-{width}z" for x, y, width in runs)
    return f'<svg viewBox="0 0 {side} {side}" role="img" aria-label="Square code"><path d="{path}"/></svg>'


def section(one):
    lines = lambda words: "<br>".join(map(html.escape, words))
    return (
        f"<section><header>{letter.SENDER}</header><div class=from>{lines(letter.SENDER_ADDRESS)}</div>"
        f"<address>{lines([one.name, *one.address])}</address><h1>{letter.HEADING}</h1><p>Dear {html.escape(one.name)},</p>"
        + "".join(f"<p>{words}</p>" for words in letter.PARAGRAPHS)
        + f"<p>{letter.CLOSING}</p><p>{letter.SIGNED}</p><div class=codes>Invitation code: {one.code}<br>Access code: {one.token}<br>"
        f"<small>{html.escape(one.url)}</small></div>{svg(one)}</section>"
    )


def document(letters):
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>Letters</title><style>{STYLE}</style><body>"
    yield from map(section, letters)


def main():
    letters, output = letter.asked()
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(document(letters))


if __name__ == "__main__":
    main()
