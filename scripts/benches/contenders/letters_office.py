"""Letters as one flat OpenDocument text."""

import base64
import html
import io

import letter

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"
 office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.text">
<office:styles><style:default-style style:family="paragraph"><style:paragraph-properties fo:margin-bottom="5pt"/>
<style:text-properties fo:font-size="10.5pt" fo:font-family="Arial"/></style:default-style></office:styles>
<office:automatic-styles>
<style:style style:name="new" style:family="paragraph"><style:paragraph-properties fo:break-before="page"/>
<style:text-properties fo:font-size="14pt" fo:font-weight="bold"/></style:style>
<style:style style:name="big" style:family="paragraph"><style:text-properties fo:font-size="13pt" fo:font-weight="bold"/></style:style>
<style:style style:name="box" style:family="paragraph"><style:paragraph-properties fo:border="0.3mm solid #000000" fo:padding="2mm"/>
<style:text-properties fo:font-size="12pt"/></style:style>
<style:page-layout style:name="a4"><style:page-layout-properties fo:page-width="210mm" fo:page-height="297mm" fo:margin="20mm"/></style:page-layout>
</office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="a4"/></office:master-styles>
<office:body><office:text>
"""
TAIL = "</office:text></office:body></office:document>\n"


def picture(one):
    png = io.BytesIO()
    letter.square_code(one.url).save(png, kind="png", border=0)
    return (
        '<draw:frame text:anchor-type="as-char" svg:width="28mm" svg:height="28mm"><draw:image draw:mime-type="image/png"><office:binary-data>'
        f"{base64.b64encode(png.getvalue()).decode()}</office:binary-data></draw:image></draw:frame>"
    )


def paragraphs(one):
    lines = lambda words: "<text:line-break/>".join(map(html.escape, words))
    yield "new", letter.SENDER
    yield "", lines(letter.SENDER_ADDRESS)
    yield "", lines(["", "", one.name, *one.address, "", ""])
    yield "big", letter.HEADING
    yield "", html.escape(f"Dear {one.name},")
    for words in [*letter.PARAGRAPHS, letter.CLOSING, letter.SIGNED]:
        yield "", words
    yield "box", lines([f"Invitation code: {one.code}", f"Access code: {one.token}", one.url])
    yield "", picture(one)


def main():
    letters, output = letter.asked()
    with open(output, "w", encoding="utf-8") as file:
        file.write(HEAD)
        for one in letters:
            for style, words in paragraphs(one):
                file.write(
                    f'<text:p{f" text:style-name={chr(34)}{style}{chr(34)}" if style else ""}>{words}</text:p>\n'
                )
        file.write(TAIL)


main()
