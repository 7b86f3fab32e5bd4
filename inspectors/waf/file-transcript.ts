import { hash } from 'node:crypto'
import type { FileText, RuleFiles } from '#signatures/seclang/rule-files.ts'

/**
 * Everything that loading asked of the file system, and the answers. Loading depends on nothing else, so
 * where the same questions still get the same answers it would come to the same.
 */
export class FileTranscript {
  readonly #kinds = new Map<string, string | null>()
  readonly #lists = new Map<string, string>()
  /** Content by its hash: the text itself would stay in memory. */
  readonly #texts = new Map<string, string>()

  /** The same files, each question noted. */
  record(files: RuleFiles): RuleFiles {
    return {
      read: (path) => {
        const text = files.read(path)
        this.#texts.set(path, digest(text))
        return text
      },
      kind: (path) => {
        const kind = files.kind(path)
        this.#kinds.set(path, kind)
        return kind
      },
      list: (folder) => {
        const names = files.list(folder)
        this.#lists.set(folder, names.join('\0'))
        return names
      },
    }
  }

  /** True when all questions still get the answers that were noted. */
  holdsFor(files: RuleFiles): boolean {
    for (const [path, kind] of this.#kinds) if (files.kind(path) !== kind) return false
    for (const [folder, names] of this.#lists) {
      if (files.list(folder).join('\0') !== names) return false
    }
    for (const [path, text] of this.#texts) if (digest(files.read(path)) !== text) return false
    return true
  }
}

function digest(text: FileText): string {
  return text.ok ? hash('sha256', text.textLatin1, 'base64') : text.message
}
