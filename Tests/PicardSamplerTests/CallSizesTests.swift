import Testing

import PicardSampler

@Suite struct CallSizesTests {
  @Test(
    "a full call, a half, a quarter and a row alone, each once",
    arguments: [
      (1, [1]), (2, [2, 1]), (3, [3, 1]), (4, [4, 1]), (5, [5, 2, 1]), (8, [8, 4, 1]), (9, [9, 4, 2, 1]),
      (50, [50, 25, 12, 1]), (64, [64, 32, 15, 1]),
    ])
  func sizes(full: Int, expected: [Int]) {
    #expect(CallSizes(full: full).sizes == expected)
  }

  @Test("a call of each size and a quarter again have at most twice as many rows as a full one")
  func rows() {
    for full in 3...1000 {
      let sizes = CallSizes(full: full).sizes
      let again = sizes.first { $0 <= max(1, 2 * full - sizes.reduce(1, +)) } ?? 1
      #expect(sizes.reduce(0, +) + 1 + again <= 2 * full, "\(full)")
    }
  }

  @Test("where rows cost nothing beside the call, the fewest calls are made")
  func cheapRows() {
    var sizes = CallSizes(full: 64)
    for size in sizes.sizes { sizes.note(size, seconds: 1) }
    #expect(calls(for: 100, sizes) == [64, 64])
    #expect(calls(for: 3, sizes) == [64])
  }

  @Test("where a call costs nothing beside its rows, no row is evaluated in vain")
  func costlyRows() {
    var sizes = CallSizes(full: 64)
    for size in sizes.sizes { sizes.note(size, seconds: Double(size)) }
    for rows in 1...200 { #expect(calls(for: rows, sizes).reduce(0, +) == rows) }
    #expect(calls(for: 100, sizes) == [64, 32, 1, 1, 1, 1])
  }

  @Test("a size never measured is tried, and one that was disturbed again")
  func unknown() {
    var sizes = CallSizes(full: 64)
    sizes.note(1, seconds: 1)
    #expect(sizes.next(for: 3) == 64)
    // Disturbed: a row alone seems as fast, but no faster.
    sizes.note(64, seconds: 1000)
    #expect(sizes.next(for: 64) == 64 && sizes.next(for: 3) == 1)
    var tries = 0
    while sizes.next(for: 30) != 64, tries < 1000 {
      sizes.note(sizes.next(for: 30), seconds: Double(sizes.next(for: 30)))
      tries += 1
    }
    #expect(tries < 1000)
    sizes.note(64, seconds: 2)
    #expect(sizes.next(for: 30) == 64)
  }

  @Test("no larger call than those that agree with a row alone")
  func kept() {
    var sizes = CallSizes(full: 64)
    sizes.keep(below: 32)
    #expect(sizes.sizes == [15, 1])
    sizes.keep(below: 2)
    #expect(sizes.full == 1 && sizes.next(for: 9) == 1)
  }

  private func calls(for rows: Int, _ sizes: CallSizes) -> [Int] {
    var (calls, rest) = ([Int](), rows)
    while rest > 0 {
      calls.append(sizes.next(for: rest))
      rest -= calls[calls.count - 1]
    }
    return calls
  }
}
