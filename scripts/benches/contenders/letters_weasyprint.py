"""Letters by WeasyPrint."""

import weasyprint

import letter
import letters_html

letters, output = letter.asked()
weasyprint.HTML(string="".join(letters_html.document(letters))).write_pdf(output)
