/** One step of a path. */
export interface XPathStep {
  /** `/` looks at children (or own attributes), `//` at everything below. */
  readonly axis: 'child' | 'descendant'
  readonly test: 'element' | 'attribute' | 'text'
  /** Null: any (`*`). */
  readonly name: string | null
}

/** Most steps of a path. */
export const MAX_XPATH_STEPS = 16

/**
 * Parses the part of XPath that rules use; null for anything else.
 *
 * ```
 * path = 1*( ( "/" / "//" ) step )
 * step = NAME / "*" / "@" NAME / "@*" / "text()"
 * ```
 */
export function parseXPath(path: string): readonly XPathStep[] | null {
  const steps: XPathStep[] = []
  const step = /(\/\/?)(?:(text\(\))|(@)?(\*|[A-Za-z_][\w.:-]*))/y
  while (step.lastIndex < path.length) {
    const match = step.exec(path)
    if (match === null || steps.length >= MAX_XPATH_STEPS) return null
    const last = steps.at(-1)
    if (last !== undefined && last.test !== 'element') return null
    const axis = match[1] === '//' ? 'descendant' : 'child'
    const name = match[4] === undefined || match[4] === '*' ? null : match[4]
    const test = match[2] !== undefined ? 'text' : match[3] === '@' ? 'attribute' : 'element'
    steps.push({ axis, test, name })
  }
  return steps.length === 0 ? null : steps
}
