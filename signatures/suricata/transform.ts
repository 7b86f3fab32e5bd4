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
  /** Key bytes, latin1, used over and over. */
  | { readonly kind: 'xor'; readonly key: string }
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
      if (step.kind === 'xor') return `xor:${step.key}`
      if (step.kind === 'pcrexform') return `pcrexform:${step.pattern.source}`
      if (step.kind === 'from_base64')
        return `from_base64:${step.bytes},${step.offset},${step.mode}`
      return step.kind
    })
    .join('|')
}
