import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isCollection, isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { type Chain } from '#chain/model/chain.ts'
import type { DomainChain } from '#chain/model/domain.ts'
import { chainErrors, type FieldError } from './chain-errors.ts'

/** A chain file that cannot be used; the message has a line per problem. */
export class ChainFileError extends Error {}

/** Largest chain file that is read. */
export const MAX_CHAIN_FILE_BYTES = 1_048_576
const MAX_ERRORS = 20
const LOCAL_TENANT = 'local'

/**
 * Reads the chain resource of the API from a JSON or YAML file. Rules are set names of the checkout or
 * paths, relative to the file.
 *
 * @param file path of the chain file
 * @param home checkout, whose `signatures/baseline` is the rule set `baseline`
 * @throws ChainFileError with `file:line:column: pointer: message` for each problem
 */
export function readChainFile(file: string, home: string): DomainChain {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ChainFileError(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  if (text.length > MAX_CHAIN_FILE_BYTES) {
    throw new ChainFileError(`${file}: larger than ${MAX_CHAIN_FILE_BYTES} bytes`)
  }
  // JSON is YAML: one reader, and positions for both.
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const syntax = document.errors.map(({ message, pos }) => {
    const { line, col } = lines.linePos(pos[0])
    return `${file}:${line}:${col}: ${message}`
  })
  if (syntax.length > 0) throw new ChainFileError(syntax.slice(0, MAX_ERRORS).join('\n'))
  const value: unknown = document.toJS({ maxAliasCount: 16 })
  const errors = chainErrors(value)
  if (errors.length > 0) throw fieldErrors(file, document, lines, errors)
  const chain = value as Chain
  const paths = resolveRules(chain, dirname(resolve(file)), home)
  if (paths.errors.length > 0) throw fieldErrors(file, document, lines, paths.errors)
  return {
    tenant: LOCAL_TENANT,
    chain,
    rulePaths: paths.found,
    ruleVersions: {},
  }
}

function fieldErrors(
  file: string,
  document: Document,
  lines: LineCounter,
  errors: readonly FieldError[],
): ChainFileError {
  const texts = errors
    .map(({ pointer, message }) => ({ pointer, message, offset: offsetOf(document, pointer) }))
    .sort((a, b) => a.offset - b.offset)
    .slice(0, MAX_ERRORS)
    .map(({ pointer, message, offset }) => {
      const { line, col } = lines.linePos(offset)
      return `${file}:${line}:${col}: ${pointer || '/'}: ${message}`
    })
  return new ChainFileError(texts.join('\n'))
}

/** Where a field is, or the nearest of its parents that is there. */
function offsetOf(document: Document, pointer: string): number {
  const keys = pointer.split('/').slice(1)
  for (let depth = keys.length; depth > 0; depth--) {
    const path = keys.slice(0, depth).map((key) => (/^\d+$/.test(key) ? Number(key) : key))
    const node = document.getIn(path, true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return isCollection(document.contents) && document.contents.range ? document.contents.range[0] : 0
}

interface RulePaths {
  readonly found: Record<string, string>
  readonly errors: FieldError[]
}

function resolveRules(chain: Chain, folder: string, home: string): RulePaths {
  const found: Record<string, string> = {}
  const errors: FieldError[] = []
  const find = (reference: string, pointer: string): void => {
    const isPath = /[/\\]|^\.|\.(conf|rules|data)$/.test(reference)
    const path = isPath ? resolve(folder, reference) : join(home, 'signatures', reference)
    if (isPath ? existsSync(path) : reference === 'baseline') {
      found[reference] = path
      return
    }
    errors.push({
      pointer,
      message: isPath
        ? `no such file or folder: ${path}`
        : `rule set ${JSON.stringify(reference)} is not known here: say "baseline" or a path such as ./${reference} (installed sets belong to a manager: portcullis signatures)`,
    })
  }
  for (const [index, inspector] of chain.inspectors.entries()) {
    for (const [rule, reference] of inspector.rules.entries()) {
      find(reference, `/inspectors/${index}/rules/${rule}`)
    }
    if (inspector.type === 'waf' && inspector.setup !== undefined) {
      find(inspector.setup, `/inspectors/${index}/setup`)
    }
  }
  return { found, errors }
}
