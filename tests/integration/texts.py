"""Texts that PostgreSQL takes and that somebody has to read, show or escape."""

ODD = (
    *("\r", "\r\n", "\n", "\t", " ", "\v\f", "\x01\x1b[31m\x7f", "\x85\x9f", "\u2028\u2029", "\\", "\\N", "\\.", '"', '""'),
    *("'", "\\0", "\\x00", "%00", "&#0;", "\\u0000", "%s %(x)s %%", "{}", "{0}", "{{ 7*7 }}", "{% raw %}", "${HOME}", "$(id)"),
    *("`id`", "--", "/*", ";", ",", '",', '"\n,"', 'a="b"', "} 1", "# EOF", "# HELP x y\n", "NULL", "null", "NaN", "None"),
    *("-0", "\ufeff", "\ufffd", "\ufffe\uffff", "\U0010ffff", "\ue000", "\u202eevil\u202c", "\u200b\u200d\u2066", "مرحبا"),
    *("e\u0301" * 60, "Z\u0351\u036b" * 40, "שלום", "👩‍👩‍👧‍👦🏳️‍🌈", "ß", "İ", "ﬃ", "é" * 129, "x" * 4096, "漢" * 4097),
    *("</td><script>alert(1)</script>", "<!--", "]]>", "' onload='x", '" style="x', "javascript:1", "<img src=x onerror=x>"),
    *("x" * 128, "x" * 1_000_000, "\n" * 1_000_000),
)  # fmt: skip
