/** Bounds of the HTTP/1 parser. Each one has a test; what exceeds it is an error event, never growth. */
export interface HttpLimits {
  /** Request or status line, all field lines and the empty line. */
  readonly headBytes: number
  /** Method token of a request. */
  readonly methodBytes: number
  /** Request target. */
  readonly targetBytes: number
  /** One field line without its line end. */
  readonly fieldBytes: number
  /** Field lines of one head. */
  readonly fieldCount: number
  /** Empty lines before a request line. */
  readonly leadingEmptyLines: number
  /** All chunk extensions of one body together. */
  readonly chunkExtensionBytes: number
  /** Trailer section, and its field lines. */
  readonly trailerBytes: number
  readonly trailerCount: number
  /** Requests without a complete response; the parser reads no further from the client until one ends. */
  readonly pipelinedRequests: number
  /** 1xx heads of one exchange. */
  readonly interimResponses: number
  /**
   * Client bytes kept while the client's side is held (`HttpExchangeParser.clientHeld`). The proxy stops
   * reading when it is; one read that was already under way has to fit.
   */
  readonly heldBytes: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = Object.freeze({
  headBytes: 65_536,
  methodBytes: 64,
  targetBytes: 16_384,
  fieldBytes: 16_384,
  fieldCount: 128,
  leadingEmptyLines: 4,
  chunkExtensionBytes: 4_096,
  trailerBytes: 16_384,
  trailerCount: 32,
  pipelinedRequests: 64,
  interimResponses: 16,
  heldBytes: 1_048_576,
})
