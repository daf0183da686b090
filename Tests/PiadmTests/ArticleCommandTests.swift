import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// The commands that the articles show. They are lines of indented blocks:
  /// those that start with `piadm` or `mpirun` run here, one after another in
  /// one folder for each article, beside the targets that the article shows;
  /// `sbatch` and `srun` want a cluster, and are checked without one: the
  /// script is there, and the program knows every option.
  @Suite struct ArticleCommands {
    static let catalogue = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/piadm/piadm.docc")

    static let articles =
      ((try? FileManager.default.contentsOfDirectory(atPath: catalogue.path)) ?? [])
      .filter { $0.hasSuffix(".md") }.sorted()

    private struct Article {
      let commands: [String]
      /// Targets, by the name of the file that the text before them gives.
      let targets: [String: String]

      init(_ name: String) throws {
        let text = try String(
          contentsOf: ArticleCommands.catalogue.appending(path: name), encoding: .utf8)
        var commands: [String] = []
        var targets: [String: String] = [:]
        var file = "target.json"
        for line in text.split(separator: "\n") {
          if let match = line.firstMatch(of: #/`([a-z]+\.json)`/#), !line.hasPrefix("    ") {
            file = String(match.1)
          }
          guard line.hasPrefix("    ") else { continue }
          let command = line.trimmingCharacters(in: .whitespaces)
          if command.hasPrefix("{\"target\"") { targets[file] = command }
          if command.firstMatch(of: #/^(piadm|mpirun|sbatch|srun) /#) != nil { commands.append(command) }
        }
        self.commands = commands
        self.targets = targets
      }
    }

    @Test("every command of an article runs; needs OpenVINO", arguments: articles)
    func run(name: String) throws {
      let article = try Article(name)
      let place = try Workplace()
      for (file, target) in [
        "target.json": #"{"target": "gaussian", "dimension": 2, "mean": 0, "variances": 1}"#
      ].merging(article.targets, uniquingKeysWith: { $1 }) { try place.write(target, to: file) }
      for command in article.commands where command.hasPrefix("piadm ") || command.hasPrefix("mpirun ") {
        // Plug-ins have to be built first: their own tests run them.
        guard !command.contains("plugin:") else { continue }
        let line = command.replacing("mpirun ", with: "\"${MPIRUN:-mpirun}\" ")
        let run = try place.run(
          [], script: "PATH=$(dirname \"$1\"):$PATH\n\(line)",
          environment: ["OMPI_MCA_rmaps_base_oversubscribe": "1"])
        #expect(!run.isTimedOut, "\(command)")
        #expect(run.exitCode == 0, "\(command): \(run.standardError)")
      }
    }

    @Test("every command for a cluster names a script that is there and options that exist", arguments: articles)
    func cluster(name: String) throws {
      let help = try Workplace().run(["sample", "--help"]).standardOutput
      for command in try Article(name).commands where command.firstMatch(of: #/^(sbatch|srun) /#) != nil {
        let words = command.split(separator: " ")
        for script in words where script.hasPrefix("jobs/") {
          let path = Self.catalogue.appending(path: "../../../\(script)").standardizedFileURL.path
          #expect(FileManager.default.fileExists(atPath: path), "\(command)")
        }
        let start = words.firstIndex { $0.hasPrefix("jobs/") || $0 == "piadm" } ?? 0
        for option in words[start...] where option.hasPrefix("--") {
          #expect(help.contains("\(option) ") || help.contains("\(option)\n"), "\(command): \(option)")
        }
      }
    }

    @Test("articles have commands to run")
    func extent() throws {
      #expect(try Self.articles.flatMap { try Article($0).commands }.count >= 15)
    }
  }
}
