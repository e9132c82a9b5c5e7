internal import ServiceProcess
internal import WebhookCore

/// The bars of the last hours' deliveries, stored ones by kind and refused ones above, as an inline
/// drawing (SVG 1.1) and its legend.
struct DeliveriesChart {
  // As in the drawing's view box.
  private static let columnWidth = 20
  private static let columnGap = 4
  private static let height = 160

  private let hours: [HourReport]
  /// Deliveries in the hour that has most.
  private let most: Int

  init(_ hours: [HourReport]) {
    self.hours = hours
    most = hours.map(\.all).max() ?? 0
  }

  func append(to html: inout HTMLText) {
    html.markup(#"<svg viewBox="0 0 960 160" preserveAspectRatio="none" role="img" aria-label=""#)
    html.text("Stored and refused deliveries by hour; the most in one hour: \(most)")
    html.markup(#"">"#)
    for (index, hour) in hours.enumerated() where hour.all > 0 {
      append(hour, column: index, to: &html)
    }
    html.markup(#"<line class="axis" x1="0" y1="160" x2="960" y2="160"/></svg>"#)
    html.markup(#"<p class="axis"><span>"#)
    html.text("\(hours.count) h ago")
    html.markup("</span><span>")
    html.text("most in an hour: \(most)")
    html.markup("</span><span>now</span></p>")
    appendLegend(to: &html)
  }

  private func append(_ hour: HourReport, column: Int, to html: inout HTMLText) {
    html.markup("<g><title>")
    let parts = hour.parts.filter { $0.count > 0 }.map { "\($0.count) \($0.name)" }
    html.text("\(inUTC(hour.start)): \(parts.joined(separator: ", "))")
    html.markup("</title>")
    var below = 0
    for (name, count) in hour.parts where count > 0 {
      let (top, bottom) = (top(of: below + count), top(of: below))
      below += count
      html.markup(#"<rect class=""#)
      html.text(name)
      html.markup(#"" x=""#)
      html.text("\(column * Self.columnWidth + Self.columnGap / 2)")
      html.markup(#"" y=""#)
      html.text("\(Self.height - top)")
      html.markup(#"" width="16" height=""#)
      html.text("\(max(1, top - bottom))")
      html.markup(#""/>"#)
    }
    html.markup("</g>")
  }

  /// How high so many deliveries stand: no hour reaches the upper edge.
  private func top(of count: Int) -> Int { most == 0 ? 0 : count * (Self.height - 4) / most }

  private func appendLegend(to html: inout HTMLText) {
    var sums: [(name: String, count: Int)] = []
    for hour in hours {
      for (index, part) in hour.parts.enumerated() {
        if sums.count <= index { sums.append((part.name, 0)) }
        sums[index].count += part.count
      }
    }
    html.markup(#"<ul class="legend">"#)
    // Other kinds are not the vendor's today.
    for (name, count) in sums where count > 0 || name != Hook?.none.kindName {
      html.markup(#"<li><i class=""#)
      html.text(name)
      html.markup(#""></i>"#)
      html.text("\(name) \(count)")
      html.markup("</li>")
    }
    html.markup("</ul>")
  }
}
