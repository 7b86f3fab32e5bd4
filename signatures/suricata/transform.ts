import type { CompiledPattern } from '#signatures/pcre/pattern.ts'

/** One step that changes a buffer before it is matched. */
export type TransformStep =
  | { readonly kind: 'dotprefix' }
  | { readonly kind: 'to_lowercase' }
  | { readonly kind: 'to_uppercase' }
  | { readonly kind: 'strip_whitespace' }
  | { readonly kind: 'compress_whitespace' }
  | { readonly kind: 'url_decode' }
  | { readonly kind: 'to_md5' }
  | { readonly kind: 'to_sha1' }
  | { readonly kind: 'to_sha256' }
  | { readonly kind: 'header_lowercase' }
  | { readonly kind: 'strip_pseudo_headers' }
  | {
      readonly kind: 'xor'
      /** Bytes, latin1, used over and over; or where in the buffer they stand. */
      readonly key: string | { readonly offset: number; readonly length: number }
      /** Bytes before it stay as they are. */
      readonly offset: number
    }
  /** `maxBytes`: of what is decompressed. */
  | { readonly kind: 'gunzip' | 'zlib_deflate'; readonly maxBytes: number }
  | {
      readonly kind: 'subslice'
      /** From the end where negative. */
      readonly offset: number
      /** Negative: up to that place, from the end. Null: to the end. */
      readonly bytes: number | null
      /** What lies outside the buffer is left out; otherwise the result is empty. */
      readonly truncate: boolean
    }
  | {
      readonly kind: 'from_base64'
      /** Encoded bytes that are decoded; 0: all. */
      readonly bytes: number
      readonly offset: number
      readonly mode: 'rfc4648' | 'rfc2045' | 'strict'
    }
  /** The pattern's first group takes the buffer's place; no match leaves it as it is. */
  | { readonly kind: 'pcrexform'; readonly pattern: CompiledPattern }

/** Identity of a chain of transforms: sections with equal keys share one transformed buffer. */
export function transformKey(steps: readonly TransformStep[]): string {
  return steps
    .map((step) => {
      if (step.kind === 'pcrexform') return `pcrexform:${step.pattern.source}`
      return JSON.stringify(step)
    })
    .join('|')
}
