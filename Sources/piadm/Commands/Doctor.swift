import ArgumentParser
import Foundation
import MPI
import ScoreModels

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what this program runs with, and what is missing.",
    discussion: """
      Prints the MPI library, the launcher, the ranks with their hosts, processors and threads, \
      and OpenVINO, and warns of ranks that share cores and of cores that no rank may use. What is missing comes with the command that mends it, and with exit code 69.
      """)

  mutating func run() throws {
    try Failure.underMPI { world in
      let placement = try Placement(world)
      try world.agree {
        guard world.rank == 0 else { return }
        try write(
          """
          piadm    \(Piadm.version), Swift \(swiftVersion)
          MPI      \(Library.runtimeVersion), standard \(Library.standard.major).\(Library.standard.minor)
          launcher \(Launcher.atStart.name ?? "none: this process runs alone")
          \(placement.text)

          """)
        for warning in placement.crowding + placement.idleness { try write("warning: \(warning)\n") }
        let openvino = try OpenVINOLibrary()
        try write("OpenVINO \(openvino.version)\n         \(openvino.path)\n")
      }
    }
  }
}
