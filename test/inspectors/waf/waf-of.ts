import type { Alert, Verdict } from '#inspectors/inspector.ts'
import { createWaf, type Waf, type WafOptions } from '#inspectors/waf/waf.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import { type Exchange, exchange } from '#test/conformance/crs/in-process.ts'

/** Files that exist in memory alone. */
export function memoryFiles(texts: Readonly<Record<string, string>>): RuleFiles {
  const files = new Map(Object.entries(texts))
  return {
    read: (path) => {
      const textLatin1 = files.get(path)
      return textLatin1 === undefined
        ? { ok: false, message: `${path} cannot be read (ENOENT)` }
        : { ok: true, textLatin1 }
    },
    kind: (path) =>
      files.has(path)
        ? 'file'
        : [...files.keys()].some((name) => name.startsWith(`${path}/`))
          ? 'folder'
          : null,
    list: (folder) =>
      [...files.keys()]
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1))
        .filter((name) => !name.includes('/'))
        .sort(),
  }
}

/** A WAF of the rules in `text`, in mode `block` unless said otherwise. */
export function wafOf(text: string, options: Partial<WafOptions> = {}): Waf {
  return createWaf({
    mode: 'block',
    rulePaths: ['/rules/test.conf'],
    files: memoryFiles({ '/rules/test.conf': text }),
    ...options,
  })
}

/** Sends one request; `headers` are lines. */
export function send(
  waf: Waf,
  line: string,
  headers: readonly string[] = [],
  body: string | Buffer = '',
): Exchange {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body, 'latin1')
  const length = bytes.length > 0 ? [`Content-Length: ${bytes.length}`] : []
  const head = [`${line} HTTP/1.1`, 'Host: shop.example', ...headers, ...length, '', ''].join(
    '\r\n',
  )
  return exchange(waf, Buffer.concat([Buffer.from(head, 'latin1'), bytes]))
}

/** All alerts of an exchange. */
export function alertsOf(result: Exchange): Alert[] {
  return result.verdicts.flatMap((verdict: Verdict) =>
    verdict.kind === 'pass' ? [] : [...verdict.alerts],
  )
}

/** Ids of the rules that alerted, in order. */
export function idsOf(result: Exchange): number[] {
  return alertsOf(result).map((alert) => alert.signatureId)
}
