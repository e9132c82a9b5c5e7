"""Good deliveries to the instance acme, signed now."""

import base64
import json
import subprocess
import time

from rig import ROOT

KEYS = f"{ROOT}/Tests/Attacks/keys"
INSTANCE = f"    keys: [{KEYS}/p521.pem]\n"
X_SIGNATURE = "ES512 /api/webhook.key"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def fixed_length(signature: bytes) -> bytes:
    """An ECDSA signature as JOSE has it (RFC 7518, 3.4), from the one of X9.62 in DER."""
    offset = 3 if signature[1] & 0x80 else 2
    numbers = []
    for _ in range(2):
        end = offset + 2 + signature[offset + 1]
        numbers.append(int.from_bytes(signature[offset + 2 : end], "big").to_bytes(66, "big"))
        offset = end
    return b"".join(numbers)


def token(subject: str, kind: str = "export", status: str = "done") -> str:
    claims = {"id": subject, "kind": kind, "status": status, "iat": int(time.time())}
    parts = [json.dumps({"typ": "JWT", "alg": "ES512"}), json.dumps(claims)]
    signed = ".".join(base64url(part.encode()) for part in parts)
    signature = subprocess.run(
        ["openssl", "dgst", "-sha512", "-sign", f"{KEYS}/private/p521.pem"],
        input=signed.encode(), stdout=subprocess.PIPE, check=True,
    ).stdout
    return f"{signed}.{base64url(fixed_length(signature))}"


def fields(subject: str, kind: str = "export", status: str = "done") -> list[str]:
    """The header fields of a good delivery, as curl's options."""
    signed = token(subject, kind, status)
    return ["-H", f"Authorization: Signed {signed}", "-H", f"X-Signature: {X_SIGNATURE}"]
