/**
 * Whose copy of a byte wins when segments of a TCP stream, or fragments of an IP packet, lie over one another with
 * different data: each family of hosts decides differently, and an inspector must decide as the receiver does (Novak and
 * Sturges, "Target-Based TCP Stream Reassembly", 2007; Novak, "Target-Based Fragmentation Reassembly", 2005).
 */
export type OsPolicy =
  | 'first'
  | 'last'
  | 'bsd'
  | 'bsd-right'
  | 'old-linux'
  | 'linux'
  | 'old-solaris'
  | 'solaris'
  | 'hpux10'
  | 'hpux11'
  | 'irix'
  | 'macos'
  | 'windows'
  | 'vista'
  | 'windows2k3'

export const OS_POLICIES: readonly OsPolicy[] = [
  'first',
  'last',
  'bsd',
  'bsd-right',
  'old-linux',
  'linux',
  'old-solaris',
  'solaris',
  'hpux10',
  'hpux11',
  'irix',
  'macos',
  'windows',
  'vista',
  'windows2k3',
]

/** `true` in a cell: the new segment's bytes replace those that are there. */
interface Preference {
  /** The new one begins before the old one: and ends before, with or behind it. */
  readonly before: Outcome
  readonly same: Outcome
  readonly after: Outcome
}
type Outcome = readonly [endsBefore: boolean, endsSame: boolean, endsAfter: boolean]

const OLD: Outcome = [false, false, false]
const NEW: Outcome = [true, true, true]
const WHEN_COVERED: Outcome = [false, true, true]
const WHEN_LONGER: Outcome = [false, false, true]

const FIRST: Preference = { before: OLD, same: OLD, after: OLD }
const LAST: Preference = { before: NEW, same: NEW, after: NEW }
const BSD: Preference = { before: NEW, same: OLD, after: OLD }
const SOLARIS: Preference = { before: WHEN_COVERED, same: WHEN_COVERED, after: WHEN_LONGER }

const OF_SEGMENTS: Readonly<Record<OsPolicy, Preference>> = {
  first: FIRST,
  last: LAST,
  bsd: BSD,
  'bsd-right': { before: OLD, same: NEW, after: NEW },
  'old-linux': { before: NEW, same: WHEN_COVERED, after: OLD },
  linux: { before: NEW, same: WHEN_LONGER, after: OLD },
  'old-solaris': SOLARIS,
  solaris: SOLARIS,
  hpux10: BSD,
  hpux11: SOLARIS,
  irix: BSD,
  macos: BSD,
  windows: BSD,
  vista: FIRST,
  windows2k3: BSD,
}

const FRAGMENTS_OF_LINUX: Preference = { before: NEW, same: NEW, after: OLD }
const FRAGMENTS_OF_WINDOWS: Preference = { before: WHEN_LONGER, same: OLD, after: OLD }
const FRAGMENTS_OF_SOLARIS: Preference = { before: WHEN_COVERED, same: OLD, after: OLD }

const OF_FRAGMENTS: Readonly<Record<OsPolicy, Preference>> = {
  ...OF_SEGMENTS,
  'old-linux': BSD,
  linux: FRAGMENTS_OF_LINUX,
  'old-solaris': FRAGMENTS_OF_SOLARIS,
  solaris: FRAGMENTS_OF_SOLARIS,
  hpux11: FIRST,
  macos: FIRST,
  windows: FRAGMENTS_OF_WINDOWS,
  vista: FRAGMENTS_OF_WINDOWS,
  windows2k3: FRAGMENTS_OF_WINDOWS,
}

/** Decides one overlap. Offsets are those that the segments had when they came, `end` exclusive. */
export type Prefers = (
  oldStart: number,
  oldEnd: number,
  newStart: number,
  newEnd: number,
) => boolean

function decide(of: Preference): Prefers {
  return (oldStart, oldEnd, newStart, newEnd) => {
    const row = newStart < oldStart ? of.before : newStart === oldStart ? of.same : of.after
    return row[newEnd < oldEnd ? 0 : newEnd === oldEnd ? 1 : 2]
  }
}

function deciders(of: Readonly<Record<OsPolicy, Preference>>): ReadonlyMap<OsPolicy, Prefers> {
  return new Map(OS_POLICIES.map((policy) => [policy, decide(of[policy])]))
}

const SEGMENTS = deciders(OF_SEGMENTS)
const FRAGMENTS = deciders(OF_FRAGMENTS)

export function segmentPreference(policy: OsPolicy): Prefers {
  return SEGMENTS.get(policy)!
}

export function fragmentPreference(policy: OsPolicy): Prefers {
  return FRAGMENTS.get(policy)!
}
