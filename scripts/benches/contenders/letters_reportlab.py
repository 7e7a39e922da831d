"""Letters by ReportLab."""

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

import letter

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10.5, leading=14, spaceAfter=6)
HEADING = ParagraphStyle("heading", parent=BODY, fontName="Helvetica-Bold", fontSize=13, leading=20)


def lines(canvas, x, y, words, size=10.5):
    text = canvas.beginText(x, y)
    text.setFont("Helvetica", size, leading=1.25 * size)
    text.textLines(words)
    canvas.drawText(text)


def page(canvas, one):
    width, height = A4
    canvas.setFont("Helvetica-Bold", 14)
    canvas.drawString(20 * mm, height - 25 * mm, letter.SENDER)
    lines(canvas, 140 * mm, height - 25 * mm, letter.SENDER_ADDRESS, 9)
    lines(canvas, 20 * mm, height - 50 * mm, [one.name, *one.address])
    y = height - 95 * mm
    for style, words in [
        (HEADING, letter.HEADING),
        (BODY, f"Dear {one.name},"),
        *((BODY, words) for words in letter.PARAGRAPHS),
    ]:
        paragraph = Paragraph(words, style)
        y -= paragraph.wrap(width - 40 * mm, height)[1]
        paragraph.drawOn(canvas, 20 * mm, y)
        y -= style.spaceAfter
    lines(canvas, 20 * mm, y - 14, [letter.CLOSING, "", letter.SIGNED])
    canvas.rect(20 * mm, 20 * mm, 110 * mm, 28 * mm)
    lines(canvas, 24 * mm, 41 * mm, [f"Invitation code: {one.code}", f"Access code: {one.token}"], 12)
    lines(canvas, 24 * mm, 25 * mm, [one.url], 8)
    side, runs = one.square()
    module = 28 * mm / side
    path = canvas.beginPath()
    for x, row, run in runs:
        path.rect(150 * mm + x * module, 48 * mm - (row + 1) * module, run * module, module)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.showPage()


def main():
    letters, output = letter.asked()
    canvas = Canvas(output, pagesize=A4, pageCompression=1)
    for one in letters:
        page(canvas, one)
    canvas.save()


main()
