import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import tar from 'tar-stream'
import type { RuleFile } from '#signatures/check/rule-report.ts'
import { SignatureError } from '#signatures/errors.ts'
import {
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_FILE_BYTES,
  MAX_BUNDLE_FILES,
  MAX_BUNDLE_UNPACKED_BYTES,
} from './bundle.ts'
import { rulePath } from './rule-path.ts'

/** Entries of any kind, folders and hidden files included; and tar's own overhead per entry. */
const MAX_ENTRIES = 4 * MAX_BUNDLE_FILES
const MAX_TAR_BYTES = MAX_BUNDLE_UNPACKED_BYTES + MAX_ENTRIES * 1_024

/**
 * Files of a tar.gz that may come from anybody. Regular files alone count; folders are implied and hidden
 * files left out. A link, a device, an absolute path, `..`, a path twice or a bound exceeded refuses the
 * whole archive. The inflated size is bounded before anything is read, so a bomb costs no more
 * memory than the largest bundle does.
 *
 * @throws SignatureError `BUNDLE_INVALID` with the entry's name and what is wrong with it
 */
export async function unpackBundle(archive: Uint8Array): Promise<RuleFile[]> {
  if (archive.length > MAX_BUNDLE_BYTES) throw refusal(`more than ${MAX_BUNDLE_BYTES} bytes`)
  const files: RuleFile[] = []
  const seen = new Set<string>()
  let entries = 0
  let total = 0
  const extract = tar.extract()
  extract.end(await inflate(archive))
  try {
    for await (const entry of extract) {
      const { name, type, size } = entry.header
      if (++entries > MAX_ENTRIES) throw refusal(`more than ${MAX_ENTRIES} entries`)
      const path = rulePath(name)
      if (!path.ok) throw refusalOf(name, path.reason)
      if (type !== 'file' && type !== 'contiguous-file' && type !== 'directory') {
        throw refusalOf(name, `a ${type ?? 'thing of unknown type'} is not allowed`)
      }
      if (type === 'directory' || path.isHidden) {
        entry.resume()
        continue
      }
      if (seen.has(path.path)) throw refusalOf(name, 'the path is there twice')
      seen.add(path.path)
      total += size
      if (seen.size > MAX_BUNDLE_FILES) throw refusal(`more than ${MAX_BUNDLE_FILES} files`)
      if (size > MAX_BUNDLE_FILE_BYTES) throw refusalOf(name, 'the file is too large')
      if (total > MAX_BUNDLE_UNPACKED_BYTES) throw refusal('the files together are too large')
      const chunks: Uint8Array[] = []
      for await (const chunk of entry) chunks.push(chunk as Uint8Array)
      files.push({ path: path.path, bytes: Buffer.concat(chunks) })
    }
  } catch (cause) {
    if (cause instanceof SignatureError) throw cause
    throw refusal(`not a tar archive (${(cause as Error).message})`, cause)
  } finally {
    extract.destroy()
  }
  refuseFolderOverFile(files)
  if (files.length === 0) throw refusal('there is no file in it')
  return files.sort((left, right) => (left.path < right.path ? -1 : 1))
}

async function inflate(archive: Uint8Array): Promise<Buffer> {
  try {
    return await promisify(gunzip)(archive, { maxOutputLength: MAX_TAR_BYTES })
  } catch (cause) {
    const isBomb = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw refusal(isBomb ? `more than ${MAX_TAR_BYTES} bytes unpacked` : 'not gzip', cause)
  }
}

/** `a` and `a/b` cannot both be files. */
function refuseFolderOverFile(files: readonly RuleFile[]): void {
  const paths = new Set(files.map((file) => file.path))
  for (const path of paths) {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (paths.has(path.slice(0, at))) throw refusalOf(path, 'a file is in the way of its folder')
    }
  }
}

function refusalOf(name: string, why: string): SignatureError {
  return refusal(`${JSON.stringify(name.slice(0, 200))}: ${why}`)
}

function refusal(why: string, cause?: unknown): SignatureError {
  return new SignatureError('BUNDLE_INVALID', `bundle: ${why}`, { cause })
}
