"""Text with personal data planted at known places, and decoys that only look like it; seeded."""
import random
import string

import phonenumbers

REGIONS = ("US", "GB", "DE", "FR", "IL", "IN", "CA", "BR")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
IBAN_SHAPES = {"DE": "18n", "GB": "4a14n", "FR": "10n11c2n", "NL": "4a10n", "CH": "5n12c", "ES": "20n", "IT": "1a10n12c",
               "PL": "24n", "AT": "16n", "NO": "11n", "MT": "4a5n18c", "SA": "2n18c"}
PEOPLE = ("jane.doe", "o.neil", "kim_lee", "ana+news", "j-p.martin", "support", "b2b", "x", "maria99")
DOMAINS = ("example.com", "mail.example.co.uk", "firma.de", "university.edu", "shop.com.br", "my-site.org", "a.b.example.net")
FIRST = ("Please write to {}.", "Contact: {}", "His details are {}, as you asked.", "({})", "She gave {} and left.",
         "{} is what the form says.", "Forward it to {} today!", "value={};", "« {} »", "Straße 5 – {} – Zürich")
WITH_WORD = {
    "PHONE_NUMBER": ("Call me at {}.", "phone: {}", "Our fax is {}", "Her mobile number is {}, ring any time."),
    "CREDIT_CARD": ("The card {} was charged.", "visa {}", "Pay with credit card {} please."),
    "US_SSN": ("SSN: {}", "His social security number is {}.", "ssn {} on file"),
    "IBAN_CODE": ("IBAN {}", "Wire it to the bank account {}."),
    "US_ITIN": ("ITIN {}", "taxpayer number {}."), "US_PASSPORT": ("US passport {}", "Passport number: {}."),
    "US_BANK_NUMBER": ("bank account {}", "My checking acct {}."), "ABA_ROUTING_NUMBER": ("routing number {}", "ABA {}"),
    "US_NPI": ("NPI {}", "provider id {}"), "US_MBI": ("Medicare id {}", "MBI: {}"),
    "US_DRIVER_LICENSE": ("driver license {}", "My driving licence is {}."), "MEDICAL_LICENSE": ("DEA certificate {}",),
    "CRYPTO": ("btc wallet {}", "Send it to {}"), "IP_ADDRESS": ("server {} is down", "from {}:"),
    "MAC_ADDRESS": ("ethernet {}",), "DATE_TIME": ("born {}", "on {},"), "URL": ("see {} for more", "link: {}"),
    "EMAIL_ADDRESS": ("email {}", "<{}>", "mailto:{}"),
}
# No personal data, whatever they look like.
DECOYS = (
    "The build 1700000000123 finished at 1700000000.", "Version 2.14.3 replaces 2.14.2.", "It cost $1,234,567.89 in 2019.",
    "ISBN 978-0-306-40615-7 and ISBN 0-306-40615-2.", "Chapter 4, verses 12-15, pages 234-251.",
    "On 12.03.2021 at 10:45:30 it was 21.5 degrees.", "Card 4111 1111 1111 1112 has a wrong digit.", "D3 and H1 are vitamins.",
    "AN INTRODUCTORY LESSON ABOUT LICENCES", "The public library is open.", "DE89 3704 0044 0532 0130 01 has a wrong sum.",
    "0 306 40615 2", "std::vector<int>::size_type", "a ratio of 3:4:5", "sku 000-12-3456 and 666-12-3456", "x = y[1::2]",
    "between 1939 and 1945", "The score was 21-15, 18-21, 21-19.", "population 12345678901", "id 5f3c9a", "5 - 3 = 2",
    "foo@bar", "@decorator.method", "user@", "see section 4.2.1.7 of the manual", "version 1.2.3.4 of it", "1/2 and 3/4 cups",
    "100000-200000 units", "order 4012888888881882", "the 2nd of 1000000 prizes", "part no. 12-345-6789-0", "ratio 1:2",
    "3.14159265358979", "order #123456789012", "12 34 56", "E1 2A4", "chr1:1234567-2345678", "ten to the 12345678", "C4:D5",
)


def luhn_digit(body):
    total = 0
    for i, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def digits(self, count):
        return "".join(self.random.choice(string.digits) for _ in range(count))

    def EMAIL_ADDRESS(self):
        return f"{self.random.choice(PEOPLE)}@{self.random.choice(DOMAINS)}"

    def PHONE_NUMBER(self):
        number = None
        while number is None or not phonenumbers.is_valid_number(number):
            region = self.random.choice(REGIONS)
            kind = self.random.choice((phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE))
            example = phonenumbers.example_number_for_type(region, kind)
            national = str(example.national_number)
            number = phonenumbers.parse(f"+{example.country_code}{national[:-4]}{self.digits(4)}")
        form = self.random.choice((phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164,
                                   phonenumbers.PhoneNumberFormat.NATIONAL))
        text = phonenumbers.format_number(number, form)
        return text.replace(" ", "-") if self.random.random() < 0.15 and "(" not in text else text

    def CREDIT_CARD(self):
        prefix, size, shape = self.random.choice((("4", 16, (4, 4, 4, 4)), ("53", 16, (4, 4, 4, 4)), ("37", 15, (4, 6, 5)),
                                                  ("6011", 16, (4, 4, 4, 4)), ("3566", 16, (4, 4, 4, 4)), ("36", 14, (4, 6, 4)), ("4", 13, (13,))))
        body = prefix + self.digits(size - len(prefix) - 1)
        return self.grouped(body + luhn_digit(body), shape)

    def grouped(self, digits, shape):
        separator = self.random.choice(("", " ", "-"))
        parts, at = [], 0
        for size in shape:
            parts.append(digits[at:at + size])
            at += size
        return separator.join(parts)

    def IBAN_CODE(self):
        country = self.random.choice(sorted(IBAN_SHAPES))
        body, count = "", ""
        for c in IBAN_SHAPES[country]:
            if c.isdigit():
                count += c
                continue
            alphabet = {"n": string.digits, "a": string.ascii_uppercase, "c": string.digits + string.ascii_uppercase}[c]
            body += "".join(self.random.choice(alphabet) for _ in range(int(count)))
            count = ""
        number = int("".join(str(int(c, 36)) for c in body + country + "00"))
        iban = f"{country}{98 - number % 97:02d}{body}"
        if self.random.random() < 0.5:
            return iban
        return " ".join(iban[i:i + 4] for i in range(0, len(iban), 4))

    def US_SSN(self):
        area = self.random.choice([n for n in range(1, 900) if n != 666])
        return f"{area:03d}-{self.random.randint(1, 99):02d}-{self.random.randint(1, 9999):04d}"

    def US_ITIN(self):
        return f"9{self.digits(2)}-{self.random.choice((50, 65, 70, 88, 90, 94))}-{self.digits(4)}"

    def IP_ADDRESS(self):
        kind = self.random.random()
        if kind < 0.6:
            return ".".join(str(self.random.randint(1, 254)) for _ in range(4))
        if kind < 0.8:
            return ":".join(f"{self.random.randint(1, 65535):x}" for _ in range(8))
        return f"2001:db8:{self.random.randint(1, 65535):x}::{self.random.randint(1, 65535):x}"

    def MAC_ADDRESS(self):
        pairs = [f"{self.random.randint(0, 255):02x}" for _ in range(6)]
        return self.random.choice((":".join(pairs), "-".join(pairs).upper(), ".".join("".join(pairs[i:i + 2]) for i in (0, 2, 4))))

    def CRYPTO(self):
        import hashlib
        payload = bytes([self.random.choice((0, 5))]) + bytes(self.random.randrange(256) for _ in range(20))
        data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        number, word = int.from_bytes(data, "big"), ""
        while number:
            number, rest = divmod(number, 58)
            word = BASE58[rest] + word
        return "1" * (len(data) - len(data.lstrip(b"\0"))) + word

    def URL(self):
        return self.random.choice(("https://", "http://")) + self.random.choice(DOMAINS) + self.random.choice(("", "/a/b", "/index.html", "/x?id=7"))

    def DATE_TIME(self):
        year, month, day = self.random.randint(1950, 2030), self.random.randint(1, 12), self.random.randint(1, 28)
        return self.random.choice((f"{year}-{month:02d}-{day:02d}", f"{month}/{day}/{year}", f"{day:02d}.{month:02d}.{year}",
                                   f"{year}-{month:02d}-{day:02d}T10:20:30Z", f"{day}-MAR-{year}"))

    def US_PASSPORT(self):
        return self.random.choice((self.digits(9), "A" + self.digits(8)))

    def US_BANK_NUMBER(self):
        return str(self.random.randint(1, 9)) + self.digits(self.random.choice((8, 10, 11)))

    def ABA_ROUTING_NUMBER(self):
        body = f"{self.random.choice((1, 2, 11, 12, 21, 26, 31, 32)):02d}" + self.digits(6)
        total = sum(int(d) * w for d, w in zip(body, (3, 7, 1) * 3))
        return body + str(-total % 10)

    def US_NPI(self):
        body = self.random.choice("12") + self.digits(8)
        return body + luhn_digit("80840" + body)

    def US_MBI(self):
        letters = "ACDEFGHJKMNPQRTUVWXY"
        code = "".join(self.random.choice(string.digits if kind == "9" else letters) for kind in "9AA9AA9AA99")
        return self.random.choice((code, f"{code[:4]}-{code[4:7]}-{code[7:]}"))

    def MEDICAL_LICENSE(self):
        body = self.digits(6)
        check = sum(int(d) * (1 if i % 2 == 0 else 2) for i, d in enumerate(body)) % 10
        return self.random.choice("ABFGM") + self.random.choice(string.ascii_uppercase) + body + str(check)

    def US_DRIVER_LICENSE(self):
        return self.random.choice(("A" + self.digits(7), "H" + self.digits(8), "AB" + self.digits(6), self.digits(3) + "AB" + self.digits(4)))


# Entities whose form alone says nothing: planted behind a word that does.
ONLY_WITH_WORD = {"US_PASSPORT", "US_BANK_NUMBER", "US_DRIVER_LICENSE", "ABA_ROUTING_NUMBER", "US_NPI", "MEDICAL_LICENSE"}


def planted(seed, per_entity, decoy_rounds):
    """Rows {"text", "truth": [{"entity", "start", "end"}]}, offsets in characters."""
    maker, rows = Maker(seed), []
    for entity, sentences in WITH_WORD.items():
        for _ in range(per_entity):
            value = getattr(maker, entity)()
            # National numbers in one run of digits say nothing without a word.
            needs_word = entity in ONLY_WITH_WORD or (entity == "PHONE_NUMBER" and value.isdigit())
            sentence = maker.random.choice(sentences if needs_word or maker.random.random() < 0.5 else FIRST)
            start = sentence.index("{}")
            rows.append({"text": sentence.format(value), "truth": [{"entity": entity, "start": start, "end": start + len(value)}]})
    rows += [{"text": decoy, "truth": []} for _ in range(decoy_rounds) for decoy in DECOYS]
    maker.random.shuffle(rows)
    return rows
