import Diffusion
import Foundation
import InputFiles
import NumPyFormat
import ScoreModels

/// The groups of an ensemble, and the places of their samples.
struct EnsemblePlan {
  struct Group {
    /// Where its samples are in the store.
    let rows: Range<Int>
    /// Their numbers, on which their noise depends.
    let samples: Range<Int>
    /// Of a roll-out, its step.
    let step: Int
  }

  /// The axes in front of a sample's own.
  let leading: [Int]
  let chunk: Int
  /// The number of the sample in the store's first row.
  let origin: Int
  let groups: [Group]

  /// The rows of this run.
  var rows: Range<Int> { groups[0].rows.lowerBound..<groups[groups.count - 1].rows.upperBound }

  /// - Parameter stored: what the store has already, where the run goes on with one.
  init(_ configuration: RunConfiguration, stored: (firstSample: Int, samples: Int, chunk: Int)?) {
    let (first, count) = (configuration.ensemble.firstSample, configuration.sampler.samples)
    if let rollOut = configuration.ensemble.rollOut {
      (origin, chunk) = (first, count)
      leading = [rollOut.steps, count]
      groups = (0..<rollOut.steps).map {
        Group(rows: ($0 * count)..<(($0 + 1) * count), samples: first..<(first + count), step: $0)
      }
      return
    }
    let origin = stored?.firstSample ?? first
    let chunk = stored?.chunk ?? configuration.samplesAtOnce
    (self.origin, self.chunk) = (origin, chunk)
    let rows = (first - origin)..<(first - origin + count)
    leading = [max(rows.upperBound, stored?.samples ?? 0)]
    groups = stride(from: rows.lowerBound / chunk * chunk, to: rows.upperBound, by: chunk).map { start in
      let own = max(start, rows.lowerBound)..<min(start + chunk, rows.upperBound)
      return Group(rows: own, samples: (origin + own.lowerBound)..<(origin + own.upperBound), step: 0)
    }
  }
}

/// The cases of a file: a JSON object a line.
struct CaseList {
  struct Case: Decodable {
    var seed: UInt64?
    var samples: Int?
    var conditions: [String: String]?
  }

  let file: String
  let cases: [Case]
  /// The first sample of each case, and the end.
  let offsets: [Int]

  init(contentsOf file: String) throws {
    self.file = file
    guard let data = FileManager.default.contents(atPath: file) else {
      throw MissingFile("--cases \(file): no such file, or it cannot be read")
    }
    let known: Set = ["seed", "samples", "conditions"]
    var cases: [Case] = []
    let lines = String(decoding: data, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
      let place = "--cases \(file), line \(number + 1)"
      let bytes = Data(line.utf8)
      guard let object = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any],
        let entry = try? JSONDecoder().decode(Case.self, from: bytes)
      else {
        throw BadData(
          "\(place): is no case; needed: an object such as {\"seed\": 1, \"samples\": 4, \"conditions\": {\"label\": \"label.npy\"}}")
      }
      if let key = object.keys.filter({ !known.contains($0) }).min() {
        throw BadData("\(place): unknown key \"\(key)\"; known are \(known.sorted().joined(separator: ", "))")
      }
      guard 1...most ~= entry.samples ?? 1 else { throw BadData("\(place): samples must be from 1 to \(most)") }
      if let first = cases.first, first.conditions?.keys.sorted() != entry.conditions?.keys.sorted() {
        throw BadData("\(place): must have the same conditions as the first case")
      }
      cases.append(entry)
    }
    guard !cases.isEmpty else { throw BadData("--cases \(file): holds no case") }
    self.cases = cases
    offsets = cases.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1.samples ?? 1)) }
    guard samples <= Int(UInt32.max) else { throw BadData("--cases \(file): more than 2^32 samples") }
  }

  var samples: Int { offsets[offsets.count - 1] }

  /// The case of a sample.
  func number(of sample: Int) -> Int {
    var (low, high) = (0, cases.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if offsets[middle] <= sample { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// A condition's file as it is stated beside the file of cases.
  private func path(_ name: String) -> String {
    name.hasPrefix("/") ? name : URL(fileURLWithPath: file).deletingLastPathComponent().appending(path: name).relativePath
  }

  /// The files of the first case, which the network is opened with, as options state them.
  var firstConditions: [String] {
    (cases[0].conditions ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\(path($0.value))" }
  }

  /// Records this file and those that it names.
  func record(in record: InputFiles) throws {
    _ = try record.contents(of: file, as: .option("cases"))
    for (number, entry) in cases.enumerated() {
      for (name, place) in (entry.conditions ?? [:]).sorted(by: { $0.key < $1.key }) {
        _ = try record.contents(of: path(place), as: .option("cases \(number + 1) \(name)"))
      }
    }
  }

  /// The conditions of some samples, a row each.
  ///
  /// - Parameter ranks: axes of a row, by name.
  func conditions(of samples: Range<Int>, ranks: [String: Int]) throws -> [String: ConditionRows] {
    var found: [String: ConditionRows] = [:]
    for name in (cases[0].conditions ?? [:]).keys.sorted() {
      guard let rank = ranks[name] else {
        throw BadData("--cases \(file): the model has no further input '\(name)'")
      }
      var rows = ConditionRows(rowShape: [], values: [])
      for number in self.number(of: samples.lowerBound)...self.number(of: samples.upperBound - 1) {
        let path = path(cases[number].conditions?[name] ?? "")
        let array = try NumPyArray(contentsOf: path)
        let count = offsets[number + 1] - offsets[number]
        // One row for the case, or one for each of its samples.
        let shape = Array(array.shape.suffix(rank))
        let isShared = array.shape.count == rank || array.shape.first == 1
        guard array.shape.count == rank || array.shape.count == rank + 1 && (isShared || array.shape[0] == count),
          rows.values.isEmpty || shape == rows.rowShape
        else {
          throw BadData(
            "--cases \(file): condition \(name) of case \(number + 1), \(path), has shape \(array.shape); a row of \(rank) axes, "
              + "or \(count) of them, is needed, the same in all cases")
        }
        rows.rowShape = shape
        let (values, length) = (array.floats, shape.reduce(1, *))
        for sample in samples.clamped(to: offsets[number]..<offsets[number + 1]) {
          let first = isShared ? 0 : (sample - offsets[number]) * length
          rows.values += values[first..<(first + length)]
        }
      }
      found[name] = rows
    }
    return found
  }
}

/// The noise of cases: each has its seed and numbers its samples from 0.
struct CaseNoise: NoiseSource {
  let cases: CaseList
  let seed: UInt64

  func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    let number = cases.number(of: sample)
    CounterNoise(seed: cases.cases[number].seed ?? seed)
      .fill(&output, stream: stream, step: step, sample: sample - cases.offsets[number])
  }
}
