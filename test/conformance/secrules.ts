import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { DataFile, OperatorResult } from '#inspectors/waf/operators/operator.ts'
import { OPERATORS } from '#inspectors/waf/operators/registry.ts'
import { TRANSFORMATIONS } from '#inspectors/waf/transformations/registry.ts'
import { compare, emptyReport, type Report } from './report.ts'

/**
 * Runs secrules-language-tests: JSON lists of `{type, name, param, input, output, ret}`, `tfn` for a
 * transformation, whose output is compared, `op` for an operator, whose answer is.
 */

interface Vector {
  readonly type: string
  readonly name: string
  readonly param?: string
  readonly input?: string
  readonly output?: string
  readonly ret: number
}

/** SHA-256 (16 digits) of type, name, parameter and input: the vectors themselves stay with their owner. */
const DEVIATIONS: ReadonlyMap<string, string> = new Map([
  [
    '57b1d7730920135c',
    'the vector was converted from ModSecurity v2, where the input ends in the escape "\\0" and two ' +
      'spaces, of which the escape takes one; the JSON has a NUL byte there, and v2 keeps both spaces',
  ],
])

/** @param path a folder, which is searched, or a JSON file */
export function runSecrules(path: string): Report {
  const report = emptyReport()
  const isFolder = statSync(path).isDirectory()
  const files = isFolder
    ? globSync('**/*.json', { cwd: path })
        .sort()
        .map((name) => join(path, name))
    : [path]
  const readData = (name: string): DataFile => findData(path, name)
  for (const file of files) {
    const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]
    vectors.forEach((vector, index) => {
      runVector(report, `${basename(file, '.json')}-${index + 1}`, vector, readData)
    })
  }
  return report
}

function runVector(
  report: Report,
  test: string,
  vector: Vector,
  readData: (name: string) => DataFile,
): void {
  const known = DEVIATIONS.get(vectorKey(vector))
  if (known !== undefined) report.deviations.push({ test, reason: known })
  else if (vector.type === 'tfn') runTransformation(report, test, vector)
  else if (vector.type === 'op') runOperator(report, test, vector, readData)
}

function runTransformation(report: Report, test: string, vector: Vector): void {
  const transformation = TRANSFORMATIONS.get(vector.name.toLowerCase())
  const got = transformation?.apply(bytesOf(vector.input)) ?? 'no such transformation'
  compare(report, test, bytesOf(vector.output), got)
}

function runOperator(
  report: Report,
  test: string,
  vector: Vector,
  readData: (name: string) => DataFile,
): void {
  const definition = OPERATORS.get(vector.name.toLowerCase())
  if (definition === undefined) {
    compare(report, test, String(vector.ret), 'no such operator')
    return
  }
  const result = definition.compile(operatorBytes(vector.param), { readData })
  const reason = deviationOf(result, vector)
  if (reason !== null) {
    report.deviations.push({ test, reason })
    return
  }
  // A rule with an argument that is refused does not load: its operator never matches.
  const isMatch = result.ok && result.operator.match(operatorBytes(vector.input), null)
  compare(report, test, String(vector.ret), isMatch ? '1' : '0')
}

/** Operators refused or unable on purpose, and data files that are not there, are no failures. */
function deviationOf(result: OperatorResult, vector: Vector): string | null {
  if (!result.ok) {
    const { code, message } = result.error
    return code === 'OPERATOR_UNSUPPORTED' || code === 'OPERATOR_FILE' ? message : null
  }
  const warning = result.warnings.find(({ code }) => code === 'OPERATOR_NEVER_MATCHES')
  return warning !== undefined && vector.ret !== 0 ? warning.message : null
}

/**
 * Vectors are text: UTF-8 stands for its bytes, `\xHH` and `\u00HH` for one. As their own reader does it,
 * other letters than hexadecimal digits are taken too, the same way in input and output.
 */
function bytesOf(text = ''): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/\\x([0-9a-zA-Z]{2})/g, (_, hex: string) => byteOf(hex))
    .replaceAll(/\\u([0-9a-zA-Z]{4})/g, (_, hex: string) => byteOf(hex))
}

/** In operators' vectors `\0` is a NUL that was lost in conversion; no operator knows escapes. */
function operatorBytes(text = ''): string {
  return bytesOf(text.replaceAll(/\\0(?![0-9])/g, '\\x00'))
}

function byteOf(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16) & 0xff)
}

function vectorKey(vector: Vector): string {
  const text = JSON.stringify([vector.type, vector.name, vector.param ?? '', vector.input ?? ''])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Data files are named by their place in another tree: the longest end of the name that is here counts. */
function findData(root: string, name: string): DataFile {
  const parts = name.split('/')
  for (let from = 0; from < parts.length; from += 1) {
    for (const base of [root, join(root, 'operators'), join(root, '..')]) {
      const candidate = join(base, ...parts.slice(from))
      if (existsSync(candidate) && statSync(candidate).isFile()) {
        return { ok: true, textLatin1: readFileSync(candidate, 'latin1') }
      }
    }
  }
  return { ok: false, message: `the data file ${name} is not among the vectors` }
}
