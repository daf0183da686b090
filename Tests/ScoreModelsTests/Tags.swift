import Testing

extension Tag {
  /// Evaluates networks.
  @Tag static var needsOpenVINO: Self
}
