import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { IdsLoadError } from '#inspectors/ids/errors.ts'
import { createIds } from '#inspectors/ids/ids.ts'
import { CONNECTION, idsOf, play, toClient, toServer } from './drive.ts'

const TCP = 'alert tcp any any -> any any'
const HTTP = 'alert http any any -> any any'
const GET = toServer('GET /evil HTTP/1.1\r\nHost: a\r\n\r\n')

describe('actions', () => {
  it('drops before the head is answered, and names the rule', () => {
    const ids = idsOf('drop http any any -> any any (msg:"no"; http.uri; content:"/evil"; sid:1;)')
    const outcome = play(ids, [GET])
    assert.equal(outcome.droppedAt, 'requestHead')
    assert.deepEqual(
      outcome.alerts.map((alert) => [alert.message, alert.decisive]),
      [['no', true]],
    )
  })

  it('resets for reject and shows the alert too', () => {
    for (const action of ['reject', 'rejectsrc', 'rejectdst', 'rejectboth']) {
      const ids = idsOf(`${action} http any any -> any any (http.uri; content:"/evil"; sid:1;)`)
      assert.equal(play(ids, [GET]).dropped, true, action)
    }
  })

  it('lets pass win over drop, for the rest of the flow', () => {
    const ids = idsOf(
      'drop http any any -> any any (http.uri; content:"/evil"; sid:1;)\n' +
        'pass http any any -> any any (http.uri; content:"/evil"; sid:2;)',
    )
    const outcome = play(ids, [GET, GET])
    assert.deepEqual([outcome.dropped, outcome.bypassed, outcome.sids.length], [false, true, 0])
  })

  it('makes urgent alert rules drop where the settings say so', () => {
    const rules =
      `${HTTP} (http.uri; content:"/evil"; priority:2; sid:1;)\n` +
      `${HTTP} (http.uri; content:"/other"; priority:3; sid:2;)\n` +
      `${HTTP} (http.uri; content:"/evil"; priority:1; noalert; sid:3;)`
    const ids = idsOf(rules, { settings: { dropPriority: 2 } })
    const outcome = play(ids, [GET])
    assert.deepEqual([outcome.dropped, outcome.sids, outcome.alerts[0].decisive], [true, [1], true])
    const other = play(ids, [toServer('GET /other HTTP/1.1\r\nHost: a\r\n\r\n')])
    assert.deepEqual([other.dropped, other.sids], [false, [2]])
  })
})

describe('early answers', () => {
  it('do not end the inspection of the request', () => {
    const ids = idsOf('drop http any any -> any any (http.request_body; content:"attack"; sid:1;)')
    const outcome = play(ids, [
      toServer('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nfirst '),
      toClient('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'),
      toServer('attack'),
    ])
    assert.deepEqual([outcome.dropped, outcome.sids], [true, [1]])
  })
})

describe('headers and flow', () => {
  const variables = { HOME_NET: '[192.168.0.0/16,!192.168.9.0/24]', EXTERNAL_NET: '!$HOME_NET' }
  const matches = (header: string, connection: Partial<typeof CONNECTION> = {}): boolean =>
    play(
      idsOf(`alert ${header} (flow:established; content:"GET"; sid:1;)`, {
        settings: { variables },
      }),
      [GET],
      {
        ...CONNECTION,
        ...connection,
      },
    ).sids.length > 0

  it('compares addresses, ports, variables and directions', () => {
    assert.equal(matches('tcp any any -> any 80'), true)
    assert.equal(matches('tcp any any -> any 81'), false)
    assert.equal(matches('tcp any any -> any !80'), false)
    assert.equal(matches('tcp any any -> any [79:81,!80]'), false)
    assert.equal(matches('tcp any any -> any $HTTP_PORTS'), true)
    assert.equal(matches('tcp any 80 -> any any'), false)
    assert.equal(matches('tcp any 80 <> any any'), true)
    assert.equal(matches('tcp $EXTERNAL_NET any -> $HOME_NET any'), true)
    assert.equal(matches('tcp $HOME_NET any -> any any'), false)
    assert.equal(matches('tcp any any -> $HOME_NET any', { serverAddress: '192.168.9.1' }), false)
    assert.equal(matches('tcp any any -> [10.0.0.0/8,192.168.1.0-192.168.1.9] any'), true)
    assert.equal(matches('tcp any any -> 2001:db8::/32 any'), false)
    assert.equal(
      matches('tcp any any -> 2001:db8::/32 any', { serverAddress: '2001:db8::1' }),
      true,
    )
  })

  it('rejects a rule with an unknown variable and keeps the others', () => {
    const ids = idsOf(`alert tcp $NOWHERE any -> any any (sid:1;)\n${TCP} (content:"GET"; sid:2;)`)
    assert.deepEqual(
      ids.warnings.map((warning) => [warning.code, warning.line, warning.sid]),
      [['unknown-variable', 1, 1]],
    )
    assert.deepEqual(play(ids, [GET]).sids, [2])
  })

  it('keeps bits of the flow between request and response', () => {
    const ids = idsOf(
      `${HTTP} (http.uri; content:"/evil"; flowbits:set,asked; flowbits:noalert; sid:1;)\n` +
        `${HTTP} (flow:to_client; http.stat_code; content:"200"; flowbits:isset,asked; sid:2;)\n` +
        `${HTTP} (flow:to_client; http.stat_code; content:"200"; flowbits:isnotset,asked; sid:3;)`,
    )
    const answer = toClient('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    assert.deepEqual(play(ids, [GET, answer]).sids, [2])
    assert.deepEqual(play(ids, [toServer('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), answer]).sids, [3])
  })

  it('keeps xbits of a host until they expire', () => {
    let now = 1_000_000
    const ids = idsOf(
      `${HTTP} (http.uri; content:"/evil"; xbits:set,seen,track ip_src,expire 10; noalert; sid:1;)\n` +
        `${HTTP} (http.uri; content:"/next"; xbits:isset,seen,track ip_src; sid:2;)`,
      { now: () => now },
    )
    const next = toServer('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    play(ids, [GET])
    assert.deepEqual(play(ids, [next]).sids, [2])
    assert.deepEqual(play(ids, [next], { ...CONNECTION, clientAddress: '10.0.0.9' }).sids, [])
    now += 10_001
    assert.deepEqual(play(ids, [next]).sids, [])
  })

  it('counts with flowint', () => {
    const ids = idsOf(
      `${HTTP} (http.uri; content:"/evil"; flowint:n,+,1; noalert; sid:1;)\n` +
        `${HTTP} (http.uri; content:"/evil"; flowint:n,>=,3; sid:2;)`,
    )
    assert.deepEqual(play(ids, [GET, GET]).sids, [])
    assert.deepEqual(play(ids, [GET, GET, GET, GET]).sids, [2, 2])
  })

  it('bounds alerts by threshold, per tracked side, and never a drop', () => {
    const counted = (threshold: string, requests: number, action = 'alert'): number[] => {
      let now = 0
      const ids = idsOf(
        `${action} http any any -> any any (http.uri; content:"/evil"; ${threshold}; sid:1;)`,
        {
          now: () => (now += 1),
        },
      )
      return Array.from({ length: requests }, () => play(ids, [GET]).sids.length)
    }
    assert.deepEqual(
      counted('threshold:type limit, track by_src, count 2, seconds 60', 4),
      [1, 1, 0, 0],
    )
    assert.deepEqual(
      counted('threshold:type threshold, track by_src, count 2, seconds 60', 4),
      [0, 1, 0, 1],
    )
    assert.deepEqual(
      counted('threshold:type both, track by_dst, count 2, seconds 60', 4),
      [0, 1, 0, 0],
    )
    assert.deepEqual(counted('detection_filter:track by_src, count 2, seconds 60', 4), [0, 0, 1, 1])
    const ids = idsOf(
      'drop http any any -> any any (http.uri; content:"/evil"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)',
    )
    assert.deepEqual([play(ids, [GET]).dropped, play(ids, [GET]).dropped], [true, true])
  })

  it('checks sizes of chunk and stream, and the protocol found', () => {
    const sids = play(
      idsOf(
        `${TCP} (flow:to_server; dsize:31; sid:1;)\n${TCP} (flow:to_server; dsize:<31; sid:2;)\n` +
          `${TCP} (flow:to_server; content:"evil"; stream_size:client,=,32; sid:3;)\n` +
          `${TCP} (flow:to_server; content:"evil"; app-layer-protocol:http; sid:4;)\n` +
          `${TCP} (flow:to_server; content:"evil"; app-layer-protocol:!http; sid:5;)`,
      ),
      [GET],
    ).sids
    assert.deepEqual(sids, [1, 3, 4])
  })
})

describe('loading', () => {
  const folderWith = (files: Readonly<Record<string, string>>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-ids-'))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  }

  it('reads a folder with its classes', () => {
    const folder = folderWith({
      'classification.config': 'config classification: own-class,Words of the operator,2\n',
      'a/one.rules': `${HTTP} (http.uri; content:"/evil"; classtype:own-class; sid:1;)`,
      'two.rules': `${HTTP} (http.uri; content:"/evil"; sid:2;)`,
      'notes.txt': 'not a rule',
    })
    try {
      const ids = createIds({ mode: 'detect', rulePaths: [folder] })
      assert.equal(ids.ruleCount, 2)
      const [first] = play(ids, [GET]).alerts
      assert.deepEqual([first.category, first.severity], ['Words of the operator', 2])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses a set of which nothing loads, with every reason', () => {
    assert.throws(
      () => idsOf(`${TCP} (bogus; sid:1;)\n${TCP} (content:"|0|"; sid:2;)`),
      (error: unknown) =>
        error instanceof IdsLoadError &&
        error.code === 'IDS_NO_RULES' &&
        error.diagnostics.map(({ line }) => line).join() === '1,2',
    )
    assert.throws(() => idsOf('# nothing\n'), { code: 'IDS_NO_RULES' })
  })

  it('refuses a missing file and a bad variable', () => {
    assert.throws(() => createIds({ mode: 'block', rulePaths: ['/nonexistent.rules'] }), {
      code: 'IDS_RULES_UNREADABLE',
    })
    const wrong: Record<string, string>[] = [
      { HOME_NET: '10.0.0.0/99' },
      { HOME_NET: '$HOME_NET' },
      { A_PORTS: '99999' },
    ]
    for (const variables of wrong) {
      assert.throws(() => idsOf(`${TCP} (sid:1;)`, { settings: { variables } }), {
        code: 'IDS_BAD_VARIABLE',
      })
    }
  })

  it('tells which rules have nothing to look at on TCP', () => {
    const ids = idsOf(
      `alert udp any any -> any 53 (content:"a"; sid:1;)\n${TCP} (flags:S; sid:2;)\n${TCP} (content:"a"; sid:3;)`,
    )
    assert.equal(ids.ruleCount, 1)
    assert.deepEqual([...ids.inapplicable.values()], [1, 1])
  })
})
