import Testing

extension Tag {
  /// Starts programs under an MPI launcher.
  @Tag static var needsMPI: Self
}
