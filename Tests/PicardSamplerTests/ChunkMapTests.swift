import PicardSampler
import Testing

@Suite struct ChunkMapTests {
  @Test("every slice has one owner, and loads differ by at most one chunk", arguments: [ChunkMap.Layout.contiguous, .cyclic])
  func ownership(layout: ChunkMap.Layout) {
    for slices in [1, 2, 7, 40, 101] {
      for size in [1, 3, 8, 200] {
        for ranks in [1, 2, 3, 7, 64] {
          let map = ChunkMap(slices: slices, chunkSize: size, ranks: ranks, layout: layout)
          #expect((0..<map.chunks).flatMap { Array(map.slices(ofChunk: $0)) } == Array(0..<slices))
          let owners = (0..<map.chunks).map { map.owner(ofChunk: $0) }
          #expect(owners.allSatisfy { (0..<ranks).contains($0) })
          let loads = (0..<ranks).map { rank in owners.count { $0 == rank } }
          #expect(loads.max()! - loads.min()! <= 1)
          if layout == .contiguous { #expect(owners == owners.sorted()) }
        }
      }
    }
  }
}
