internal import OpenSSLCrypto
internal import WebhookCore

/// The status page's style sheet, and the policy that allows it and nothing else (Content Security
/// Policy Level 3, §6.6).
enum StatusStyle {
  static let policy =
    "default-src 'none'; style-src 'sha256-\(base64(sha256(bytes)))'; base-uri 'none'; "
    + "form-action 'none'; frame-ancestors 'none'"

  private static var bytes: [UInt8] {
    Array(UnsafeBufferPointer(start: sheet.utf8Start, count: sheet.utf8CodeUnitCount))
  }

  static let sheet: StaticString = """
    :root{--back:#fff;--text:#1b1f24;--quiet:#57606a;--line:#d0d7de;--well:#1a7f37;\
    --attention:#9a6700;--failing:#cf222e;--success:#2f81b7;--failure:#d97706;--export:#7c5cbf;\
    --other:#6e7781}
    @media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--quiet:#9198a1;\
    --line:#3d444d;--well:#3fb950;--attention:#d29922;--failing:#f85149;--success:#58a6d6;\
    --failure:#f0a04b;--export:#a98ae0;--other:#8b949e}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
    main{max-width:70rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
    header{display:flex;flex-wrap:wrap;align-items:center;gap:1rem}
    h1{font-size:1.4rem;margin:0}
    h2{font-size:1.1rem;margin:2rem 0 .5rem}
    .verdict{margin:0;padding:.15rem .9rem;border-radius:1rem;font-weight:600;color:var(--back)}
    .verdict.well{background:var(--well)}
    .verdict.attention{background:var(--attention)}
    .verdict.failing{background:var(--failing)}
    .findings{padding:0;list-style:none}
    .findings li{margin:.4rem 0;padding-left:.8rem;border-left:.25rem solid}
    .findings .attention{border-color:var(--attention)}
    .findings .failing{border-color:var(--failing)}
    .quiet{color:var(--quiet);font-size:.9rem;font-weight:400}
    svg{display:block;width:100%;height:10rem}
    line.axis{stroke:var(--line);vector-effect:non-scaling-stroke}
    p.axis{display:flex;justify-content:space-between;gap:1rem;margin:0;white-space:nowrap;\
    color:var(--quiet);font-size:.85rem}
    .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.5rem 0;padding:0;list-style:none}
    .legend i{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem}
    rect.scan-success{fill:var(--success)}
    i.scan-success{background:var(--success)}
    rect.scan-failure{fill:var(--failure)}
    i.scan-failure{background:var(--failure)}
    rect.export-complete{fill:var(--export)}
    i.export-complete{background:var(--export)}
    rect.other{fill:var(--other)}
    i.other{background:var(--other)}
    rect.refused{fill:var(--failing)}
    i.refused{background:var(--failing)}
    table{width:100%;border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums}
    th,td{padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);text-align:left;\
    vertical-align:top}
    th{color:var(--quiet);font-size:.85rem;font-weight:600;overflow-wrap:normal}
    footer{margin-top:2rem;color:var(--quiet);font-size:.85rem}
    table:not(.wide){max-width:30rem}
    @media (max-width:45rem){.wide thead{display:none}.wide tr{display:block;padding:.4rem 0;\
    border-bottom:1px solid var(--line)}.wide td{display:flex;gap:.8rem;border:0;padding:.05rem 0}\
    .wide td::before{content:attr(data-heading);flex:0 0 7rem;color:var(--quiet)}}
    """
}

/// RFC 4648 §4.
private func base64(_ bytes: [UInt8]) -> String {
  let text = String(decoding: base64URL(bytes), as: UTF8.self)
    .map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
  return String(text) + String(repeating: "=", count: (3 - bytes.count % 3) % 3)
}
