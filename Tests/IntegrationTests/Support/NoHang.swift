internal import Testing

extension SuiteTrait where Self == TimeLimitTrait {
  /// Ends a test that hangs. All tests start at once, and on a busy machine each takes as long as all: so
  /// the limit is one that not even all together come near.
  static var noHang: Self { .timeLimit(.minutes(60)) }
}
