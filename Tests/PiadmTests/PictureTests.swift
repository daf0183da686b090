import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Pictures, timelines and other things that a run leaves to look at.
  @Suite struct Pictures {
    private struct Span {
      var name: String
      var start: Double
      var end: Double
    }

    @Test(
      "a trace holds nested spans of all ranks, and every message from its sender to its receiver",
      arguments: [[], ["--iterations", "3", "--samples", "3", "--replicas", "2"]])
    func trace(options: [String]) throws {
      let place = try Workplace()
      _ = try place.digest(
        ["mixture.json", "--method", "piadm-ode", "--steps", "40", "--chunk", "2", "--trace", "trace.json"] + options,
        ranks: 4)
      #expect(try place.content == ["samples.npy", "trace.json"])
      let trace = try #require(JSONSerialization.jsonObject(with: place.read("trace.json")) as? [String: Any])
      let events = try #require(trace["traceEvents"] as? [[String: Any]])
      func number(_ event: [String: Any], _ key: String) throws -> Double {
        try #require((event[key] as? NSNumber)?.doubleValue)
      }
      var spans: [Int: [Span]] = [:]
      var ends: [String: [String: (rank: Int, time: Double)]] = ["s": [:], "f": [:]]
      for event in events {
        let (kind, rank) = (try #require(event["ph"] as? String), Int(try number(event, "tid")))
        if kind == "X" {
          let start = try number(event, "ts")
          spans[rank, default: []].append(
            Span(name: try #require(event["name"] as? String), start: start, end: start + (try number(event, "dur"))))
        } else if kind != "M" {
          let id = try #require(event["id"] as? String)
          #expect(ends[kind]?.updateValue((rank, try number(event, "ts")), forKey: id) == nil)
        }
      }
      #expect(Set(spans.keys) == [0, 1, 2, 3])
      for (rank, spans) in spans {
        #expect(
          Set(spans.map(\.name)).isSuperset(of: [
            "setup", "block", "corrector", "round", "score", "update", "exchange", "wait", "output",
          ]), "rank \(rank)")
        // Any two spans lie one after the other or one within the other; times
        // are rounded to nanoseconds.
        let sorted = spans.sorted { ($0.start, -$0.end) < ($1.start, -$1.end) }
        var open: [Span] = []
        for span in sorted {
          while let last = open.last, last.end <= span.start + 0.002 { open.removeLast() }
          if let last = open.last {
            #expect(span.end <= last.end + 0.002, "\(span) reaches out of \(last) on rank \(rank)")
          }
          open.append(span)
        }
      }
      let (sent, received) = (ends["s"] ?? [:], ends["f"] ?? [:])
      #expect(!sent.isEmpty && Set(sent.keys) == Set(received.keys))
      for (id, from) in sent {
        let to = try #require(received[id])
        #expect(from.rank != to.rank)
        // All ranks are on this machine, and on its clock.
        #expect(from.time <= to.time)
      }
    }

    @Test("--plot draws PNG and SVG by name; names that are neither are refused before the run")
    func plot() throws {
      let place = try Workplace()
      _ = try place.digest(["mixture.json", "--steps", "12", "--plot", "run.png"], ranks: 2)
      #expect(try place.read("run.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
      _ = try place.digest(["mixture.json", "--steps", "12", "--samples", "20", "--window", "4", "--plot", "run.svg"])
      let svg = String(decoding: try place.read("run.svg"), as: UTF8.self)
      #expect(svg.contains(">mixture.json, piadm-sde: 12 steps in "))
      #expect(svg.contains(">Principal plane<"))
      #expect(svg.hasSuffix("</svg>\n"))
      #expect(try place.content == ["run.png", "run.svg", "samples.npy"])
      let other = try Workplace()
      try other.run(["sample", "mixture.json", "--plot", "run.pdf"]).expectRefusal(64, "--plot", "run.pdf", ".svg")
      try other.run(["sample", "mixture.json", "--plot", "a.png", "--images", "./a.png"]).expectRefusal(64, "a.png")
      try other.run(["sample", "mixture.json", "--trace", "none/t.json"], ranks: 2).expectRefusal(74, "none/t.json")
      #expect(try other.content == [])
    }

    @Test("the changes are drawn alike where ranks agree on them and where each knows its own")
    func residuals() throws {
      let place = try Workplace()
      func image(_ ranks: Int) throws -> Substring {
        _ = try place.digest(
          ["mixture.json", "--steps", "24", "--chunk", "3", "--iterations", "5", "--plot", "run.svg"], ranks: ranks)
        let svg = String(decoding: try place.read("run.svg"), as: UTF8.self)
        return try #require(svg.firstMatch(of: #/base64,([^"]+)"/#)?.1)
      }
      #expect(try image(1) == image(3))
    }

    @Test("progress tells round, steps, change, calls and time")
    func progress() throws {
      let place = try Workplace()
      let run = try place.run(
        [
          "sample", "mixture.json", "--method", "piadm-ode", "--steps", "24", "--progress", "lines",
          "--score-latency", "0.03",
        ], ranks: 2)
      #expect(run.exitCode == 0, "\(run.standardError)")
      let lines = run.standardOutput.split(separator: "\n").filter { $0.hasPrefix("round ") }
      #expect(lines.count >= 4)
      for line in lines {
        #expect(
          line.wholeMatch(
            of: #/round \d+  (block|corrector) [1-4]/4  steps \d+/88  (change \S+( \(x\S+\))?  )?\S+ calls/s  \d+\.\d s(, .* left)?/#)
            != nil, "\(line)")
      }
      #expect(lines.last?.contains("left") == false)
      // Of quick rounds one is told every tenth of a second, and the last one.
      let quick = try place.run(["sample", "mixture.json", "--steps", "400", "--window", "4"])
      let told = quick.standardOutput.split(separator: "\n").filter { $0.hasPrefix("round ") }
      let seconds = try #require(told.last?.firstMatch(of: #/ (\d+\.\d) s$/#).flatMap { Double($0.1) })
      #expect(told.last?.contains("steps 400/400") == true)
      #expect(Double(told.count) <= 10 * (seconds + 0.05) + 1)
      // Also where it is asked to stop right after it.
      let stopped = try place.run(
        ["sample", "mixture.json", "--steps", "1", "--checkpoint", "state", "--max-time", "0"])
      #expect(stopped.exitCode == 75)
      #expect(stopped.standardOutput.split(separator: "\n").count { $0.contains("steps 1/1") } == 1)
      let bar = try place.run(["sample", "mixture.json", "--steps", "24", "--progress", "bar"])
      #expect(bar.standardOutput.contains("\r[########################] round "))
    }

    @Test("in a terminal the bar stays on one line, however narrow it is", arguments: [40, 80, 200])
    func narrowTerminal(columns: Int) throws {
      let place = try Workplace()
      let run = try place.run(
        ["sample", "mixture.json", "--method", "piadm-ode", "--steps", "24", "--progress", "bar"],
        script: #"exec script -qec "stty cols \#(columns); $*" /dev/null"#)
      #expect(run.exitCode == 0, "\(run.standardError)")
      let lines = run.standardOutput.split(separator: "\r").filter { $0.contains("\u{1B}[K") }
        .map { $0.prefix { $0 != "\u{1B}" } }
      #expect(!lines.isEmpty)
      for line in lines { #expect(line.count < columns, "\(line)") }
      // There is room for a bar in a wide one.
      #expect(lines.last?.hasPrefix("[########################] round ") == (columns == 200))
    }
  }
}
