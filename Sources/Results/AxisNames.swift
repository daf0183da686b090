/// Names of a sample's axes, as climate and imaging data have them: `channel`,
/// `z`, `y` and `x` where the sample is a picture or a volume, `element` for
/// vectors, and numbered axes else.
public func axisNames(ofShape shape: [Int]) -> [String] {
  if let layout = ImageLayout(shape: shape) {
    let place = layout.slices > 1 ? ["z", "y", "x"] : ["y", "x"]
    if shape.count == place.count { return place }
    if shape.count == place.count + 1 { return layout.channelsFirst ? ["channel"] + place : place + ["channel"] }
  }
  return shape.count == 1 ? ["element"] : shape.indices.map { "axis_\($0)" }
}
