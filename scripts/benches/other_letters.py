"""What others make letters with: each is given so many that it works for some seconds."""

import shlex
import subprocess

from .contest import Contender

PDFLATEX = "pdflatex -interaction=batchmode latex.tex"
CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer --user-data-dir=chromium "
    "--print-to-pdf=chromium.pdf file://$PWD/chromium.html"
)
LIBREOFFICE = "soffice --headless -env:UserInstallation=file://$PWD/office --convert-to pdf office.fodt"


def contenders(bench):
    def python(package, name, letters, script, pdf):
        """A package that makes a PDF itself."""
        letters = bench.number(letters, 5)
        command = bench.python(script, "letters.ndjson", letters, pdf)
        return Contender(
            bench.named(package, name), letters, command, makes=(pdf,), missing=bench.lacks_python("segno", package)
        )

    def program(program, debian, name, letters, script, source, then):
        """A program that makes a PDF of a document, which a script writes first."""
        letters = bench.number(letters, 5)
        document = shlex.join(map(str, bench.python(script, "letters.ndjson", letters, source)))
        missing = bench.lacks((program, debian)) + bench.lacks_python("segno")
        pdf = source.rpartition(".")[0] + ".pdf"
        return Contender(
            named(program, name), letters, ["sh", "-c", f"{document} && {then}"], makes=(pdf,), missing=missing
        )

    latex = "texlive-latex-base texlive-fonts-recommended"
    office = "libreoffice-writer-nogui"
    return [
        program("pdflatex", latex, "pdflatex", 4_000, "letters_latex.py", "latex.tex", PDFLATEX),
        python("typst", "typst for Python", 1_500, "letters_typst.py", "python-typst.pdf"),
        python("reportlab", "ReportLab", 1_500, "letters_reportlab.py", "reportlab.pdf"),
        program("chromium", "chromium", "Chromium", 1_000, "letters_html.py", "chromium.html", CHROMIUM),
        program("soffice", office, "LibreOffice", 400, "letters_office.py", "office.fodt", LIBREOFFICE),
        python("weasyprint", "WeasyPrint", 100, "letters_weasyprint.py", "weasyprint.pdf"),
    ]


def named(program, name):
    """A program and its version, the number alone, as a table says it."""
    try:
        words = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        words = []
    version = next((word.split("-")[-1] for word in words if word[-1:].isdigit()), "")
    return f"{name} {version}".strip()
