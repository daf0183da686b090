import Foundation
import InputFiles
import Launching
import NumPyFormat
import Results
import Testing

extension CommandLineTests {
  /// What a run leaves.
  @Suite struct Results {
    private func report(_ place: Workplace, _ name: String = "report.json") throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: place.read(name)) as? [String: Any])
    }

    @Test("the report has every key, and its numbers agree with the samples", arguments: ["single", "double"])
    func reportIsWhole(precision: String) throws {
      let place = try Workplace()
      let digest = try place.digest(
        [
          "mixture.json", "--method", "piadm-ode", "--steps", "30", "--samples", "3", "--blocks", "4",
          "--precision", precision, "--report", "report.json",
        ], ranks: 2)
      let report = try report(place)
      #expect(
        Set(report.keys).isSuperset(of: [
          "status", "model", "method", "options", "ranks", "replicas", "steps", "samples", "shape",
          "rounds", "evaluations", "blocks", "finalChange", "batchInvariant", "digest", "seconds",
          "bytesSent", "peakMemoryBytes", "privateMemoryBytes", "versions",
        ]))
      #expect(report["status"] as? String == "completed")
      #expect(report["model"] as? String == "mixture.json")
      #expect(report["method"] as? String == "piadm-ode")
      #expect(report["ranks"] as? Int == 2)
      #expect(report["replicas"] as? Int == 1)
      #expect(report["steps"] as? Int == 30)
      #expect(report["samples"] as? Int == 3)
      #expect(report["shape"] as? [Int] == [Workplace.dimension])
      #expect(report["batchInvariant"] as? Bool == true)
      #expect(report["digest"] as? String == digest)

      let rounds = try #require(report["rounds"] as? Int)
      let evaluations = try #require(report["evaluations"] as? Int)
      // At worst a round a step, those of the four correctors of 16 included.
      #expect((4...(30 + 4 * 16)).contains(rounds))
      // Every step of every sample is evaluated at least once.
      #expect(evaluations >= 3 * (30 + 4 * 16))

      let blocks = try #require(report["blocks"] as? [[String: Any]])
      #expect(blocks.map { $0["first"] as? Int } == [0, 8, 16, 23])
      #expect(blocks.map { $0["steps"] as? Int } == [8, 8, 7, 7])
      for block in blocks {
        let iterations = try #require(block["iterations"] as? Int)
        #expect((1...8).contains(iterations))
        #expect(try #require(block["change"] as? Double) >= 0)
      }
      #expect(try #require(report["finalChange"] as? Double) <= 1e-3)

      let seconds = try #require(report["seconds"] as? [String: Double])
      #expect(
        Set(seconds.keys).isSuperset(of: ["total", "setup", "score", "update", "exchange", "reduce", "output"]))
      let total = try #require(seconds["total"])
      #expect(seconds.values.allSatisfy { $0 >= 0 && $0 <= total })
      #expect(try #require(report["bytesSent"] as? Int) > 0)
      #expect(try #require(report["peakMemoryBytes"] as? Int) > 1 << 20)
      let versions = try #require(report["versions"] as? [String: String])
      #expect(Set(versions.keys).isSuperset(of: ["piadm", "mpi", "openvino", "swift"]))
      let options = try #require(report["options"] as? [String: Any])
      for (name, value) in [
        "corrector-steps": 16, "blocks": 4, "samples": 3, "steps": 30, "seed": 0,
      ] {
        #expect(options[name] as? Int == value, "\(name)")
      }
      #expect(options["linearization"] as? String == "elementwise")
      #expect(options["precision"] as? String == precision)

      let array = try place.array("samples.npy")
      let bytes = precision == "single" ? 4 : 8
      #expect(array.shape == [3, Workplace.dimension])
      let header = NumPyHeader(elementType: bytes == 4 ? .float32 : .float64, shape: array.shape).encoded
      let file = try place.read("samples.npy")
      #expect(file.prefix(header.count) == Data(header))
      let data = file.dropFirst(header.count)
      #expect(data.count == 3 * Workplace.dimension * bytes)
      #expect(SHA256.hexadecimal(of: data) == digest)
      #expect(try place.content == ["report.json", "samples.npy"])
    }

    @Test("the sequential solver's report counts every step once")
    func sequentialReport() throws {
      let place = try Workplace()
      _ = try place.digest(
        ["mixture.json", "--solver", "sequential", "--steps", "12", "--samples", "2", "--report", "report.json"])
      let report = try report(place)
      #expect(report["rounds"] as? Int == 12)
      #expect(report["evaluations"] as? Int == 24)
      #expect(report["bytesSent"] as? Int == 0)
    }

    @Test("a run ends with its status, and only one rank prints")
    func closingLine() throws {
      let place = try Workplace()
      let run = try place.run(["sample", "mixture.json", "--steps", "8", "--progress", "lines"], ranks: 3)
      #expect(run.exitCode == 0)
      #expect(run.standardOutput.hasSuffix("\nstatus: completed\n"))
      let lines = run.standardOutput.split(separator: "\n")
      #expect(lines.filter { $0 == "status: completed" }.count == 1)
      #expect(lines.filter { $0.hasPrefix("piadm ") }.count == 1)
      #expect(lines.contains { $0.hasPrefix("round ") && $0.contains("steps 8/8") })
    }

    @Test("a contact sheet of digits is a PNG image (needs OpenVINO)")
    func contactSheet() throws {
      let place = try Workplace()
      _ = try place.digest(["digits", "--steps", "8", "--samples", "5", "--images", "digits.png"], ranks: 2)
      let image = try place.read("digits.png")
      #expect(image.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
      #expect(try place.array("samples.npy").shape == [5, 1, 8, 8])
      #expect(try place.content == ["digits.png", "samples.npy"])
    }

    @Test("files are found and left relative to where the user is, whatever their names")
    func names() throws {
      let place = try Workplace()
      try FileManager.default.createDirectory(atPath: "\(place.path)/out – résultats", withIntermediateDirectories: true)
      _ = try place.digest(
        ["./mixture.json", "--steps", "4", "--out", "out – résultats/échantillons 1.npy"], ranks: 2)
      #expect(try place.array("out – résultats/échantillons 1.npy").shape == [1, 5])
    }
  }
}
