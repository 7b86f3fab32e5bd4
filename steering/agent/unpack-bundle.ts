import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import tar from 'tar-stream'
import { AgentError } from './errors.ts'

/** Bounds of a rule set bundle as it is unpacked; CRS has 60 files and 1 MB, ET Open 40 MB in one. */
export const MAX_BUNDLE_ENTRIES = 5000
export const MAX_BUNDLE_BYTES = 268_435_456
export const MAX_BUNDLE_FILE_BYTES = 134_217_728
export const MAX_BUNDLE_PATH_BYTES = 512
export const MAX_BUNDLE_DEPTH = 16

/** Names that stay inside the folder on any file system and look the same in every log. */
const SEGMENT = /^[A-Za-z0-9_@+=,~#() -][A-Za-z0-9._@+=,~#() -]{0,199}$/

/**
 * Unpacks a `tar.gz` into an empty folder. Regular files and folders only; no link, device, absolute
 * path, `..`, name twice, or more than the bounds above. Nothing is run, no mode or owner is taken
 * over: files are 0644, folders 0755, owned by whoever unpacks.
 *
 * @param archive bytes of the bundle, its hash already checked
 * @param folder  must exist; on an error it holds a part and has to be removed
 * @throws AgentError `BUNDLE_INVALID` with the entry's name and what is wrong with it
 */
export async function unpackBundle(archive: Uint8Array, folder: string): Promise<void> {
  const gunzip = createGunzip()
  const extract = tar.extract()
  gunzip.on('error', (error) => extract.destroy(error))
  gunzip.pipe(extract)
  gunzip.end(archive)
  const seen = new Set<string>()
  let entries = 0
  let totalBytes = 0
  try {
    for await (const entry of extract) {
      const { header } = entry
      entries++
      if (entries > MAX_BUNDLE_ENTRIES)
        throw refusal(header.name, `entry ${entries} is one too many`)
      const segments = safeSegments(header.name)
      if (header.type === 'directory') {
        entry.resume()
        await mkdir(join(folder, ...segments), { recursive: true, mode: 0o755 })
        continue
      }
      if (header.type !== 'file' && header.type !== 'contiguous-file')
        throw refusal(header.name, `a ${header.type ?? 'thing of unknown type'} is not allowed`)
      const size = header.size ?? 0
      totalBytes += size
      if (size > MAX_BUNDLE_FILE_BYTES) throw refusal(header.name, 'the file is too large')
      if (totalBytes > MAX_BUNDLE_BYTES) throw refusal(header.name, 'the bundle is too large')
      const path = segments.join('/')
      if (segments.length === 0 || seen.has(path))
        throw refusal(header.name, 'the name is there twice')
      seen.add(path)
      const chunks: Uint8Array[] = []
      for await (const chunk of entry) chunks.push(chunk as Uint8Array)
      const target = join(folder, ...segments)
      await mkdir(dirname(target), { recursive: true, mode: 0o755 })
      await writeFile(target, Buffer.concat(chunks), { flag: 'wx', mode: 0o644 })
    }
  } catch (cause) {
    if (cause instanceof AgentError) throw cause
    throw new AgentError('BUNDLE_INVALID', `bundle: ${(cause as Error).message}`, { cause })
  } finally {
    gunzip.destroy()
    extract.destroy()
  }
  if (seen.size === 0) throw new AgentError('BUNDLE_INVALID', 'bundle: no file in it')
}

function safeSegments(name: string): string[] {
  if (Buffer.byteLength(name) > MAX_BUNDLE_PATH_BYTES) throw refusal(name, 'the name is too long')
  if (name.startsWith('/')) throw refusal(name, 'an absolute path is not allowed')
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.length > MAX_BUNDLE_DEPTH) throw refusal(name, 'the folders are nested too deeply')
  for (const segment of segments)
    if (segment === '..' || !SEGMENT.test(segment)) throw refusal(name, 'the name is not allowed')
  return segments
}

function refusal(name: string, why: string): AgentError {
  return new AgentError('BUNDLE_INVALID', `bundle: ${JSON.stringify(name.slice(0, 200))}: ${why}`)
}
