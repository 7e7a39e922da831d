"""Letters by the Python package of Typst."""

import json
import pathlib

import typst

import letter
import letters_html

TEMPLATE = """
#set page(paper: "a4", margin: 20mm)
#set text(size: 10.5pt, lang: "en")
#set document(title: "Letters")
#let words = json("words.json")
#for (at, one) in json("letters.json").enumerate() {
  if at > 0 { pagebreak() }
  text(14pt, strong(words.sender))
  place(top + right, text(9pt, words.from.join(linebreak())))
  block(height: 55mm, inset: (top: 15mm), one.address.join(linebreak()))
  heading(words.heading)
  [Dear #one.name,]
  for words in words.paragraphs { par(words) }
  par(words.closing)
  par(words.signed)
  place(bottom + left, rect(width: 110mm, height: 28mm, stroke: 0.3mm)[
    Invitation code: #one.code \\ Access code: #one.token \\ #text(8pt, one.url)
  ])
  place(bottom + right, image(bytes(one.svg), format: "svg", width: 28mm, alt: "Square code"))
}
"""


def main():
    letters, output = letter.asked()
    folder = pathlib.Path(output + ".source")
    folder.mkdir(exist_ok=True)
    words = {
        "sender": letter.SENDER,
        "from": letter.SENDER_ADDRESS,
        "heading": letter.HEADING,
        "paragraphs": letter.PARAGRAPHS,
        "closing": letter.CLOSING,
        "signed": letter.SIGNED,
    }
    (folder / "words.json").write_text(json.dumps(words))
    svg = lambda one: letters_html.svg(one).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    (folder / "letters.json").write_text(
        json.dumps(
            [
                {
                    "name": one.name,
                    "address": [one.name, *one.address],
                    "code": one.code,
                    "token": one.token,
                    "url": one.url,
                    "svg": svg(one),
                }
                for one in letters
            ]
        )
    )
    (folder / "letters.typ").write_text(TEMPLATE)
    typst.compile(str(folder / "letters.typ"), output=output)


main()
