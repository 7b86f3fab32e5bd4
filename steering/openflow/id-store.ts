import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ZONES_PER_PORT } from '#steering/flows/layout.ts'
import { SwitchError } from './errors.ts'

/** How long a released id rests: conntrack entries and packets that carry it are gone by then. */
export const QUARANTINE_MS = 300_000
/** Zones below are left to whoever else uses conntrack on the host. */
export const FIRST_ZONE = 16_384
export const LAST_ZONE = 65_531
export const LAST_NUMBER = 0x7fff_fffe
/** End of a learning window whose flows the switch does not have yet. */
export const NOT_BEGUN = Number.MAX_SAFE_INTEGER
/** Rounds are 16 bits of the cookie, 0 is never used. */
const LAST_ROUND = 0xffff
const FORMAT = 1

/** What the controller knows of an attachment beyond this life of the agent. */
export interface AttachmentRecord {
  readonly number: number
  /** Milliseconds since the epoch: end of the learning window. NOT_BEGUN until its flows are in force. */
  readonly learnUntil: number
  /** What new connections it wanted: `''` while it drains. */
  readonly scope: string
}

interface Resting {
  readonly id: number
  /** Milliseconds since the epoch. */
  readonly until: number
}

interface StateFile {
  readonly format: number
  readonly round: number
  readonly lastNumber: number
  readonly ports: readonly (readonly [key: string, firstZone: number])[]
  readonly attachments: readonly (readonly [key: string, record: AttachmentRecord])[]
  readonly restingZones: readonly Resting[]
}

/**
 * Ids that reach the wire, kept over restarts: zones by port, numbers by attachment, the round.
 * A zone is given again only after its quarantine; attachment numbers only ever grow (and after 2^31 of
 * them start again with those that nobody has). `save` before the ids are used.
 */
export class IdStore {
  readonly #path: string
  readonly #now: () => number
  readonly #ports = new Map<string, number>()
  readonly #attachments = new Map<string, AttachmentRecord>()
  #restingZones: Resting[] = []
  #round = 0
  #lastNumber = 0
  #isChanged = false

  constructor(path: string, now: () => number = Date.now) {
    this.#path = path
    this.#now = now
  }

  /** @throws SwitchError `BAD_STATE` */
  async load(): Promise<void> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    const state = parseState(text, this.#path)
    this.#round = state.round
    this.#lastNumber = state.lastNumber
    for (const [key, zone] of state.ports) this.#ports.set(key, zone)
    for (const [key, record] of state.attachments) this.#attachments.set(key, record)
    this.#restingZones = [...state.restingZones]
  }

  /** The round of this life: one more than the last that was saved or is in the switch. */
  nextRound(seen: readonly number[]): number {
    this.#round = (Math.max(this.#round, ...seen) % LAST_ROUND) + 1
    this.#isChanged = true
    return this.#round
  }

  zonesOf(port: string): number {
    const known = this.#ports.get(port)
    if (known !== undefined) return known
    const zone = this.#freeZone()
    this.#ports.set(port, zone)
    this.#isChanged = true
    return zone
  }

  /**
   * @param scope       text that changes when the attachment begins to want connections it did not want
   *                    before: then connections exist that are older than its wish, and it learns anew
   * @param learnUntil  end of the learning window if one begins now
   */
  attachment(key: string, scope: string, learnUntil: number): AttachmentRecord {
    const known = this.#attachments.get(key)
    if (known !== undefined && known.scope === scope) return known
    const number = known?.number ?? this.#freeNumber()
    const until = scope === '' ? (known?.learnUntil ?? 0) : learnUntil
    const record = { number, learnUntil: until, scope }
    this.#attachments.set(key, record)
    this.#isChanged = true
    return record
  }

  /**
   * Begins the windows that have waited for their flows.
   *
   * @returns when the next window ends, Infinity when none is open
   */
  beginWindows(now: number, lengthMs: number): number {
    let next = Infinity
    for (const [key, record] of this.#attachments) {
      let { learnUntil } = record
      if (learnUntil === NOT_BEGUN) {
        learnUntil = now + lengthMs
        this.#attachments.set(key, { ...record, learnUntil })
        this.#isChanged = true
      }
      if (learnUntil > now) next = Math.min(next, learnUntil)
    }
    return next
  }

  record(key: string): AttachmentRecord | undefined {
    return this.#attachments.get(key)
  }

  /** Attachment keys by number. */
  keys(): Map<number, string> {
    return new Map([...this.#attachments].map(([key, record]) => [record.number, key]))
  }

  /**
   * Lets go of what is no longer in use.
   *
   * @returns first zones of the ports that went: their entries should be flushed
   */
  retain(ports: ReadonlySet<string>, attachments: ReadonlySet<string>): number[] {
    const now = this.#now()
    const released: number[] = []
    for (const [key, zone] of this.#ports) {
      if (ports.has(key)) continue
      this.#ports.delete(key)
      this.#restingZones.push({ id: zone, until: now + QUARANTINE_MS })
      released.push(zone)
      this.#isChanged = true
    }
    for (const key of this.#attachments.keys()) {
      if (attachments.has(key)) continue
      this.#attachments.delete(key)
      this.#isChanged = true
    }
    return released
  }

  /** Writes what changed: beside the file, fsynced, renamed. A crash leaves the old or the new one. */
  async save(): Promise<void> {
    if (!this.#isChanged) return
    const state: StateFile = {
      format: FORMAT,
      round: this.#round,
      lastNumber: this.#lastNumber,
      ports: [...this.#ports],
      attachments: [...this.#attachments],
      restingZones: this.#restingZones,
    }
    const staging = `${this.#path}.tmp`
    const file = await open(staging, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify(state))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(staging, this.#path)
    const folder = await open(dirname(this.#path), 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
    this.#isChanged = false
  }

  #freeZone(): number {
    const now = this.#now()
    const awake = this.#restingZones.filter((resting) => resting.until > now)
    if (awake.length !== this.#restingZones.length) this.#isChanged = true
    this.#restingZones = awake
    const taken = new Set([...this.#ports.values(), ...awake.map((resting) => resting.id)])
    for (let zone = FIRST_ZONE; zone + ZONES_PER_PORT - 1 <= LAST_ZONE; zone += ZONES_PER_PORT)
      if (!taken.has(zone)) return zone
    throw new SwitchError(
      'OUT_OF_IDS',
      `no conntrack zones are free: ${taken.size} ports have them`,
    )
  }

  #freeNumber(): number {
    const taken = new Set([...this.#attachments.values()].map((record) => record.number))
    do this.#lastNumber = (this.#lastNumber % LAST_NUMBER) + 1
    while (taken.has(this.#lastNumber))
    return this.#lastNumber
  }
}

function parseState(text: string, path: string): StateFile {
  try {
    const state = JSON.parse(text) as StateFile
    const numbers = [
      state.round,
      state.lastNumber,
      ...state.ports.map((entry) => entry[1]),
      ...state.attachments.flatMap(([, record]) => [record.number, record.learnUntil]),
      ...state.restingZones.flatMap((resting) => [resting.id, resting.until]),
    ]
    if (
      state.format === FORMAT &&
      state.attachments.every(([, record]) => typeof record.scope === 'string') &&
      numbers.every((value) => Number.isSafeInteger(value) && value >= 0)
    )
      return state
  } catch (cause) {
    throw new SwitchError('BAD_STATE', `${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
  throw new SwitchError('BAD_STATE', `${path} is not a state file of this version`)
}
