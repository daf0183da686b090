import Foundation
import Launching
import NumPyFormat
import Testing

extension CommandLineTests {
  /// The model of phi^4 lattice fields in `jobs/phi4`, against Hybrid Monte
  /// Carlo. Needs OpenVINO, and fails, naming it, where it is missing.
  @Suite struct LatticeFields {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "jobs/phi4").path

    struct Reference: Decodable {
      struct Theory: Decodable {
        var size: Int
        var kappa: Double
        var coupling: Double
      }
      struct Estimate: Decodable {
        var value: Double
        var error: Double
      }
      var theory: Theory
      var observables: [String: Estimate]
    }

    private func read<Record: Decodable>(_ type: Record.Type, _ file: String) throws -> Record {
      try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(file)")))
    }

    /// What is averaged over fields, each of one field, by its name in the reference.
    private func moments(_ field: ArraySlice<Double>, _ theory: Reference.Theory) -> [String: Double] {
      let (field, size) = (Array(field), theory.size)
      let volume = Double(size * size)
      var (total, neighbours, response) = (0.0, 0.0, 0.0)
      for x in 0..<size {
        for y in 0..<size {
          func at(_ x: Int, _ y: Int) -> Double { field[(x + size) % size * size + (y + size) % size] }
          let phi = at(x, y)
          total += phi
          neighbours += phi * (at(x + 1, y) + at(x, y + 1)) / 2
          let around = at(x + 1, y) + at(x - 1, y) + at(x, y + 1) + at(x, y - 1)
          response += phi * (-2 * theory.kappa * around + 2 * phi + 4 * theory.coupling * phi * (phi * phi - 1))
        }
      }
      return [
        "magnetization <|M|>/V": abs(total) / volume, "susceptibility <M^2>/V": total * total / volume,
        "two-point function G(1)": neighbours / volume, "<phi dS/dphi>, 1 exactly": response / volume,
      ]
    }

    /// Observables of fields that are further off the reference than fields of
    /// the theory would be once in 10 000 such comparisons: 4 normal numbers
    /// exceed 4.2 with that probability.
    private func deviations(_ values: [Double], _ reference: Reference) -> Set<String> {
      let sites = reference.theory.size * reference.theory.size
      let fields = stride(from: 0, to: values.count, by: sites).map { moments(values[$0..<$0 + sites], reference.theory) }
      let count = Double(fields.count)
      var wrong: Set<String> = []
      for name in fields[0].keys {
        let samples = fields.map { $0[name]! }
        let mean = samples.reduce(0, +) / count
        let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        guard let expected = reference.observables[name] else { return [name] }
        let error = (variance / count + expected.error * expected.error).squareRoot()
        if !(abs(mean - expected.value) <= 4.2 * error) { wrong.insert(name) }
      }
      return wrong
    }

    @Test("fields drawn on 2 ranks have the magnetization, susceptibility and correlations of the Monte Carlo; others do not")
    func observables() throws {
      struct Field: Decodable { var unit: Double }
      let reference = try read(Reference.self, "reference.json")
      let unit = try read(Field.self, "model/field.json").unit
      let place = try Workplace()
      _ = try place.digest(
        [Self.folder + "/model", "--method", "dpm++2m", "--steps", "100", "--window", "32", "--samples", "64"], ranks: 2)
      let samples = try place.array("samples.npy")
      #expect(samples.shape == [64, 1, 16, 16])
      let fields = samples.doubles.map { $0 * unit }
      #expect(deviations(fields, reference) == [])

      var generator = SystemRandomNumberGenerator()
      let sites = reference.theory.size * reference.theory.size
      // Sites in another order keep the magnetization, but are no neighbours.
      let shuffled = stride(from: 0, to: fields.count, by: sites)
        .flatMap { fields[$0..<$0 + sites].shuffled(using: &generator) }
      #expect(deviations(shuffled, reference).isSuperset(of: ["two-point function G(1)", "<phi dS/dphi>, 1 exactly"]))
      // Sums of 12 even numbers: variance 1.
      let noise = fields.map { _ in (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &generator) } * unit }
      #expect(deviations(noise, reference).isSuperset(of: ["magnetization <|M|>/V", "susceptibility <M^2>/V"]))
    }
  }
}
