/**
 * Tests of CRS that are not met on purpose: what Apache's ModSecurity does is not what is safe in front of
 * a server whose parser is not known. Each of them is in an overrides list of CRS itself (there for nginx),
 * and each names the rule that must be in the log instead, so that a deviation cannot hide a miss.
 */
export const DEVIATIONS: ReadonlyMap<string, { readonly ruleId: number; readonly reason: string }> =
  new Map([
    [
      '920181-1',
      {
        ruleId: 920181,
        reason:
          'Apache drops Content-Length beside Transfer-Encoding before rules see it; here the bytes ' +
          'are not rewritten, so the rule about the pair sees the pair',
      },
    ],
    [
      '920620-1',
      {
        ruleId: 920620,
        reason:
          'Apache joins repeated Content-Type fields before rules see them; here the bytes are not ' +
          'rewritten, so the rule about repetition sees the repetition',
      },
    ],
  ])
