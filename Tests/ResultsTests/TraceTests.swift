import Foundation
import Results
import Testing

/// Timelines of ranks that pass messages around.
@Suite struct Traces {
  /// A rank's trace of rounds in which it sends a message to the right and
  /// waits for one from the left.
  private func trace(_ rank: Int, of ranks: Int, rounds: Int) -> Trace {
    var trace = Trace(ranks: ranks)
    trace.beginRounds(at: 0)
    for round in 0..<rounds {
      let start = Int64(round) * 10_000
      trace.add(.score, from: start, to: start + 5000)
      trace.addSend(bytes: 256, to: (rank + 1) % ranks, at: start + 5500)
      trace.addWait(bytes: 256, for: (rank + ranks - 1) % ranks, from: start + 6000, to: start + 7000)
      trace.add(.exchange, from: start + 5200, to: start + 7500)
      trace.endRound(rows: 8, finishedSlices: round, block: 0, isCorrector: false, at: start + 9000)
    }
    return trace
  }

  private func json(_ trace: Trace, _ rank: Int) throws -> [[String: Any]] {
    var events = JSONEvents(
      process: 0, thread: rank, origin: 0, clock: RankClock(offset: 0, drift: 0, from: 0, to: 1))
    events.name(host: "host", rank: rank)
    for event in trace.events { events.add(event) }
    let text = "[" + String(decoding: events.bytes.dropLast(2), as: UTF8.self) + "]"
    return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
  }

  @Test("a long run stays below its size, and every message that is kept has both ends")
  func bounded() throws {
    let (ranks, rounds) = (16, 4000)
    var traces = (0..<ranks).map { trace($0, of: ranks, rounds: rounds) }
    // One of them has seen more, and is thinned out further.
    for number in 0..<20_000 { traces[3].add(.update, from: Int64(number), to: Int64(number) + 1) }
    traces[3].endRound(rows: 0, finishedSlices: 0, block: 0, isCorrector: false, at: 50_000_000)
    let stride = try #require(traces.map(\.stride).max())
    #expect(stride > traces[0].stride)
    var starts: Set<String> = []
    var ends: Set<String> = []
    var bytes = 0
    for rank in 0..<ranks {
      traces[rank].keep(oneRoundOf: stride)
      let events = try json(traces[rank], rank)
      bytes += try JSONSerialization.data(withJSONObject: events).count
      for event in events {
        let id = event["id"] as? String ?? ""
        if event["ph"] as? String == "s" { #expect(starts.insert(id).inserted) }
        if event["ph"] as? String == "f" { #expect(ends.insert(id).inserted) }
      }
    }
    #expect(starts == ends)
    #expect(starts.count == ranks * ((rounds + Int(stride) - 1) / Int(stride)))
    #expect(bytes < 20_000_000)
  }

  @Test("times are microseconds on the clock of rank 0, drift included")
  func clock() throws {
    // 1 ms behind at first, 2 ms behind a second later.
    let clock = RankClock(offset: 1_000_000, drift: 1_000_000, from: 0, to: 1_000_000_000)
    #expect(clock.onRankZero(0) == 1_000_000)
    #expect(clock.onRankZero(500_000_000) == 501_500_000)
    #expect(clock.onRankZero(1_000_000_000) == 1_002_000_000)
    var trace = Trace(ranks: 1)
    trace.add(.score, from: 500_000_000, to: 500_001_234)
    var events = JSONEvents(process: 2, thread: 3, origin: 1_000_000, clock: clock)
    events.add(trace.events[0])
    #expect(
      String(decoding: events.bytes, as: UTF8.self)
        == #"{"ph":"X","pid":2,"tid":3,"ts":500500.000,"dur":1.235,"name":"score"},"# + "\n")
  }
}

@Suite struct ResidualMaps {
  @Test("a cell holds the largest change of its rounds and slices, however long the run")
  func widening() {
    let (slices, rounds) = (3000, 1500)
    var map = ResidualMap(slices: slices)
    for round in 0..<rounds {
      map.addRound(finishedSlices: round) { note in
        for slice in round..<min(slices, round + 10) { note(slice, Double(1 + round * slice)) }
      }
    }
    #expect(map.rounds == rounds)
    #expect(map.slicesPerRow == 3 && map.roundsPerColumn == 4)
    #expect(map.columns == 375 && map.rows == 1000)
    // Rounds 400 to 403, slices 402 to 404.
    #expect(map.cell(column: 100, row: 134) == Float(1 + 403 * 404))
    // Slices that no round has touched.
    #expect(map.cell(column: 100, row: 200) == -1)
    #expect(map.finished[100] == 403)
    #expect(map.largest(column: 0) == Float(1 + 3 * 12))
  }
}
