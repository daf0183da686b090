import CCrypto

/// A SHA-256 digest (FIPS 180-4) in the making, by OpenSSL.
package struct SHA256: ~Copyable {
  private let context: OpaquePointer

  package init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("OpenSSL has no SHA-256 on this machine")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  package func update(_ bytes: RawSpan) {
    let status = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    precondition(status == 1, "OpenSSL failed to hash")
  }

  /// The digest in lower-case hexadecimal digits.
  package consuming func hexadecimal() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1, "OpenSSL failed to hash")
    return digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// The digest of some bytes in lower-case hexadecimal digits.
  package static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
    let hash = SHA256()
    hash.update(Array(bytes).span.bytes)
    return hash.hexadecimal()
  }
}
