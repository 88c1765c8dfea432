"""Plain requests as polite, old, odd and hostile clients send them: all that can be parsed in one way only.

The sources are RFC 9110 and the parsers of gunicorn and Werkzeug. Words in `<...>` stand for values of a running
gateway; see `tests.api.test_both_ways`.
"""

from tests.support.request_bytes import HELD, KEY, MATCHING, NEWS, NOW, TOKEN, UNREAD, publication, request

ORIGIN = "https://app.example"
OLD = "/v1/inbox?cursor=<old>"
OLD_TAG = 'If-None-Match: W/"<old>"'

POLLS = {
    "cursor": request(), "cursor and a tag that matches": request(NOW, MATCHING),
    "as a browser sends it": request(
        NOW + "&_=1764248400000",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
        "Accept: application/json, text/plain, */*",
        "Accept-Language: de,en-US;q=0.7,en;q=0.3",
        "Accept-Encoding: gzip, deflate, br",
        "Referer: https://app.example/inbox?page=2",
        MATCHING,
        "Connection: keep-alive",
    ),
    "unread and a tag that matches": request(UNREAD, MATCHING), "snapshot": request("/v1/inbox"),
    "snapshot and a tag that matches": request("/v1/inbox", MATCHING),
    "snapshot and an old tag": request("/v1/inbox", OLD_TAG), "snapshot with a limit": request("/v1/inbox?limit=2"),
    "news": request(OLD), "news, one at a time": request(OLD + "&limit=1"),
    "news and a wait": request(OLD + "&wait=50"),
    "news and a huge wait": request(OLD + "&wait=99999999999999999999999999"),
    "news and a tag that matches": request(OLD, MATCHING), "cursor and an old tag": request(NOW, OLD_TAG),
    "cursor and another's tag": request(NOW, 'If-None-Match: W/"<other-cursor>"'),
    "another's cursor": request("/v1/inbox?cursor=<other-cursor>"),
    "another's cursor and a tag that matches": request("/v1/inbox?cursor=<other-cursor>", MATCHING),
    "cursor of other roles": request(NOW, token="Authorization: Bearer <roles-token>"),
    "another recipient": request("/v1/inbox?cursor=<other-cursor>", token="Authorization: Bearer <other-token>"),
    "forged cursor": request("/v1/inbox?cursor=1AAAAAAAAAAAAAAAAAAAAAA"),
    "cursor of another version": request("/v1/inbox?cursor=2AAAAAAAAAAAAAAAAAAAAAA"),
    "cursor that is none": request("/v1/inbox?cursor=none"),
    "cursor that is too long": request("/v1/inbox?cursor=<cursor>A"),
    "cursor with a blank": request("/v1/inbox?cursor=<cursor>+"), "empty cursor": request("/v1/inbox?cursor="),
    "empty cursor and a tag that matches": request("/v1/inbox?cursor=", MATCHING),
    "wait=0, matching, Prefer asks for more": request(NOW + "&wait=0", MATCHING, "Prefer: wait=50"),
    "wait and nothing to wait for": request("/v1/inbox?wait=50"),
    "wait and an old tag": request("/v1/inbox?wait=50", OLD_TAG),
    "Prefer with news": request(OLD, "Prefer: respond-async, wait=20"),
    "Prefer without a wait": request(NOW, "Prefer: return=minimal", MATCHING), "unread": request(UNREAD),
    "unread and an old tag": request(UNREAD, OLD_TAG),
    "unread with a cursor": request(UNREAD + "?cursor=<cursor>", MATCHING),
    "unread, wait without a tag": request(UNREAD + "?wait=50"), "unread, wait=0": request(UNREAD + "?wait=0", MATCHING),
}  # fmt: skip

PARAMETERS = {
    parameter: request(f"{NOW}&{parameter}", MATCHING)
    for parameter in (
        *(f"limit={value}" for value in "1 200 0 201 007 -1 +5 %2B5 1.0 1_0 %D9%A1 0x10".split()),
        *(f"wait={value}" for value in "0 00 -1 1.5 1e1 %201 x".split()),
        "limit=", "limit", "wait=", "_=1", "_=1&_=2", "_", "&limit=5", "what=1", "what", "=1", "cursor=<cursor>",
        "cursor=", "wait=0&wait=0", "limit=5&limit=5", "_=limit=3&cursor=<cursor>", "wait=0&_=limit=3&wait=0",
        "limit=5&_=cursor=x&limit=5", "_=limit=3", "wh%61t=1", "%63ursor=<cursor>", "_=%zz", "_=%", "_=%C0%AF",
        "%FF=1", "%ED%A0%80=1", "_=?", "_=/../", '_="<>{}|^`', "_=" + "x" * 7000, "&_=1" * 1000,
    )
}  # fmt: skip

TARGETS = {
    target: request(target, MATCHING)
    for target in (
        NOW + "&", NOW + ";limit=5", NOW + "%00", NOW + "%0d%0aX-Injected:%201", NOW + "%26limit=5", NOW + "=",
        NOW + "%23there", "/v1/inbox?", "/v1/inbox?&", "/v1/inbox?&cursor=<cursor>", "/v1/inbox?Cursor=<cursor>",
        "/v1/inbox?limit=5&cursor=<cursor>", "/v1/inbox?cursor=<cursor-encoded>", "/v1/inbox?%63ursor=<cursor>",
        "/v1/inbox?cursor=%3<cursor>", "/v1/inbox?cursor%3D<cursor>", "/v1/inbox%3Fcursor=<cursor>",
        "/v1/inbox/?cursor=<cursor>", "/v1/inbox;v=1?cursor=<cursor>", "/v1/inboxes", "/v1/inbox/what",
        "/v1/inbox/history", UNREAD + "/", UNREAD + "?", UNREAD + "?_=1&", UNREAD + "?limit=5", UNREAD + "?what=1",
        "/v1/inbox/UNREAD",
    )
}  # fmt: skip

TAGS = {
    tag: request(NOW, f"If-None-Match: {tag}")
    for tag in (
        '"<etag>"', 'w/"<etag>"', "<etag>", 'W/"<etag>-gzip"', '"<etag>-gzip"', '"<etag>:gzip"', 'W/"<etag>;br"',
        'W/"<etag>--gzip"', 'W/"<etag>"-gzip', 'W/"<etag>-gzip-br"', 'W/"<etag>~gzip"', '"x", W/"<old>", W/"<etag>"',
        '"x", "y"', '"x","<etag>"', 'W/"<other-cursor>", W/"<etag>"', '"<etag>", W/"<etag>"', '"x,y", "<etag>"',
        '"x<etag>"', '"x, <etag>"', "*", '*, "<etag>"', '"*"', "", '""', 'W/"<etag>', '<etag>"', "'<etag>'", ",,,",
        '   W/"<etag>"   ', 'W/ "<etag>"', 'W/\\"<etag>\\"', 'W/"<etag-swapped>"', '"x", ' * 100 + '"<etag>"',
    )
}  # fmt: skip

CREDENTIALS = {
    str(credential): request(NOW, MATCHING, token=credential)
    for credential in (
        None, "Authorization:", "Authorization: <token>", "authorization: Bearer <token>", "AUTHORIZATION: Bearer <token>",
        "Authorization:Bearer <token>", "Authorization:   Bearer <token>", "Authorization: Bearer <token>  ",
        "Proxy-Authorization: Bearer <token>", "Cookie: token=<token>",
        *(f"Authorization: {scheme} <token>" for scheme in ("Basic", "bearer", "BEARER", "Bearer ", "Bearer%20")),
        *(
            f"Authorization: Bearer{credential}"
            for credential in (
                "", " ", " garbage", " a.b.c", " <expired-token>", " <early-token>", " <foreign-token>",
                " <unsigned-token>", " <endless-token>", " <nameless-token>", " <other-token>", " <roles-token>",
                " <key>", " ng_0123456789abcdef_secret", " <token>A", " <token-short>", " <token-padded>", " <token>=",
                " <token> <token>", " <token>, realm=x", ' "<token>"',
            )
        ),
    )
} | {"in the query": request(NOW + "&access_token=<token>", token=None)}  # fmt: skip

FIELDS = {
    line: request(NOW, MATCHING, *line.split("\r\n"))
    for line in (
        "Connection: close", "Connection: Close", "Connection: Keep-Alive", "Connection:   close  ",
        "Keep-Alive: timeout=1, max=1", "Proxy-Connection: close", 'If-Match: "x"', "Range: bytes=0-10",
        "If-Modified-Since: Fri, 27 Nov 2099 09:00:00 GMT", "If-Unmodified-Since: Fri, 27 Nov 2015 09:00:00 GMT",
        'If-Range: "x"\r\nRange: bytes=0-10', "Accept-Encoding: identity;q=0, *;q=0", "Accept: text/html",
        "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Real-IP: 203.0.113.9",
        "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: /v2", "Forwarded: for=203.0.113.9;proto=https;host=evil",
        "Script-Name: /v1", "X-Script-Name: /v1", "Path-Info: /healthz", "X-Original-URL: /healthz",
        "X-Rewrite-URL: /healthz", "X-HTTP-Method-Override: DELETE", "Proxy: http://evil.example", "wsgi.input: 1",
        "Cookie: a=1\r\nCookie: b=2", "TE: trailers, deflate", "Max-Forwards: 0", "Content-Type: application/json",
        "Content-Encoding: gzip", "Cache-Control: only-if-cached", "Origin: https://app.example", "Origin: null",
        "X-Something:", "X-Something:1", "X-Something:    ", "X-Something:: 1", "1: 1", "Prefer:", "Prefer: waiting=5",
        "Prefer: wait=", 'Prefer: wait="0"', "Prefer: wait=x", "Prefer: wait=0",
        "\r\n".join(f"X-Field-{number}: 1" for number in range(96)), "connection: close\r\nx-request-id: lower",
    )
} | {
    f"{line}, 200": request(NOW, line)
    for line in (
        "X-Request-Id: my-own.id_42", "x-request-id: lower", "X-Request-Id: no spaces please", "X-Request-Id:",
        "X-Request-Id: one,two", "X-Request-Id:   around  ", "X-Request-Id: " + "x" * 128, "X-Request-Id: " + "x" * 129,
        "Range: bytes=0-10", "Accept-Encoding: gzip, br",
    )
}  # fmt: skip

CONNECTIONS = {
    "HTTP/1.0": request(version="HTTP/1.0"),
    "HTTP/1.0, 304": request(NOW, MATCHING, version="HTTP/1.0"),
    "HTTP/1.0, keep-alive": request(NOW, "Connection: keep-alive", version="HTTP/1.0"),
    "HTTP/1.0, Keep-Alive, 304": request(NOW, MATCHING, "Connection: Keep-Alive", version="HTTP/1.0"),
    "HTTP/1.0, close": request(NOW, MATCHING, "Connection: close", version="HTTP/1.0"),
    "port": request(NOW, MATCHING, host="Host: gateway:8080"),
    "IPv6": request(NOW, MATCHING, host="Host: [::1]:8080"),
    "another host and a redirect": request("/v1/inbox/", host="Host: evil.example"),
    "Host is last": request(NOW, MATCHING, "Host: gateway", host=None),
    "names in capitals": request(
        NOW, 'IF-NONE-MATCH: W/"<etag>"', host="HOST: gateway", token="AUTHORIZATION: Bearer <token>"
    ),
}

HOLDS = {
    "empty": request(HELD), "304": request(HELD, MATCHING), "with a limit": request(HELD + "&limit=5"),
    "Prefer": request(NOW, "Prefer: wait=1"), "wait=01": request(NOW + "&wait=01"),
    "Prefer in capitals, quoted, among others": request(NOW, 'Prefer: respond-async; x=1, WAIT = "1"', MATCHING),
    "parameter and Prefer": request(HELD, "Prefer: wait=50"), "parameter and a bad Prefer": request(HELD, "Prefer: wait=x"),
    "no cursor but a tag": request("/v1/inbox?wait=1", MATCHING), "unread": request(UNREAD + "?wait=1", MATCHING),
    "unread, Prefer": request(UNREAD, "Prefer: wait=1", MATCHING), "HTTP/1.0": request(HELD, version="HTTP/1.0"),
    "HTTP/1.0, keep-alive": request(HELD, MATCHING, "Connection: keep-alive", version="HTTP/1.0"),
    "close": request(HELD, "Connection: close"), "close, 304": request(HELD, MATCHING, "Connection: close"),
    "old tag": request(HELD, OLD_TAG), "star": request(HELD, "If-None-Match: *"),
    "request id": request(HELD, "X-Request-Id: held-by-me"), "allowed origin": request(HELD, f"Origin: {ORIGIN}"),
    "allowed origin, 304": request(HELD, f"Origin: {ORIGIN}", MATCHING),
    "another origin": request(HELD, "Origin: https://evil.example", MATCHING),
}  # fmt: skip

CORS = {
    "no Origin": request(), "no Origin, 304": request(NOW, MATCHING), "allowed": request(NOW, f"Origin: {ORIGIN}"),
    "allowed, unread": request(UNREAD, f"Origin: {ORIGIN}", MATCHING), "allowed, news": request(OLD, f"Origin: {ORIGIN}"),
    "allowed, no credential": request(NOW, f"Origin: {ORIGIN}", token=None),
    "allowed, bad parameter": request(NOW + "&what=1", f"Origin: {ORIGIN}"),
    "not allowed": request(NOW, "Origin: https://evil.example"),
    "name in lower case": request(NOW, f"origin: {ORIGIN}", MATCHING),
    "preflight as a GET": request(NOW, f"Origin: {ORIGIN}", "Access-Control-Request-Method: GET", MATCHING),
} | {
    origin: request(NOW, f"Origin: {origin}", MATCHING)
    for origin in (
        ORIGIN, "https://other.example:8443", "https://evil.example", ORIGIN.upper(), ORIGIN + "/", ORIGIN + ":443",
        ORIGIN + ".evil.example", f"{ORIGIN}, https://evil.example", "null", "", f"  {ORIGIN}  ",
    )
}  # fmt: skip

THOUSAND = ", ".join(f'"user:{number:06d}"' for number in range(1000))
LONG = "x" * 4000
IDEMPOTENT = publication(NEWS, "Idempotency-Key: <name>")

PUBLICATIONS = {
    "plain": publication(),
    "all fields": publication(
        '{"to": ["user:<name>", "role:r", "user:<name>"], "type": "a.b", "title": "T", "body": "B\\n\xc3\xa9",'
        ' "priority": "high", "sender": "S", "icon": "bell", "action_url": "/a?b=c&d", "data": {"n": [1, null]},'
        ' "ttl": 60}'
    ),
    "to a thousand": publication(
        f'{{"to": [{THOUSAND}], "title": "News"}}'
    ),
    "longest body": publication(f'{{"to": "user:<name>", "title": "T", "body": "{LONG}"}}'),
    "body too long": publication(f'{{"to": "user:<name>", "title": "T", "body": "{LONG}x"}}'),
    "HTTP/1.0": publication(version="HTTP/1.0"),
    "HTTP/1.0, keep-alive": publication(NEWS, "Connection: keep-alive", version="HTTP/1.0"),
    "close": publication(NEWS, "Connection: close"),
    "request id": publication(NEWS, "X-Request-Id: mine"),
    "insane request id": publication(NEWS, "X-Request-Id: not mine"),
    "allowed origin": publication(NEWS, f"Origin: {ORIGIN}"),
    "as curl sends it": publication(NEWS, "User-Agent: curl/8.5.0", "Accept: */*"),
    "content coding": publication(NEWS, "Content-Encoding: gzip"),
    "no media type": publication(kind=None),
    **{
        kind: publication(kind=f"Content-Type:{kind}")
        for kind in (
            " application/json; charset=utf-8", " application/json; charset=latin1", " APPLICATION/JSON", " text/plain",
            " application/problem+json", "",
        )
    },
    **{
        str(key): publication(key=key)
        for key in (
            None, "Authorization: Bearer <admin-key>", "Authorization: Bearer ng_0123456789ab_nothing",
            "Authorization: Bearer ng_", KEY + "x", TOKEN, "Authorization: bearer <key>", "Authorization: Basic <key>",
            "Authorization: Bearer <narrow-key>",
        )
    },
    **{
        f"narrow key: {body}": publication(body, key="Authorization: Bearer <narrow-key>")
        for body in ('{"to": "user:x1", "title": "News"}', '{"to": "user:x1", "title": "News", "type": "other"}')
    },
    **{
        body[:60]: publication(body)
        for body in (
            "{", "", "[]", "  " + NEWS + "\r\n", "[" * 5000, '{"to": "user:<name>"}',
            *(
                f'{{"to": "user:<name>", "title": "News", {more}}}'
                for more in (
                    '"data": {"n": NaN}', '"data": {"n": 1e999}', f'"data": {{"n": {"9" * 5000}}}',
                    '"data": ' + '{"a":' * 40 + "1" + "}" * 40, '"title": "Two"', '"what": 1', '"ttl": 60.0',
                )
            ),
            '{"to": "nobody", "title": "", "ttl": -1, "icon": "a:b"}',
            *(
                f'{{"to": "user:<name>", "title": "{title}"}}'
                for title in ("Gr\xc3\xbc\xc3\x9fe", "Gr\xfc\xdfe", "\\ud800", "\\u0000")
            ),
            "\xff\xfe{\x00}\x00", "\xef\xbb\xbf" + NEWS,
        )
    },
    "15 KB": publication(NEWS + " " * 15_000),
    **{
        field: publication(NEWS, f"Idempotency-Key:{field}") for field in ("", " " + "x" * 129, "  a <name>  ")
    },
}  # fmt: skip

SEVERAL = {
    "idempotent, twice": (IDEMPOTENT, IDEMPOTENT),
    "idempotent, another request": (
        IDEMPOTENT,
        publication('{"to": "user:x", "title": "T"}', "Idempotency-Key: <name>"),
    ),
}
"""Requests one after the other."""

CASES = {
    f"{group}: {name}": data if isinstance(data, tuple) else (data,)
    for group, cases in {
        "poll": POLLS, "parameter": PARAMETERS, "target": TARGETS, "tag": TAGS, "credential": CREDENTIALS,
        "field": FIELDS, "connection": CONNECTIONS, "CORS": CORS, "publication": PUBLICATIONS, "several": SEVERAL,
    }.items()
    for name, data in cases.items()
}  # fmt: skip
