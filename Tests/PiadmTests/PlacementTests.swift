import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Where ranks run, bound by `taskset` as launchers bind them. Processors 0
  /// and 1 must be there.
  @Suite struct PlacementTests {
    /// A run of all ranks on the given processors; `$rank` stands for the
    /// rank's number.
    private func run(_ arguments: [String], ranks: Int, on processors: String) throws -> String {
      let run = try Workplace().run(
        arguments, ranks: ranks,
        // All but the program and its arguments is the launcher.
        script: """
          launcher=
          while [ $# -gt \(arguments.count + 1) ]; do launcher="$launcher $1"; shift; done
          exec $launcher sh -c '
            rank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec taskset -c "\(processors)" "$@"' sh "$@"
          """, isTuned: true)
      #expect(run.exitCode == 0, "\(run.standardError)")
      return run.standardOutput
    }

    @Test("doctor shows processors and threads of every rank, and finds nothing wrong with one core each")
    func ownCores() throws {
      let text = try run(["doctor"], ranks: 2, on: "$rank")
      #expect(text.contains(#/rank 0   \S+, processors 0, 1 thread\n/#))
      #expect(text.contains(#/rank 1   \S+, processors 1, 1 thread\n/#))
      #expect(!text.contains(" share "))
    }

    @Test("ranks that may run on the same processors divide them")
    func dividedCores() throws {
      let text = try run(["doctor"], ranks: 2, on: "0-1")
      #expect(text.contains(#/rank 1   \S+, processors 0-1, 1 thread\n/#))
      #expect(!text.contains(" share "))
    }

    @Test("a rank alone has as many threads as processors")
    func alone() throws {
      let text = try run(["doctor"], ranks: 1, on: "0-1")
      #expect(text.contains(#/rank 0   \S+, processors 0-1, 2 threads\n/#))
    }

    @Test("ranks bound to one core, and the core left idle, are warned of")
    func wrongBinding() throws {
      let text = try run(["doctor"], ranks: 2, on: "0")
      #expect(text.contains(#/warning: ranks 0-1 on \S+ share core 0: bind each to its own/#))
      #expect(text.contains(#/warning: no rank may run on processors? 1\b.*--bind-to none/#))
    }

    @Test("more ranks than cores are warned of, by sample too", arguments: ["doctor", "sample"])
    func crowded(command: String) throws {
      let arguments = command == "sample" ? ["sample", "mixture.json"] : ["doctor"]
      let text = try run(arguments, ranks: 3, on: "0-1")
      #expect(text.contains(#/warning: ranks 0-2 on \S+ share cores 0-1/#))
      #expect(text.components(separatedBy: "warning: ranks").count == 2)
    }
  }
}
