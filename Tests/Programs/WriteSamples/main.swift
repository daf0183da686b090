// Run under mpirun by ResultsTests:
//   WriteSamples FILE single|double GROUPS SAMPLES LENGTH...
// GROUPS ranks, the last ones, hold equal shares of the samples; element e of
// sample i is i + e/1024. Prints the digest.
import Foundation
import MPI
import Results

let arguments = CommandLine.arguments
let numbers = arguments.dropFirst(3).map { Int($0)! }
let (groups, samples, shape) = (numbers[0], numbers[1], Array(numbers.dropFirst(2)))

func write<Element: Scalar & BinaryFloatingPoint>(
  as _: Element.Type, over world: Communicator
) throws -> String? {
  let group = world.rank - (world.size - groups)
  let mine = group < 0 ? 0..<0 : (group * samples / groups)..<((group + 1) * samples / groups)
  let dimension = shape.reduce(1, *)
  let rows = mine.flatMap { sample in
    (0..<dimension).map { Element(sample) + Element($0) / 1024 }
  }
  return try SampleFile(arguments[1], samples: samples, shape: shape)
    .write(rows.span, firstSample: mine.lowerBound, over: world)
}

// A limit on the size of files is then an error of the write instead of a signal.
signal(SIGXFSZ, SIG_IGN)
var options = EnvironmentOptions()
options.report = { error in
  FailureReport("\(error)", exitCode: (error as? OutputError)?.exitCode ?? 70)
}
do {
  try withEnvironment(options) { world in
    let digest =
      try arguments[2] == "single"
      ? write(as: Float.self, over: world) : write(as: Double.self, over: world)
    if let digest { print(digest) }
  }
} catch {
  exit(error.exitCode)
}
