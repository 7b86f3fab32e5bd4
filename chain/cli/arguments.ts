import { InvalidArgumentError } from 'commander'
import type { Classifier, PortEntry } from '#chain/model/attachment.ts'

/**
 * `any`, or a list of ports and ranges: `80,443,8000-8100`. The API checks what it means; here only
 * what it says.
 */
export function parsePorts(text: string): Classifier['destinationPorts'] {
  if (text === 'any') return 'any'
  return text.split(',').map(parsePortEntry)
}

function parsePortEntry(text: string): PortEntry {
  const match = /^\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*$/.exec(text)
  if (match === null) {
    throw new InvalidArgumentError(
      `“${text}” is neither a port nor a range: say 80,8000-8100 or any`,
    )
  }
  const [, from, to] = match
  return to === undefined ? Number(from) : { from: Number(from), to: Number(to) }
}

/** `80,443,8000-8100` again. */
export function showPorts(ports: Classifier['destinationPorts']): string {
  if (ports === 'any') return 'any'
  return ports
    .map((entry) => (typeof entry === 'number' ? `${entry}` : `${entry.from}-${entry.to}`))
    .join(',')
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `15m`, `2h`, `7d` ago, or an RFC 3339 time as it is. */
export function parseTime(text: string, now = Date.now()): string {
  const match = /^([0-9]{1,6})([smhd])$/.exec(text)
  if (match !== null) return new Date(now - Number(match[1]) * UNIT_MS[match[2]]).toISOString()
  if (!Number.isNaN(Date.parse(text))) return new Date(text).toISOString()
  throw new InvalidArgumentError(`“${text}” is not a time: say 15m, 2h, 7d or 2026-07-08T02:54:07Z`)
}

export function parseCount(text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError(`“${text}” is not a count from 1`)
}
