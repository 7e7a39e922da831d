"""Letters as one LaTeX document; the square code as a path that pdfTeX copies as it is."""

import re

import letter

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[scaled]{helvet}
\usepackage[margin=20mm]{geometry}
\renewcommand{\familydefault}{\sfdefault}
\setlength{\parindent}{0pt}\setlength{\parskip}{5pt}\pagestyle{empty}
\newcommand{\letterto}[6]{%
  \begin{minipage}[t]{110mm}\textbf{\Large SENDER}\end{minipage}\hfill\begin{minipage}[t]{40mm}\footnotesize FROM\end{minipage}\par
  \vspace{15mm}\begin{minipage}[t][38mm]{90mm}#1\\#2\end{minipage}\par
  \textbf{\large HEADING}\par Dear #1,\par BODY
  \vfill
  \fbox{\begin{minipage}[b][26mm]{106mm}\large Invitation code: #3\\Access code: #4\\\scriptsize #5\end{minipage}}%
  \hfill\raisebox{28mm}{\pdfliteral{#6}\rule{28mm}{0pt}}\newpage}
\begin{document}
"""
SPECIAL = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "#": r"\#",
        "_": r"\_",
        "$": r"\$",
        "{": r"\{",
        "}": r"\}",
        "~": r"\~{}",
        "^": r"\^{}",
        "\\": r"\textbackslash{}",
    }
)
MILLIMETRE = 72 / 25.4


def plain(words):
    return words.translate(SPECIAL)


def path(one):
    side, runs = one.square()
    module = 28 * MILLIMETRE / side
    return (
        f"q {module:.4f} 0 0 -{module:.4f} 0 0 cm " + " ".join(f"{x} {y} {width} 1 re" for x, y, width in runs) + " f Q"
    )


def main():
    letters, output = letter.asked()
    body = r"\par ".join(map(plain, [*letter.PARAGRAPHS, letter.CLOSING, letter.SIGNED])) + r"\par"
    parts = {
        "SENDER": plain(letter.SENDER),
        "FROM": r"\\".join(map(plain, letter.SENDER_ADDRESS)),
        "HEADING": plain(letter.HEADING),
        "BODY": body,
    }
    with open(output, "w", encoding="utf-8") as file:
        file.write(re.sub("SENDER|FROM|HEADING|BODY", lambda found: parts[found.group()], PREAMBLE))
        for one in letters:
            values = [
                plain(one.name),
                r"\\".join(map(plain, one.address)),
                one.code,
                one.token,
                plain(one.url),
                path(one),
            ]
            file.write(r"\letterto" + "".join(f"{{{value}}}" for value in values) + "\n")
        file.write("\\end{document}\n")


main()
