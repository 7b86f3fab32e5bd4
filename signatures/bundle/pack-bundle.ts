import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import tar from 'tar-stream'
import type { RuleFile } from '#signatures/check/rule-report.ts'
import { SignatureError } from '#signatures/errors.ts'
import {
  type Bundle,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_FILE_BYTES,
  MAX_BUNDLE_FILES,
  MAX_BUNDLE_UNPACKED_BYTES,
} from './bundle.ts'
import { rulePath } from './rule-path.ts'

const COMPRESSION_LEVEL = 9
/** Every entry's time: the bytes may not depend on when or where the bundle was packed. */
const EPOCH = new Date(0)

/**
 * Packs files into a bundle: sorted by path, mode 0644, owner root, time zero.
 *
 * @throws SignatureError `BUNDLE_INVALID` when a name or a bound does not allow it
 */
export async function packBundle(files: readonly RuleFile[]): Promise<Bundle> {
  if (files.length === 0) throw refusal('there is no file in it')
  if (files.length > MAX_BUNDLE_FILES) throw refusal(`more than ${MAX_BUNDLE_FILES} files`)
  const seen = new Set<string>()
  let total = 0
  for (const { path, bytes } of files) {
    const checked = rulePath(path)
    if (!checked.ok) throw refusal(`${JSON.stringify(path)}: ${checked.reason}`)
    if (checked.isHidden || checked.path !== path) throw refusal(`${path} is not a bundle path`)
    if (seen.has(path)) throw refusal(`${path} is there twice`)
    seen.add(path)
    if (bytes.length > MAX_BUNDLE_FILE_BYTES) throw refusal(`${path} is too large`)
    total += bytes.length
  }
  if (total > MAX_BUNDLE_UNPACKED_BYTES) throw refusal('the files together are too large')
  const bytes = await promisify(gzip)(await archive(files), { level: COMPRESSION_LEVEL })
  if (bytes.length > MAX_BUNDLE_BYTES) throw refusal(`more than ${MAX_BUNDLE_BYTES} bytes packed`)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { bytes, sha256, version: sha256.slice(0, 16) }
}

async function archive(files: readonly RuleFile[]): Promise<Buffer> {
  const pack = tar.pack()
  const chunks: Buffer[] = []
  const done = (async () => {
    for await (const chunk of pack) chunks.push(chunk as Buffer)
  })()
  const sorted = [...files].sort((left, right) => (left.path < right.path ? -1 : 1))
  for (const { path, bytes } of sorted) {
    const header = { name: path, size: bytes.length, mode: 0o644, mtime: EPOCH, uid: 0, gid: 0 }
    pack.entry(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }
  pack.finalize()
  await done
  return Buffer.concat(chunks)
}

function refusal(why: string): SignatureError {
  return new SignatureError('BUNDLE_INVALID', `bundle: ${why}`)
}
