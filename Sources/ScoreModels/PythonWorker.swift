import CScorePlugin
import Foundation

/// A Python process that evaluates the model of one `PythonModel`.
///
/// A process of its own takes any interpreter, whether or not it comes as a
/// library, keeps its libraries apart from those of MPI and OpenVINO, and turns
/// a crash of it into a message. States and predictions lie in memory that both
/// processes map; requests and replies are short messages in two pipes.
final class PythonWorker {
  /// What the worker answers: the text is the reason where it failed.
  struct Reply {
    let isSuccess: Bool
    let text: [UInt8]
  }

  let interpreter: String
  private let process: pid_t
  private let requests: Int32
  private let replies: Int32
  private let memory: Int32
  private var mapping: UnsafeMutableRawBufferPointer

  /// Starts the interpreter.
  ///
  /// - Parameter threads: for the libraries that read `OMP_NUM_THREADS` and its kin.
  /// - Throws: `ScoreModelError.Code.missingLibrary` where there is no interpreter.
  init(threads: Int) throws {
    interpreter = try Self.findInterpreter()
    // Above the numbers that the child gives them, so that none overwrites another.
    var made: [Int32] = []
    func keep(_ descriptor: Int32) throws -> Int32 {
      let high = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 64)
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      guard high >= 0 else {
        made.forEach { close($0) }
        throw ScoreModelError(.inputOutput, "no pipe to Python can be made: \(String(cString: strerror(code)))")
      }
      made.append(high)
      return high
    }
    func pipePair() throws -> (read: Int32, write: Int32) {
      var ends: [Int32] = [-1, -1]
      _ = pipe(&ends)
      return (try keep(ends[0]), try keep(ends[1]))
    }
    let (request, reply) = (try pipePair(), try pipePair())
    memory = try keep(score_plugin_shared_file())

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    for (number, descriptor) in [request.read, reply.write, memory].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + number))
    }
    // Signals to the whole job are this process's to answer; the worker ends
    // when this process does.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    for number in [SIGINT, SIGTERM, SIGUSR1, SIGUSR2] { sigaddset(&blocked, number) }
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

    var environment = ProcessInfo.processInfo.environment
    for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"] { environment[name] = "\(threads)" }
    func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] { texts.map { strdup($0) } + [nil] }
    var arguments = cStrings([interpreter, "-u", "-c", pythonWorkerSource])
    var variables = cStrings(environment.map { "\($0.key)=\($0.value)" })
    defer { (arguments + variables).forEach { free($0) } }
    var process = pid_t()
    let code = posix_spawn(&process, interpreter, &actions, &attributes, &arguments, &variables)
    close(request.read)
    close(reply.write)
    self.process = process
    requests = request.write
    replies = reply.read
    mapping = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    guard code == 0 else {
      [requests, replies, memory].forEach { close($0) }
      throw ScoreModelError(.missingLibrary, "\(interpreter): does not start: \(String(cString: strerror(code)))")
    }
  }

  deinit {
    [requests, replies, memory].forEach { close($0) }
    if let start = mapping.baseAddress { munmap(start, mapping.count) }
    // It ends with its pipes, even in the middle of a call.
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  /// Shared memory of at least so many bytes; its content survives no growth.
  func memory(bytes: Int) throws -> UnsafeMutableRawBufferPointer {
    if bytes <= mapping.count { return mapping }
    if let start = mapping.baseAddress { munmap(start, mapping.count) }
    mapping = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    guard ftruncate(memory, off_t(bytes)) == 0,
      let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0), start != MAP_FAILED
    else {
      throw ScoreModelError(
        .evaluation, "\(bytes) bytes of memory shared with Python cannot be had: \(String(cString: strerror(errno)))")
    }
    mapping = UnsafeMutableRawBufferPointer(start: start, count: bytes)
    return mapping
  }

  /// Sends a request and waits for the reply.
  ///
  /// - Parameters:
  ///   - rows: rows to evaluate; 0 opens the model that `text` states, -1 changes its conditions.
  ///   - text: JSON.
  func ask(rows: Int, text: [UInt8] = []) throws -> Reply {
    let head = [Int64(rows), Int64(mapping.count), Int64(text.count)]
    guard head.withUnsafeBytes({ writeAll(Array($0) + text) }),
      let answer = read(16), case let numbers = answer.withUnsafeBytes({ Array($0.bindMemory(to: Int64.self)) }),
      let text = read(Int(numbers[1]))
    else { throw ScoreModelError(.evaluation, "Python \(howItEnded())") }
    return Reply(isSuccess: numbers[0] == 0, text: text)
  }

  private func writeAll(_ bytes: [UInt8]) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { write(requests, $0.baseAddress! + done, bytes.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  /// - Returns: `nil` where the worker has gone.
  private func read(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let part = bytes.withUnsafeMutableBytes { Foundation.read(replies, $0.baseAddress! + done, count - done) }
      if part < 0, errno == EINTR { continue }
      guard part > 0 else { return nil }
      done += part
    }
    return bytes
  }

  private func howItEnded() -> String {
    var status: Int32 = 0
    // Its pipes may close a little before it ends.
    for _ in 0..<100 {
      let ended = waitpid(process, &status, WNOHANG)
      if ended == process || ended < 0 && errno == ECHILD { break }
      usleep(20_000)
    }
    let signal = status & 0x7f
    if signal == SIGKILL { return "was killed by signal 9; was there too little memory?" }
    return signal == 0 ? "ended with code \(status >> 8 & 0xff)" : "crashed with signal \(signal)"
  }

  /// `PIADM_PYTHON`, the active virtual environment's, that of a `.venv` in the
  /// current folder or above it, or `python3` on the path.
  private static func findInterpreter() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    if let named = environment["PIADM_PYTHON"], !named.isEmpty {
      guard access(named, X_OK) == 0 else {
        throw ScoreModelError(.missingLibrary, "PIADM_PYTHON=\(named): is no program; name a Python interpreter")
      }
      return named
    }
    // As OpenVINO is looked for: here and above.
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath).pathComponents.dropFirst()
    let above = (0...here.count).map { "/" + here.dropLast($0).joined(separator: "/") + "/.venv/bin" }
    let folders =
      [environment["VIRTUAL_ENV"].map { $0 + "/bin" }].compactMap { $0 } + above
      + (environment["PATH"] ?? "").split(separator: ":").map { String($0) }
    guard let found = folders.map({ $0 + "/python3" }).first(where: { access($0, X_OK) == 0 }) else {
      throw ScoreModelError(
        .missingLibrary,
        "a plug-in in Python needs python3, which is not on the path; install it (apt-get install python3-numpy), "
          + "or name an interpreter in PIADM_PYTHON")
    }
    return found
  }
}
