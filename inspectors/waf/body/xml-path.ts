import type { XPathStep } from '#signatures/seclang/xpath.ts'
import type { XmlDocument, XmlElement } from './xml-document.ts'

/**
 * Values of a path: elements give the text of all below them, attributes and text nodes their own.
 * Cost: elements times steps.
 */
export function xmlValues(document: XmlDocument, steps: readonly XPathStep[]): string[] {
  const { elements } = document
  /** -1 stands for the document itself. */
  let context: number[] = [-1]
  for (const [index, step] of steps.entries()) {
    const isLast = index === steps.length - 1
    if (step.test === 'element') {
      context = selectElements(elements, context, step)
      if (isLast) return context.map((at) => textBelow(elements, at))
    } else return selectLeaves(elements, context, step)
  }
  return []
}

function selectElements(
  elements: readonly XmlElement[],
  context: readonly number[],
  step: XPathStep,
): number[] {
  const found = new Set<number>()
  for (const from of context) {
    const end = from < 0 ? elements.length : elements[from].end
    for (let at = from + 1; at < end; at += 1) {
      const element = elements[at]
      if (step.axis === 'child' && element.parent !== from) continue
      if (step.name === null || step.name === element.name) found.add(at)
    }
  }
  return [...found].sort((left, right) => left - right)
}

function selectLeaves(
  elements: readonly XmlElement[],
  context: readonly number[],
  step: XPathStep,
): string[] {
  const owners = new Set<number>()
  for (const from of context) {
    if (step.axis === 'child') owners.add(from)
    else {
      const end = from < 0 ? elements.length : elements[from].end
      for (let at = Math.max(0, from); at < end; at += 1) owners.add(at)
    }
  }
  const values: string[] = []
  for (const at of owners) {
    const element = elements[at]
    if (element === undefined) continue
    if (step.test === 'text') values.push(...element.texts.map((text) => text.value))
    else {
      for (const { name, value } of element.attributes) {
        if (step.name === null || step.name === name) values.push(value)
      }
    }
  }
  return values
}

function textBelow(elements: readonly XmlElement[], root: number): string {
  const texts = elements.slice(root, elements[root].end).flatMap((element) => element.texts)
  return texts
    .sort((left, right) => left.order - right.order)
    .map((text) => text.value)
    .join('')
}
