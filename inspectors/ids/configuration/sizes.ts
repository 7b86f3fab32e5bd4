const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1024,
  kib: 1024,
  mb: 1_048_576,
  mib: 1_048_576,
  gb: 1_073_741_824,
  gib: 1_073_741_824,
}

/** Bytes of a size as settings write it: `1mb`, `512 KiB`, `4096`; null when it is none. */
export function sizeOf(text: string): number | null {
  const parts = /^(\d{1,12})\s*([a-z]{0,3})$/i.exec(text.trim())
  if (parts === null) return null
  const unit = UNITS[parts[2].toLowerCase()]
  return unit === undefined ? null : Number(parts[1]) * unit
}
