import { createHash } from 'node:crypto'
import type { TransformStep } from '#signatures/suricata/transform.ts'
import { Inflater } from '../coding/inflate.ts'
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
    case 'xor': {
      const { key } = step
      const bytes = typeof key === 'string' ? key : keyOf(text, key.offset, key.length)
      return bytes === '' ? '' : xor(text, bytes, step.offset)
    }
    case 'gunzip':
    case 'zlib_deflate':
      return decompressed(text, step.kind, step.maxBytes)
    case 'subslice':
      return subslice(text, step.offset, step.bytes, step.truncate)
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

function xor(text: string, key: string, offset: number): string {
  const bytes = Buffer.from(text, 'latin1')
  for (let index = offset; index < bytes.length; index += 1)
    bytes[index] ^= key.charCodeAt((index - offset) % key.length)
  return bytes.toString('latin1')
}

/** Empty when it does not lie within the text. */
function keyOf(text: string, offset: number, length: number): string {
  return offset + length > text.length ? '' : text.slice(offset, offset + length)
}

/** Empty when the bytes are not compressed that way; damaged ones yield what comes before the damage. */
function decompressed(text: string, kind: 'gunzip' | 'zlib_deflate', maxBytes: number): string {
  const bytes = Buffer.from(text, 'latin1')
  const isGzip = bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b
  const isZlib = bytes.length > 2 && (bytes[0] & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0
  if (kind === 'gunzip' ? !isGzip : !isZlib) return ''
  const inflater = new Inflater(kind === 'gunzip' ? 'gzip' : 'deflate', maxBytes)
  return inflater.push(bytes).toString('latin1', 0, maxBytes)
}

/**
 * Part of the text. Without `truncate` a part that is not wholly there is empty.
 *
 * @param offset from the end where negative
 * @param bytes how many; negative: up to that place, from the end; null: to the end
 */
export function subslice(
  text: string,
  offset: number,
  bytes: number | null,
  truncate: boolean,
): string {
  const { length } = text
  let start = offset < 0 ? length + offset : offset
  if (start < 0) {
    if (!truncate) return ''
    start = 0
  }
  let end = bytes === null ? length : bytes < 0 ? length + bytes : start + bytes
  if (start > length || end < start) return ''
  if (end > length) {
    if (!truncate) return ''
    end = length
  }
  return text.slice(start, end)
}
