"""See check-fonts. The names are invented; so are the patients."""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter

FONTS = pathlib.Path("/usr/share/fonts/truetype/noto")
# Each name is given as title, first and last name; the address is in the same script where there is one.
NAMES = [
    ("श्री", "कृष्णकान्त", "त्रिपाठी"),
    ("सुश्री", "प्रियंका", "श्रीवास्तव"),
    ("", "ஸ்ரீநிவாசன்", "சௌந்தரராஜன்"),
    ("", "பொன்னம்மாள்", "கோபாலகிருஷ்ணன்"),
    ("นาย", "สมชาย", "น้ำทิพย์"),
    ("", "กิ่งแก้ว", "ศรีสุวรรณ"),
    ("", "שָׁלוֹם", "בֶּן־דָּוִד"),
    ("", "רִבְקָה", "כֹּהֵן"),
    ("", "কৃষ্ণেন্দু", "চট্টোপাধ্যায়"),
    ("", "မြင့်မြင့်ခိုင်", "ကျော်ဇေယျာ"),
    ("", "Ọlọ́runtóbi", "Adébọ̀wálé"),
    ("", "Ẹ̀bùn", "Ọ̀ṣunlàdé"),
    ("", "Əli", "Quliyev"),
    ("", "Әлия", "Серик"),
    ("", "مُحَمَّد", "العَلِيّ"),
    ("Ms", "Ffion", "Griffiths"),
    ("Mr", "M̤ary", "Z̧ana"),
]
FILES = ["Devanagari", "Hebrew", "Bengali", "Myanmar"]
COLLECTION = ["Tamil", "Thai"]
# Languages of letters, each with the script of its words, as names of characters begin.
LANGUAGES = {
    "cy": "LATIN", "pl": "LATIN", "ro": "LATIN", "pa": "GURMUKHI", "ur": "ARABIC", "bn": "BENGALI", "ar": "ARABIC",
}
# They need a font that is not built in.
FOREIGN = {"pa": "Gurmukhi", "bn": "Bengali"}


def collection(paths: list[pathlib.Path]) -> bytes:
    """Some fonts as one file (.ttc)."""
    head = 12 + 4 * len(paths)
    out = bytearray(b"ttcf" + struct.pack(">HHL", 1, 0, len(paths)) + bytes(4 * len(paths)))
    for at, path in enumerate(paths):
        font, start = path.read_bytes(), len(out)
        assert head <= start
        struct.pack_into(">L", out, 12 + 4 * at, start)
        count = struct.unpack_from(">H", font, 4)[0]
        directory = bytearray(font[: 12 + 16 * count])
        for table in range(count):
            place = 12 + 16 * table + 8
            offset = struct.unpack_from(">L", directory, place)[0]
            struct.pack_into(">L", directory, place, offset + start)
        out += directory + font[len(directory):]
        out += bytes(-len(out) % 4)
    return bytes(out)


def record(at: int, of: int, name: tuple[str, str, str]) -> dict:
    title, first, last = name
    stem = f"999{at:06}"
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(stem)) % 11
    patient = {
        "national_id": {"type": "NHS_NUMBER", "value": f"{stem}{check % 11}"},
        **({"title": title} if title else {}),
        "first_name": first, "last_name": last, "date_of_birth": "1980-02-03",
        "address": [f"{at} Main Street", "Northtown"], "postcode": "NE1 1XC",
    }
    return {
        "schema": "pkb-record/1", "row": {"file": "names.csv", "number": at + 2, "of": of},
        # The template is the example, which real letters must not have.
        "rehearsal": True, "patient": patient,
        "pkb": {"id": str(1000 + at), "checked_at": "2026-11-22T08:00:00Z"},
        "invitation": {"code": f"Invite{at:03}l", "token": f"Access{at:03}O", "expires_at": "2026-12-22T09:00:00Z"},
    }


def possible(at: int) -> bool:
    stem = f"999{at:06}"
    return sum(int(digit) * (10 - place) for place, digit in enumerate(stem)) % 11 != 1


def letters(text: str) -> str:
    """Without white space, which programs guess from the gaps between glyphs, and without what nobody sees."""
    hidden = {0x200B, 0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    kept = "".join(character for character in text if ord(character) not in hidden)
    return unicodedata.normalize("NFC", "".join(kept.split()))


def is_read_twice(page: str, name: str) -> bool:
    """In the address and behind "Dear". In a script that runs from right to left pdftotext puts marks before their letters."""
    own = lambda text: Counter(letter for letter in text if unicodedata.bidirectional(letter) in ("R", "AL") or letter in name and unicodedata.combining(letter))
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name):
        once = own(name)
        return own(page) == once + once
    return page.count(name) == 2


def check(program: str, folder: pathlib.Path, engine: str, names: list) -> list[str]:
    places = [at for at in range(1, 9 * len(names)) if possible(at)][: len(names)]
    records = [record(at, len(names), name) for at, name in zip(places, names)]
    for number, one in enumerate(records):
        one["row"]["number"] = number + 2
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    settings = {**os.environ, "PKB_FIXED_TIME": "2026-11-22T09:00:00Z"}
    out = folder / engine
    command = [program, "--template", "template", "--out", str(out), "--engine", engine]
    run = lambda command, text: subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, env=settings)
    made = run(command, lines)
    found = []
    for one in map(json.loads, made.stdout.splitlines()):
        if "outcome" in one:
            found.append(f"row {one['row']['number']}: {one['outcome']}")
    if made.returncode != 0:
        found.append(f"exit code {made.returncode}: {made.stderr}")
    verified = run([str(pathlib.Path(program).with_name("pkb")), "verify", str(out)], made.stdout)
    if verified.returncode != 0:
        found.append(f"verify: {verified.stdout}{verified.stderr}")
    for path in sorted(out.glob("*.pdf")):
        text = run(["pdftotext", str(path), "-"], None).stdout
        pages = text.split("\f")[:-1]
        for page, name in zip(pages, names):
            wanted = letters(" ".join(part for part in name if part))
            if not is_read_twice(letters(page), wanted):
                found.append(f"{engine}: pdftotext does not read {wanted} twice")
    return found


def check_languages(program: str, folder: pathlib.Path, template: str) -> list[str]:
    """A letter in each language and print: whether its first page is in it, its last in English, and pkb verify agrees."""
    has_fonts = template == "template"
    cases = [(language, size) for language in LANGUAGES for size in ("standard", "large")]
    places = [at for at in range(1, 9 * len(cases)) if possible(at)][: len(cases)]
    records = [record(at, len(cases), ("Mr", "John", "Smith")) for at in places]
    for number, (one, (language, size)) in enumerate(zip(records, cases)):
        one["row"]["number"] = number + 2
        one["patient"] |= {"language": language, "format": size}
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    settings = {**os.environ, "PKB_FIXED_TIME": "2026-11-22T09:00:00Z"}
    out = folder / f"languages-{template}"
    run = lambda command, text: subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, env=settings)
    made = run([program, "--template", template, "--out", str(out), "--separate"], lines)
    found = [f"exit code {made.returncode}: {made.stderr}"] if made.returncode != 0 else []
    verified = run([str(pathlib.Path(program).with_name("pkb")), "verify", str(out)], made.stdout)
    if verified.returncode != 0:
        found.append(f"verify: {verified.stdout}{verified.stderr}")
    for (language, size), one in zip(cases, map(json.loads, made.stdout.splitlines())):
        what = f"{language}, {size} print, {template}"
        wanted = f"{language}+en" if language != "cy" else "cy"
        wanted = wanted if has_fonts or language not in FOREIGN else "en"
        delivery = one["deliveries"][0]
        if delivery.get("languages", "en") != wanted:
            found.append(f"{what}: the letter is in {delivery.get('languages')}, not in {wanted}")
            continue
        pages = run(["pdftotext", str(out / delivery["file"]), "-"], None).stdout.split("\f")[:-1]
        script = LANGUAGES[language] if wanted != "en" else "LATIN"
        own = sum(unicodedata.name(letter, "").startswith(script) for letter in pages[0])
        if own < 300:
            found.append(f"{what}: the first page has {own} letters of its script")
        if wanted.endswith("en") and not any("Dear Mr John Smith" in page for page in pages):
            found.append(f"{what}: no page is in English")
        if "\N{REPLACEMENT CHARACTER}" in "".join(pages):
            found.append(f"{what}: letters without a meaning")
    return found


def main() -> int:
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([program, "template", "new", "template"], cwd=folder, check=True, capture_output=True)
        fonts = folder / "template" / "fonts"
        fonts.mkdir(exist_ok=True)
        path = lambda script: FONTS / f"NotoSans{script}-Regular.ttf"
        for script in FILES:
            (fonts / path(script).name).write_bytes(path(script).read_bytes())
        (fonts / "NotoSans.ttc").write_bytes(collection([path(script) for script in COLLECTION]))
        # So many that they are stamped, but for those of which the stamp engine cannot be certain.
        many = [*NAMES, *(("Ms", "Ann", f"Lee{letter}") for letter in "abcdefgh")]
        found = [*check(program, folder, "typst", NAMES), *check(program, folder, "auto", many)]
        subprocess.run([program, "template", "new", "without"], cwd=folder, check=True, capture_output=True)
        for script in FOREIGN.values():
            for weight in ("Regular", "Bold"):
                font = FONTS / f"NotoSans{script}-{weight}.ttf"
                (fonts / font.name).write_bytes(font.read_bytes())
        found += [line for template in ("template", "without") for line in check_languages(program, folder, template)]
        checked = subprocess.run([program, "template", "check", "template"], cwd=folder, capture_output=True, text=True)
        if checked.returncode != 0:
            found.append(f"template check: {checked.stdout}{checked.stderr}")
    for line in found:
        print(f"check-fonts: {line}", file=sys.stderr)
    if not found:
        print(f"check-fonts: {len(NAMES)} names in the fonts that were added, each read once in each place, and letters in "
              f"{len(LANGUAGES)} languages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
