#!/usr/bin/env python3
"""Makes the files beside it with Python's cryptography, the library that the older Keeper used.

They are committed, as Fernet tokens differ each time: run this only to change what they hold.
"""
import csv
import json
import pathlib
import sqlite3

from cryptography.fernet import Fernet, MultiFernet

here = pathlib.Path(__file__).parent
keys = [Fernet.generate_key() for _ in range(3)]
newest, oldest, foreign = (Fernet(key) for key in keys)
(here / "keys.txt").write_text(",".join(key.decode() for key in keys[:2]) + "\n")
ring = MultiFernet([newest, oldest])


def changed(token: bytes, at: int) -> str:
    """The token with another character at a place."""
    text = bytearray(token)
    text[at] = ord("A") if text[at] != ord("A") else ord("B")
    return text.decode()


def row(name, environment, kind, token, description="", created="2021-03-04 05:06:07"):
    if isinstance(token, bytes):
        token = token.decode()
    return {"name": name, "environment": environment, "secret_type": kind, "encrypted_value": token,
            "description": description, "created_at": created}


rows = [
    row("payments/db/password", "production", "PASSWORD", ring.encrypt(b"canary-one"), "of the database"),
    row("payments/api-key", "production", "api_key", oldest.encrypt(b"canary-two"), "under the older key"),
    row("config", "Production", "JSON", ring.encrypt('{"canary": "drei ü"}'.encode())),
    row("note", "staging", "TEXT", newest.encrypt_at_time(b"canary four\nwith two lines", 499162800), "from 1985"),
    row("wrong/key", "production", "TEXT", foreign.encrypt(b"canary-foreign")),
    row("changed/mac", "production", "TEXT", changed(ring.encrypt(b"canary-changed"), -10)),
    row("changed/ciphertext", "production", "TEXT", changed(ring.encrypt(b"canary-changed"), 50)),
    row("cut", "production", "TEXT", ring.encrypt(b"canary-cut")[:-8]),
    row("not/base64", "production", "TEXT", "%%% not a token %%%"),
    row("empty", "production", "TEXT", ""),
    row("bad name", "production", "TEXT", ring.encrypt(b"canary-name")),
    row("bad/type", "production", "DATABASE_URL", ring.encrypt(b"canary-type")),
    row("not/json", "production", "JSON", ring.encrypt(b"canary: not JSON")),
    row("nowhere", "attic", "TEXT", ring.encrypt(b"canary-attic")),
    row("payments/db/password", "production", "PASSWORD", ring.encrypt(b"canary-one"), "a second time"),
    row("payments/api-key", "production", "API_KEY", ring.encrypt(b"canary-two-but-other"), "with another value"),
]

(here / "export.json").write_text(json.dumps({"exported_at": "2026-01-01", "secrets": rows}, indent=1) + "\n")
(here / "export.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
with open(here / "export.csv", "w", newline="") as out:
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)

path = here / "older.db"
path.unlink(missing_ok=True)
db = sqlite3.connect(path)
db.executescript("""
CREATE TABLE environments (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE, display_name VARCHAR(100));
CREATE TABLE secrets (
    id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, secret_type VARCHAR(11) NOT NULL, encrypted_value BLOB,
    environment_id INTEGER NOT NULL REFERENCES environments (id), description TEXT, created_at DATETIME, is_active BOOLEAN);
""")
names = sorted({one["environment"] for one in rows})
db.executemany("INSERT INTO environments (id, name) VALUES (?, ?)", [(7 + i, name) for i, name in enumerate(names)])
db.executemany(
    "INSERT INTO secrets (name, secret_type, encrypted_value, environment_id, description, created_at, is_active) VALUES (?, ?, ?, ?, ?, ?, 1)",
    [(one["name"], one["secret_type"], one["encrypted_value"].encode(), 7 + names.index(one["environment"]), one["description"],
      one["created_at"] + ".000000") for one in rows])
db.commit()
db.close()
