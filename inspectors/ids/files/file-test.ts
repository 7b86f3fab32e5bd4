import type { FileCheck } from '#signatures/suricata/checks.ts'
import { isWithin } from '#signatures/suricata/number-range.ts'
import type { TransferredFile } from './transferred-file.ts'

/** A file check made ready: the list of a hash check is read. */
export type FileTest =
  | Exclude<FileCheck, { readonly kind: 'hash' }>
  | (Extract<FileCheck, { readonly kind: 'hash' }> & {
      /** Hex, lower case. */
      readonly listed: ReadonlySet<string>
    })

/** `wait`: the file is not over and may come to hold. */
export function fileHolds(test: FileTest, file: TransferredFile): 'no' | 'match' | 'wait' {
  switch (test.kind) {
    case 'store':
      return 'match'
    case 'name': {
      if (file.name === null) return 'no'
      const name = file.name.toLowerCase()
      const found = test.atEnd ? name.endsWith(test.text) : name.includes(test.text)
      return found === test.negated ? 'no' : 'match'
    }
    case 'size':
      return sizeHolds(test.range, file)
    case 'hash': {
      if (file.state === 'open') return 'wait'
      const digest = file.digest(test.algorithm)
      return digest !== null && test.listed.has(digest) !== test.negated ? 'match' : 'no'
    }
  }
}

/** Of a file that is not whole only "more than" is known. */
function sizeHolds(
  range: Extract<FileCheck, { kind: 'size' }>['range'],
  file: TransferredFile,
): 'no' | 'match' | 'wait' {
  const isMore = range.max === Infinity && !range.negated && range.mask === undefined
  if (isMore && file.size >= range.min) return 'match'
  if (file.state === 'open') return 'wait'
  return file.state === 'closed' && isWithin(range, file.size) ? 'match' : 'no'
}
