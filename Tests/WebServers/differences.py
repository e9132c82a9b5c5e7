"""What a web server answers otherwise than the catalogue of deliveries says, and why."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Differences:
    # Refused by the server before the responder sees them.
    by_server: set[str]
    # The responder sees something else than was sent, and stores it.
    stored: set[str]
    # The responder sees something else than was sent, and refuses it.
    by_responder: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)


# HTTP/1.1: a field that goes on in a line of its own is no field.
LINE_BREAKS = {"b64-newline-inside", "sample-article-line-break"}
# Blanks around a value are not part of it (RFC 9110 §5.5): the token between them is good.
LEADING, BLANKS = {"scheme-leading-space"}, {"scheme-leading-space", "scheme-trailing-space"}
# 100 KiB and more.
HUGE = {"too-large-token", "too-large-signature"}
# More than 8 KiB in one line.
LONG = HUGE | {
    "size-8192", "size-8193", "size-8192-blanks", "size-8193-blanks", "size-8192-other-scheme",
    "order-size-comma", "size-own-limit", "size-own-limit-plus-1", "order-body-size-token-size",
}
PACKED_LONG = {"order-size-comma", "size-own-limit", "size-own-limit-plus-1"}
# lighttpd drops a field without a value: with `x-signature: check`, it is not asked for.
EMPTY_FIELD = {"xsig-empty-check"}
# HAProxy 2.6 does not tell the responder that a body of no bytes has ended, so haproxy.cfg refuses it.
EMPTY_BODY = {"body-match-empty"}

DIFFERENCES = {
    # nginx passes over a line without a colon, and the responder sees the first half of the token.
    ("nginx", "http1.1"): Differences(
        LONG, BLANKS, dict.fromkeys(LINE_BREAKS, (400, "malformed-token"))
    ),
    ("Apache", "http1.1"): Differences(LONG | LINE_BREAKS, BLANKS),
    ("lighttpd", "http1.1"): Differences(HUGE | LINE_BREAKS, BLANKS | EMPTY_FIELD),
    ("Caddy", "http1.1"): Differences(LINE_BREAKS, BLANKS),
    ("HAProxy", "http1.1"): Differences(HUGE | LINE_BREAKS | EMPTY_BODY, BLANKS),
    ("h2o", "http1.1"): Differences(LINE_BREAKS, LEADING),
    # In HTTP/2 and HTTP/3, nginx's 8 KiB are those of the field as it is packed. curl drops the leading
    # blank, some servers the one behind.
    ("nginx", "http2"): Differences(PACKED_LONG, LEADING),
    ("Apache", "http2"): Differences(LONG - HUGE, BLANKS),
    ("lighttpd", "http2"): Differences(set(), BLANKS | EMPTY_FIELD),
    ("Caddy", "http2"): Differences(set(), LEADING),
    ("HAProxy", "http2"): Differences(EMPTY_BODY, LEADING),
    ("h2o", "http2"): Differences(set(), LEADING),
    ("nginx", "http3-only"): Differences(PACKED_LONG, LEADING),
    ("Caddy", "http3-only"): Differences(set(), LEADING),
}
