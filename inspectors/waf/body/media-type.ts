import type { BodyProcessor } from '#signatures/seclang/model.ts'

/** `type/subtype` of a Content-Type in lower case, parameters left out. */
export function baseMediaType(contentType: string): string {
  const semicolon = contentType.search(/[;,\s]/)
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).toLowerCase()
}

/**
 * Which processor reads a body of this type; null: none, its bytes are REQUEST_BODY when asked for.
 * A parameter never decides (`application/x; charset=xml`).
 */
export function processorOf(contentType: string): BodyProcessor | null {
  const type = baseMediaType(contentType.trimStart())
  if (type === 'application/x-www-form-urlencoded') return 'URLENCODED'
  if (type === 'multipart/form-data') return 'MULTIPART'
  if (type === 'application/json' || /^[a-z]+\/[^/]+\+json$/.test(type)) return 'JSON'
  if (/^(?:application|text)\/xml$/.test(type) || /^[a-z]+\/[^/]+\+xml$/.test(type)) return 'XML'
  return null
}
