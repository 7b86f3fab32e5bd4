import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseThresholdConfig } from '#signatures/suricata/threshold-config.ts'

describe('threshold.config', () => {
  it('reads thresholds and suppressions', () => {
    const read = parseThresholdConfig(
      '# why\nthreshold gen_id 1, sig_id 7, type limit, track by_src, \\\n count 2, seconds 60\n' +
        'suppress gen_id 1, sig_id 0\nsuppress gen_id 1, sig_id 7, track by_either, ip [10.0.0.0/8,!10.1.1.1]\n',
      'x',
    )
    assert.deepEqual(read.problems, [])
    assert.deepEqual(read.thresholds, [
      {
        kind: 'threshold',
        gid: 1,
        sid: 7,
        threshold: { kind: 'limit', track: 'by_src', count: 2, seconds: 60 },
      },
    ])
    assert.deepEqual(
      read.suppressions.map(({ sid, track }) => [sid, track]),
      [
        [0, null],
        [7, 'by_either'],
      ],
    )
  })

  it('reads rate filters', () => {
    const { rateFilters, problems } = parseThresholdConfig(
      'rate_filter gen_id 1, sig_id 9, track by_both, count 3, seconds 10, new_action drop, timeout 60',
      'x',
    )
    assert.deepEqual(problems, [])
    assert.deepEqual(rateFilters, [
      {
        kind: 'rate',
        gid: 1,
        sid: 9,
        track: 'by_both',
        count: 3,
        seconds: 10,
        action: 'drop',
        timeoutSeconds: 60,
      },
    ])
  })

  it('reports what cannot be enforced, with its line', () => {
    const { problems } = parseThresholdConfig(
      'nonsense\nrate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 1, new_action sdrop, timeout 1\n' +
        'threshold gen_id 1, sig_id 7, type never, track by_src, count 2, seconds 60\n',
      'x',
    )
    assert.deepEqual(
      problems.map(({ line, code }) => [line, code]),
      [
        [1, 'syntax'],
        [2, 'bad-argument'],
        [3, 'bad-argument'],
      ],
    )
  })
})
