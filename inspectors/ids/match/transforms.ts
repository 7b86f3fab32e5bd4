import { createHash } from 'node:crypto'
import type { TransformStep } from '#signatures/suricata/transform.ts'
import { decodeBase64 } from './base64.ts'

/** Applies the transforms of a sticky buffer, left to right. Text in and out is latin1. */
export function applyTransforms(text: string, steps: readonly TransformStep[]): string {
  let value = text
  for (const step of steps) value = applyTransform(value, step)
  return value
}

function applyTransform(text: string, step: TransformStep): string {
  switch (step.kind) {
    case 'dotprefix':
      return `.${text}`
    case 'to_lowercase':
      return text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase())
    case 'to_uppercase':
      return text.replaceAll(/[a-z]+/g, (run) => run.toUpperCase())
    case 'strip_whitespace':
      return text.replaceAll(/[\t\n\v\f\r ]+/g, '')
    case 'compress_whitespace':
      return text.replaceAll(/[\t\n\v\f\r ]+/g, ' ')
    case 'url_decode':
      return urlDecode(text)
    case 'to_md5':
      return digest('md5', text)
    case 'to_sha1':
      return digest('sha1', text)
    case 'to_sha256':
      return digest('sha256', text)
    case 'header_lowercase':
      return text.replaceAll(/^[^:\n]*/gm, (name) => name.toLowerCase())
    case 'strip_pseudo_headers':
      return text.replaceAll(/^:[^\n]*\n?/gm, '')
    case 'xor':
      return xor(text, step.key)
    case 'from_base64': {
      const end = step.bytes === 0 ? undefined : step.offset + step.bytes
      return decodeBase64(text.slice(step.offset, end), step.mode)
    }
    case 'pcrexform': {
      if (step.pattern.exec(text, 0) < 0) return text
      return step.pattern.capture(1) ?? text
    }
  }
}

function urlDecode(text: string): string {
  return text.replaceAll(/%([0-9a-fA-F]{2})|\+/g, (all, hex: string | undefined) =>
    hex === undefined ? (all === '+' ? ' ' : all) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function digest(algorithm: 'md5' | 'sha1' | 'sha256', text: string): string {
  return createHash(algorithm).update(Buffer.from(text, 'latin1')).digest().toString('latin1')
}

function xor(text: string, key: string): string {
  const bytes = Buffer.from(text, 'latin1')
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] ^= key.charCodeAt(index % key.length)
  return bytes.toString('latin1')
}
