"""The letter that every contender makes: who it is for, its words, its square code."""

import itertools
import json
import sys
from dataclasses import dataclass

import segno

SENDER = "Northern Example Trust"
SENDER_ADDRESS = ["Patient services", "1 Example Street", "Exampleton", "EX1 1EX"]
HEADING = "See your hospital record online"
PARAGRAPHS = [
    "You can now see your appointments, your letters and your test results online. We use a service that is called Patients Know "
    "Best. It is free for you, it works on any computer, tablet or telephone, and nobody can see your record there unless you let "
    "them.",
    "In your record you find what we know about your care: when your next appointment is, what was said at the last one, and what "
    "your tests have shown, usually within a day. You can read it again at home, in your own time, and show it to somebody whom you "
    "trust. You can also write down what matters to you, such as your symptoms, your medicines and your allergies, so that you need "
    "not tell it again each time.",
    "To begin, point the camera of your telephone at the square below, or go to the address beside it. You will be asked for the "
    "two codes in the box and for your date of birth, so that we know that it is you. Choose a password that you do not use for "
    "anything else. It takes about five minutes.",
    "The codes are for you alone. Please do not give them to anybody, and keep this letter in a safe place until you have "
    "registered. They end after thirty days; if they have ended, call us and we send you new ones.",
    "You do not have to register. Your care stays the same if you do not, and we go on writing to you by post. If you have a "
    "question, or need this letter in large print or in another language, call us on weekdays between nine and five.",
]
CLOSING = "Yours sincerely"
SIGNED = "The records team"


def square_code(url):
    # To weigh all eight masks takes several times as long as the rest, and any of them can be read.
    return segno.make(url, error="m", boost_error=False, micro=False, mask=0)


@dataclass
class Letter:
    name: str
    address: list
    code: str
    token: str
    url: str

    def square(self):
        """Modules on a side, and the dark runs of each row: (x, y, width), from the upper left."""
        rows = [bytes(row) for row in square_code(self.url).matrix]
        runs = []
        for y, row in enumerate(rows):
            x = 0
            for dark, modules in itertools.groupby(row):
                width = len(list(modules))
                if dark:
                    runs.append((x, y, width))
                x += width
        return len(rows), runs


def letters(path, count):
    """So many letters from records with codes; names that are not Latin are left to programs that can."""
    made = 0
    while made < count:
        before = made
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                invitation, patient = record.get("invitation"), record.get("patient")
                if made == count:
                    return
                if not invitation or "outcome" in record or not patient.get("postcode"):
                    continue
                name = " ".join(filter(None, (patient.get(key) for key in ("title", "first_name", "last_name"))))
                address = [*patient["address"], patient["postcode"]]
                try:
                    "".join([name, *address]).encode("latin-1")
                except UnicodeEncodeError:
                    continue
                code, token = invitation["code"], invitation["token"]
                yield Letter(name, address, code, token, f"https://joinpkb.com/?t1={code}&t2={token}")
                made += 1
        if made == before:
            sys.exit("there are no records with codes")


def asked():
    """RECORDS LETTERS OUTPUT, as every contender is called."""
    return letters(sys.argv[1], int(sys.argv[2])), sys.argv[3]


if __name__ == "__main__":
    print(sum(len(paragraph.split()) for paragraph in PARAGRAPHS), "words")
