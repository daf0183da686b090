import InputFiles
import Results
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  /// The examples that NIST gives with FIPS 180-4.
  @Test(
    "the standard's examples have their digests",
    arguments: [
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func examples(_ text: String, _ digest: String) {
    #expect(SHA256.hexadecimal(of: text.utf8) == digest)
  }

  @Test("pieces have the digest of the whole")
  func pieces() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let hash = SHA256()
    hash.update(bytes.span.extracting(..<137).bytes)
    hash.update(bytes.span.extracting(137..<137).bytes)
    hash.update(bytes.span.extracting(137...).bytes)
    #expect(hash.hexadecimal() == SHA256.hexadecimal(of: bytes))
  }
}
