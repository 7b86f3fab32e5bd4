import { RuleFault } from './problem.ts'
import type { Rule } from './rule.ts'

/** Longest name of a file that a rule may name. */
export const MAX_DATA_FILE_NAME = 255

/**
 * Name of a file with data for a rule: relative to the folder of the rule's own file, and within it.
 *
 * @throws RuleFault `bad-argument`
 */
export function dataFileName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > MAX_DATA_FILE_NAME || /[\p{Cc}\\]/u.test(name))
    throw new RuleFault('bad-argument', `"${name}" is not the name of a file`)
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw new RuleFault('bad-argument', `"${name}" does not lie in the folder of the rules`, {
      suggestion: 'put the file beside the rules and name it without its folder',
    })
  return name
}

/** Files that a rule reads when it is loaded, by their names as `dataFileName` gives them. */
export function dataFilesOf(rule: Rule): ReadonlySet<string> {
  const names = new Set<string>()
  for (const check of rule.fileChecks) if (check.kind === 'hash') names.add(check.list)
  for (const { matches } of rule.sections)
    for (const match of matches)
      if ((match.kind === 'dataset' || match.kind === 'datarep') && !match.isState)
        if (match.file !== null) names.add(match.file)
  return names
}

const NAMED = /[,;(]\s*(?:load\s+([^\s,;]+)|file(?:md5|sha1|sha256)\s*:\s*!?\s*([^\s;]+)\s*;)/g

/** The same for the text of a rules file, without parsing it: names that look like such ones. */
export function dataFilesNamedIn(text: string): ReadonlySet<string> {
  if (!/data(?:set|rep)\s*:|file(?:md5|sha1|sha256)\s*:/.test(text)) return new Set()
  return new Set([...text.matchAll(NAMED)].map(([, load, list]) => load ?? list))
}
