import Testing

/// Everything that is tested by running the program: one run after another,
/// since each takes all cores.
@Suite("the command line", .serialized, .tags(.needsMPI))
enum CommandLineTests {}
