/// Where the ranks of a forecast are in time. Ranks that have done nothing
/// since all agreed are where all were then.
struct RankClocks {
  let ranks: Int
  private var all = 0.0
  private var times: [Int: Double] = [:]

  init(ranks: Int) { self.ranks = ranks }

  var latest: Double { max(all, times.values.max() ?? 0) }

  mutating func work(_ rank: Int, _ seconds: Double) { times[rank] = (times[rank] ?? all) + seconds }

  /// Messages that leave when their senders are ready, and are waited for.
  mutating func pass(
    _ messages: RunForecast.Messages, seconds: (_ messages: Int, _ bytes: Int) -> Double
  ) {
    let before = self
    for (source, destinations) in messages {
      for (destination, load) in destinations where source != destination {
        let arrival = before.time(source) + seconds(load.count, load.bytes)
        times[destination] = max(time(destination), arrival)
      }
    }
  }

  /// All ranks wait for the last one.
  mutating func agree(_ seconds: Double) {
    all = latest + seconds
    times = [:]
  }

  private func time(_ rank: Int) -> Double { times[rank] ?? all }
}
