import MPI

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

struct CheckFailure: Error, CustomStringConvertible {
  let description: String
}

/// An error with an exit code of its own.
struct CodedError: Error, CustomStringConvertible {
  let exitCode: Int32
  let description: String
}

func expect(
  _ condition: Bool, _ meaning: @autoclosure () -> String, line: Int = #line, file: String = #fileID
) throws {
  if !condition { throw CheckFailure(description: "\(file):\(line): \(meaning())") }
}

func expectEqual<Value: Equatable>(
  _ found: Value, _ expected: Value, line: Int = #line, file: String = #fileID
) throws {
  try expect(found == expected, "found \(found), expected \(expected)", line: line, file: file)
}

/// Runs `body`, which must throw an MPI error of this class.
func expectError(
  _ errorClass: ErrorClass, line: Int = #line, file: String = #fileID, _ body: () throws -> Void
) throws {
  do {
    try body()
  } catch let error as MPIError {
    try expect(
      error.errorClass == errorClass,
      "found \(error), expected error class \(errorClass.rawValue)", line: line, file: file)
    return
  }
  throw CheckFailure(description: "\(file):\(line): no error of class \(errorClass.rawValue)")
}

func exitProgram(_ code: Int32) -> Never { exit(code) }

extension Span where Element: Equatable {
  var array: [Element] { indices.map { self[$0] } }
}
