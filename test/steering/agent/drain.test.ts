import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { AttachmentMode } from '#steering/flows/desired.ts'
import { Drainer, type DrainerParts } from '#steering/agent/drain.ts'
import { type InForceAttachment, InForceStore, isLetGo } from '#steering/agent/in-force.ts'
import { attachment, port } from './snapshot-parts.ts'

const entry = (id: string, detachedAt: number | null): InForceAttachment => ({
  attachment: attachment('t', id),
  port: port('t', 'p', 'n'),
  chain: {
    tenant: 't',
    chain: { name: 'c', onFailure: 'closed', inspectors: [] },
    rulePaths: {},
    ruleVersions: {},
  },
  generation: 1,
  detachedAt,
})

describe('the drain of detached attachments', () => {
  let folder = ''
  let inForce: InForceStore
  /** What the switch has. */
  let steered: Map<string, InForceAttachment>
  /** Happens while the switch is asked for its connections. */
  let meanwhile: () => Promise<void>

  const modeOf = ({ detachedAt }: InForceAttachment): AttachmentMode =>
    detachedAt === null ? 'listening' : 'draining'
  const drainer = (): Drainer =>
    new Drainer({
      inForce,
      flows: {
        problem: null,
        realized: {
          plan: {
            inForce: steered,
            modes: new Map([...steered].map(([key, one]) => [key, modeOf(one)])),
          },
        },
      },
      steering: {
        connections: async () => {
          await meanwhile()
          return new Map()
        },
      },
      namespaceOf: () => 'namespace',
      run: () => assert.fail('nothing is to be reset'),
      log: () => {},
    } as unknown as DrainerParts)
  const put = (key: string, one: InForceAttachment): Promise<void> =>
    inForce.update((entries) => void entries.set(key, one))
  const syncFlows = (): void => {
    steered = new Map(inForce.entries)
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-drain-'))
  })
  beforeEach(async () => {
    inForce = new InForceStore(folder)
    await put('t/a', entry('a', 1000))
    await put('t/b', entry('b', null))
    syncFlows()
    meanwhile = () => Promise.resolve()
  })
  after(() => rm(folder, { recursive: true }))

  it('takes out those that have no connection left', async () => {
    assert.deepEqual(await drainer().step(), ['t/a'])
    assert.deepEqual([...inForce.entries.keys()], ['t/b'])
  })

  it('leaves one that is detached while the switch is asked: it may have connections since', async () => {
    meanwhile = () => put('t/b', entry('b', 2000))
    assert.deepEqual(await drainer().step(), ['t/a'])
    assert.deepEqual([...inForce.entries.keys()], ['t/b'])
    assert.deepEqual(await drainer().step(), [], 'the switch still leads connections through it')
    syncFlows()
    meanwhile = () => Promise.resolve()
    assert.deepEqual(await drainer().step(), ['t/b'])
  })

  it('does not wait for one whose draining flows the switch lacks', async () => {
    await put('t/b', entry('b', 2000))
    assert.deepEqual(await drainer().step(), ['t/a'])
  })

  it('takes flows of an earlier detach for none', async () => {
    await put('t/a', entry('a', 3000))
    assert.deepEqual(await drainer().step(), [])
  })

  it('leaves one that is attached again while the switch is asked', async () => {
    meanwhile = () => put('t/a', entry('a', null))
    await drainer().step()
    assert.deepEqual([...inForce.entries.keys()], ['t/a', 't/b'])
  })
})

describe('an attachment is let go', () => {
  it('when the switch has the flows of that very detach', () => {
    assert.equal(isLetGo(entry('a', 1000), entry('a', 1000)), true)
    assert.equal(isLetGo(entry('a', 1000), entry('a', null)), false)
    assert.equal(isLetGo(entry('a', 2000), entry('a', 1000)), false)
    assert.equal(isLetGo(entry('a', 1000), undefined), false)
    assert.equal(isLetGo(entry('a', null), entry('a', null)), false)
    assert.equal(isLetGo(entry('a', null), undefined), false)
  })
})
