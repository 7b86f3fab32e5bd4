import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { bundleKey } from '#chain/model/redis-keys.ts'
import { AgentError } from './errors.ts'
import { unpackBundle } from './unpack-bundle.ts'

/** Unpacked bundles that no snapshot names are kept so long: a roll back needs no Redis then. */
export const UNUSED_BUNDLE_MS = 86_400_000
/** Largest bundle that is taken from Redis. */
export const MAX_BUNDLE_ARCHIVE_BYTES = 67_108_864

const SHA256 = /^[0-9a-f]{64}$/

/**
 * Unpacked rule sets by the SHA-256 of their bundle: `<folder>/<sha256>/...`. A folder under its final
 * name is whole and never changes; workers read it, root alone writes.
 */
export class RuleCache {
  readonly #redis: Redis
  readonly #folder: string
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(redis: Redis, folder: string) {
    this.#redis = redis
    this.#folder = folder
  }

  /** Prepares the folder and removes what an interrupted run left half unpacked. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o755 })
    await chmod(this.#folder, 0o755)
    for (const name of await readdir(this.#folder))
      if (!SHA256.test(name)) await rm(join(this.#folder, name), { recursive: true, force: true })
  }

  /**
   * Makes sure that a bundle is unpacked here; asks Redis only when it is not.
   *
   * @throws AgentError `BUNDLE_MISSING`, `BUNDLE_HASH`, `BUNDLE_INVALID`, or ioredis's error when Redis
   *   is away
   */
  async ensure(sha256: string): Promise<void> {
    if (!SHA256.test(sha256)) throw new AgentError('BUNDLE_HASH', `${sha256} is no SHA-256`)
    const known = this.#underWay.get(sha256)
    if (known !== undefined) return known
    const work = this.#fetch(sha256).finally(() => this.#underWay.delete(sha256))
    this.#underWay.set(sha256, work)
    return work
  }

  /** Removes unpacked bundles that have been unused for a day. */
  async prune(used: ReadonlySet<string>): Promise<void> {
    const oldest = Date.now() - UNUSED_BUNDLE_MS
    for (const name of await readdir(this.#folder)) {
      if (used.has(name) || this.#underWay.has(name) || !SHA256.test(name)) continue
      const { mtimeMs } = await stat(join(this.#folder, name))
      if (mtimeMs < oldest) await rm(join(this.#folder, name), { recursive: true, force: true })
    }
  }

  async #fetch(sha256: string): Promise<void> {
    const target = join(this.#folder, sha256)
    const now = new Date()
    const isPresent = await utimes(target, now, now).then(
      () => true,
      () => false,
    )
    if (isPresent) return
    const archive = await this.#redis.getBuffer(bundleKey(sha256))
    if (archive === null)
      throw new AgentError(
        'BUNDLE_MISSING',
        `rule set bundle ${sha256.slice(0, 16)} is not in Redis`,
      )
    if (archive.length > MAX_BUNDLE_ARCHIVE_BYTES)
      throw new AgentError('BUNDLE_INVALID', `rule set bundle ${sha256.slice(0, 16)} is too large`)
    if (createHash('sha256').update(archive).digest('hex') !== sha256)
      throw new AgentError(
        'BUNDLE_HASH',
        `rule set bundle ${sha256.slice(0, 16)} has another SHA-256`,
      )
    const staging = await mkdtemp(join(this.#folder, '.unpack-'))
    try {
      await unpackBundle(archive, staging)
      await chmod(staging, 0o755)
      await rename(staging, target)
    } catch (error) {
      await rm(staging, { recursive: true, force: true })
      throw error
    }
  }
}
