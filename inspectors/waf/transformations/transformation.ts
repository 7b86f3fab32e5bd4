/** One `t:` of SecLang: a pure function over latin1 byte strings. */
export interface Transformation {
  /** As the reference manual spells it. */
  readonly name: string
  /** The same reference is returned when nothing changes. */
  readonly apply: (valueLatin1: string) => string
  /**
   * 256 entries, 1 for each byte that can make `apply` change a value: one that has none of them comes
   * back as it was. Null: bytes alone do not tell (`length`, `sha1`).
   */
  readonly triggerBytes: Uint8Array | null
}

/** Table for `Transformation.triggerBytes` out of characters and inclusive ranges of byte values. */
export function triggers(
  characters: string,
  ...ranges: readonly (readonly [from: number, to: number])[]
): Uint8Array {
  const table = new Uint8Array(256)
  for (let index = 0; index < characters.length; index += 1) table[characters.charCodeAt(index)] = 1
  for (const [from, to] of ranges) table.fill(1, from, to + 1)
  return table
}
